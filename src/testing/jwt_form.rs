//! JWTs in every shape.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{block_on, mac_jwt};
use crate::jose::{MacAlg, Signer};

/// A JWT that a test bends. Until it is bent it is signed by its key.
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtForm {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    end: End,
}

/// What comes after the second dot.
#[derive(Clone, Debug)]
enum End {
    Bytes(Vec<u8>),
    Mac(MacAlg, Vec<u8>),
    Signature(Arc<dyn Signer>),
}

impl JwtForm {
    /// A JWT of type `typ` with these claims, signed by `key`.
    pub fn new(typ: &str, key: &Arc<dyn Signer>, claims: Value) -> Self {
        let claims = match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        };
        Self { header: Map::new(), claims, end: End::Signature(Arc::clone(key)) }
            .header("typ", typ)
            .header("alg", key.algorithm().as_str())
    }

    /// Signs with another key, by its algorithm, and names it where the header names one.
    pub fn by(mut self, key: &Arc<dyn Signer>) -> Self {
        if self.header.contains_key("jwk") {
            self = self.header("jwk", bare(&key.public_key().to_value()));
        }
        self.end = End::Signature(Arc::clone(key));
        self.header("alg", key.algorithm().as_str())
    }

    /// Has a MAC of this algorithm by this key where a signature would be.
    pub fn mac(mut self, alg: MacAlg, key: &[u8]) -> Self {
        self.end = End::Mac(alg, key.to_owned());
        self.header("alg", alg.as_str())
    }

    /// Has these bytes where a signature would be, whatever the header says of it.
    pub fn signature(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.end = End::Bytes(bytes.into());
        self
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

    /// The value of a claim.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// The JWT.
    ///
    /// # Panics
    /// When OpenSSL cannot sign.
    #[must_use]
    pub fn sign(&self) -> String {
        let [header, claims] = [&self.header, &self.claims].map(|members| Value::Object(members.clone()));
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = match &self.end {
            End::Bytes(bytes) => bytes.clone(),
            End::Mac(alg, key) => return mac_jwt(&header, &claims, (*alg, key)),
            End::Signature(key) => block_on(key.sign(signed.as_bytes())).expect("OpenSSL signs"),
        };
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A public key with nothing but what makes it.
pub(super) fn bare(jwk: &Value) -> Value {
    let members = ["kty", "crv", "x", "y", "n", "e"];
    members.into_iter().filter_map(|name| Some((name.to_owned(), jwk.get(name)?.clone()))).collect()
}
