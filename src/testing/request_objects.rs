//! Requests as JWTs.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{AuthorizeForm, Form, Harness, block_on, keys};
use crate::clock::Timestamp;
use crate::jose::{self, Signer, SigningHeader};

/// A request of `client_id` that has nothing but its request object.
pub fn object_form(client_id: &str, object: impl Into<String>) -> AuthorizeForm {
    AuthorizeForm(Form::new().set("client_id", client_id).set("request", object))
}

/// A request of `client_id` that has nothing but the address of its request object.
pub fn reference_form(client_id: &str, request_uri: &str) -> AuthorizeForm {
    AuthorizeForm(Form::new().set("client_id", client_id).set("request_uri", request_uri))
}

/// A request object with these claims that nobody signed.
#[must_use]
pub fn unsigned_object(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

/// A request object with these claims, signed by `key` as of type `typ`.
///
/// # Panics
/// When OpenSSL cannot sign.
#[must_use]
pub fn signed_object(typ: &str, claims: &Value, key: &dyn Signer) -> String {
    let header = SigningHeader::typed(typ);
    block_on(jose::sign(&header, claims.to_string().as_bytes(), key)).expect("OpenSSL signs")
}

impl AuthorizeForm {
    /// The claims of a request object of these parameters for `issuer`, made at `now` and good for a minute.
    ///
    /// # Panics
    /// When the request names no client.
    #[must_use]
    pub fn claims(&self, issuer: &str, now: Timestamp) -> Value {
        let client_id = self.value("client_id").expect("the request names a client");
        let mut claims: Map<String, Value> =
            self.0.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        claims.insert("iss".to_owned(), client_id.into());
        claims.insert("aud".to_owned(), issuer.into());
        for (name, at) in [("iat", now), ("nbf", now), ("exp", now.plus(Duration::from_secs(60)))] {
            claims.insert(name.to_owned(), at.unix().into());
        }
        Value::Object(claims)
    }
}

impl Harness {
    /// The claims of a request object of these parameters, made now for the harness's issuer.
    ///
    /// # Panics
    /// When the request names no client.
    #[must_use]
    pub fn object_claims(&self, form: &AuthorizeForm) -> Value {
        form.claims(self.provider().config().issuer.as_str(), self.now())
    }

    /// A request object with these claims, signed by the key of the clients `signer`, `remote` and `jar`.
    ///
    /// # Panics
    /// When OpenSSL cannot sign.
    #[must_use]
    pub fn request_object(&self, claims: &Value) -> String {
        signed_object("oauth-authz-req+jwt", claims, &*keys::client_key())
    }
}
