//! Proofs that a client holds a key (RFC 9449), in every shape.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::{Harness, HarnessBuilder, Outcome, TokenForm, block_on};
use crate::jose::{JoseSigner, Signer, SigningAlg};
use crate::provider::DpopConfig;
use crate::secret::TokenHash;

/// The key of a client, or that of a thief: two ES256 keys that are the same for every test of a process.
///
/// # Panics
/// When OpenSSL cannot make a key.
#[must_use]
pub fn dpop_keys() -> [Arc<dyn Signer>; 2] {
    static KEYS: OnceLock<[Arc<dyn Signer>; 2]> = OnceLock::new();
    let key = || -> Arc<dyn Signer> {
        Arc::new(JoseSigner::generate(SigningAlg::Es256).expect("OpenSSL makes a key"))
    };
    KEYS.get_or_init(|| [key(), key()]).clone()
}

/// A proof that a test bends. Until it is bent it is sound.
#[derive(Clone, Debug)]
#[must_use]
pub struct DpopProofForm {
    key: Arc<dyn Signer>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl DpopProofForm {
    /// A proof by `key` with these claims, and no others.
    pub fn new(key: &Arc<dyn Signer>, claims: Value) -> Self {
        let header = json!({
            "typ": "dpop+jwt",
            "alg": key.algorithm(),
            "jwk": bare(&key.public_key().to_value()),
        });
        let [header, claims] = [header, claims].map(|value| match value {
            Value::Object(members) => members,
            _ => Map::new(),
        });
        Self { key: Arc::clone(key), header, claims }
    }

    /// Signs with another key, and names it.
    pub fn by(self, key: &Arc<dyn Signer>) -> Self {
        Self::new(key, Value::Object(self.claims))
    }

    /// Is for a request with this access token.
    pub fn presenting(self, access_token: &str) -> Self {
        let hash = TokenHash::of(access_token);
        self.claim("ath", BASE64_URL_SAFE_NO_PAD.encode(hash.as_bytes()))
    }

    /// Sets a claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Takes a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a member of the header.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Takes a member of the header out.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// The proof as a JWT.
    ///
    /// # Panics
    /// When OpenSSL cannot sign.
    #[must_use]
    pub fn sign(&self) -> String {
        let part = |members: &Map<String, Value>| {
            BASE64_URL_SAFE_NO_PAD.encode(Value::Object(members.clone()).to_string())
        };
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = block_on(self.key.sign(signed.as_bytes())).expect("OpenSSL signs");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A public key with nothing but what makes it.
fn bare(jwk: &Value) -> Value {
    let members = ["kty", "crv", "x", "y", "n", "e"];
    members.into_iter().filter_map(|name| Some((name.to_owned(), jwk.get(name)?.clone()))).collect()
}

impl TokenForm {
    /// Sends this proof along.
    pub fn proved(self, proof: &DpopProofForm) -> Self {
        self.header("dpop", proof.sign())
    }
}

impl HarnessBuilder {
    /// Turns DPoP on.
    pub fn dpop(self, config: DpopConfig) -> Self {
        self.provider(|builder| builder.with_dpop(config))
    }
}

impl Harness {
    /// A sound proof by the first of [`dpop_keys`], made now for a request of this method to this path.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    pub fn dpop_proof(&self, method: &str, path: &str) -> DpopProofForm {
        let [key, _] = dpop_keys();
        let jti = crate::secret::generate(self.entropy(), 128).expect("the entropy delivers");
        let claims = json!({
            "jti": jti.expose(),
            "htm": method,
            "htu": self.provider().config().issuer.endpoint(path),
            "iat": self.now().unix(),
        });
        DpopProofForm::new(&key, claims)
    }

    /// A sound proof for the token endpoint.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    pub fn token_proof(&self) -> DpopProofForm {
        self.dpop_proof("POST", &self.provider().config().paths.token)
    }

    /// A sound proof for userinfo with this access token.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    pub fn userinfo_proof(&self, access_token: &str) -> DpopProofForm {
        self.dpop_proof("GET", &self.provider().config().paths.userinfo).presenting(access_token)
    }

    /// Asks for the claims of an access token of this scheme, with these further headers.
    ///
    /// # Panics
    /// When the texts cannot stand in headers.
    #[track_caller]
    pub fn userinfo_with(&self, scheme: &str, access_token: &str, headers: &[(&str, &str)]) -> Outcome {
        let issuer = &self.provider().config().issuer;
        let mut request = http::Request::get(issuer.endpoint(&self.provider().config().paths.userinfo))
            .header(AUTHORIZATION, format!("{scheme} {access_token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Bytes::new()).expect("the texts can stand in headers"))
    }
}
