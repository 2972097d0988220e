//! What clients send with every request: who they are, and which key they hold.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;

use super::build::CLIENT_SECRET;
use super::{Key, Party, Place, Reason, World};
use crate::error::Result as Answered;
use crate::internal::fuzzing::protocol::operation::Proof;
use crate::testing::{Form, JwtForm, dpop_keys};
use crate::types::{Confirmation, Params};
use crate::wire::RequestHead;

impl World {
    /// The parameters of a form, with the credentials of its client.
    pub(super) fn params(&self, client: Party, form: Form) -> Params {
        let form = form.set("client_id", client.client_id());
        let form = if client.is_confidential() { form.set("client_secret", CLIENT_SECRET) } else { form };
        Params::parse(form.encode().as_bytes()).expect("a form can be parsed")
    }

    /// The head of a request without a proof.
    pub(super) fn plain_head(&self) -> RequestHead {
        RequestHead::read(&http::Request::new(Bytes::new())).expect("nothing is malformed")
    }

    /// The head of a request with this proof, for something that is bound to that key.
    pub(super) fn head(&mut self, place: Place, proof: Proof, bound: Option<Key>) -> RequestHead {
        let fresh = match proof {
            Proof::Fresh(key) => Some(key),
            Proof::AsBound => bound,
            Proof::None => None,
            Proof::Replayed => return self.head_with(self.proof.as_deref()),
        };
        let made = fresh.map(|key| self.make_proof(key, ("POST", place.path(self))).sign());
        let head = self.head_with(made.as_deref());
        if made.is_some() {
            self.proof = made;
        }
        head
    }

    fn head_with(&self, proof: Option<&str>) -> RequestHead {
        let mut request = http::Request::post("/").body(Bytes::new()).expect("the request is sound");
        if let Some(proof) = proof {
            request.headers_mut().insert("dpop", proof.parse().expect("a proof can stand in a header"));
        }
        RequestHead::read(&request).expect("nothing is malformed")
    }

    /// A sound proof by this key for a request of this method to this path.
    pub(super) fn make_proof(&mut self, key: Key, (method, path): (&str, String)) -> JwtForm {
        self.proofs += 1;
        let claims = json!({
            "jti": self.proofs.to_string(),
            "htm": method,
            "htu": self.node().config().issuer.endpoint(&path),
            "iat": self.now().unix(),
        });
        JwtForm::proof(&dpop_keys()[key.index()], claims)
    }

    /// What came of a call, or why nothing did.
    pub(super) fn settled<T>(&self, outcome: Answered<T>) -> Result<T, Reason> {
        outcome.map_err(|error| error.reason())
    }
}

impl Place {
    fn path(self, world: &World) -> String {
        let paths = &world.node().config().paths;
        match self {
            Self::Push => paths.pushed_authorization.to_string(),
            Self::Token => paths.token.to_string(),
        }
    }
}

/// The key of a confirmation.
pub(super) fn key_of(confirmation: Option<&Confirmation>) -> Option<Key> {
    let Some(Confirmation::Jkt(bound)) = confirmation else { return None };
    let is = |key: &Key| dpop_keys()[key.index()].public_key().thumbprint() == bound.to_string();
    [Key::First, Key::Second].into_iter().find(is)
}

/// The `jti` of a token or proof that is a JWT.
pub(super) fn jti(jwt: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("jti")?.as_str()?.to_owned())
}
