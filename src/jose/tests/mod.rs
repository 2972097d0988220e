//! Tests that concern several parts at once, and what they share. `F` numbers are those of the findings about the
//! cryptographic library, each of which a guard here has to hold against.

mod authorization_grant;
mod claims;
mod dpop_proof;
mod findings;
mod framing;
mod jwe;
mod key_rotation;
mod key_schedule;
mod key_source;
mod keyring;
mod keys;
mod properties;
mod purposes;
mod software_statement;
mod vectors;

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{JoseSigner, Jwk, Signer, SigningAlg, SigningHeader, sign};
use crate::clock::Timestamp;
use crate::secret::Secret;

/// A moment in 2026.
const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn unbase64url(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A signer of one of the keys that RFC 7515 appendix A and RFC 8037 appendix A publish.
fn signer(alg: SigningAlg) -> JoseSigner {
    let jwk = match alg {
        SigningAlg::EdDsa => vectors::ed25519(),
        SigningAlg::Es256 => vectors::p256(),
        SigningAlg::Es512 => vectors::p521(),
        SigningAlg::Es384 => return JoseSigner::generate(alg).unwrap(),
        _ => vectors::rsa(),
    };
    JoseSigner::from_jwk(&Secret::new(jwk.to_string()), alg).unwrap()
}

/// The public half of `jwk`, as a value that can be bent.
fn public(jwk: &Value) -> Value {
    let mut jwk = jwk.clone();
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    jwk
}

/// `value` with `name` set.
fn with(value: &Value, name: &str, member: impl Into<Value>) -> Value {
    let mut value = value.clone();
    value[name] = member.into();
    value
}

/// A token as [`sign`] writes it.
fn token(typ: Option<&str>, claims: &Value, signer: &dyn Signer) -> String {
    let header = typ.map_or(SigningHeader::new(), SigningHeader::typed);
    sign(&header, claims.to_string().as_bytes(), signer).now_or_never().unwrap().unwrap()
}

/// A token with any header at all, properly signed.
fn token_with_header(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>, signer: &dyn Signer) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(payload));
    let signature = signer.sign(signed.as_bytes()).now_or_never().unwrap().unwrap();
    format!("{signed}.{}", base64url(signature))
}

/// The public key of `signer` without a `kid`, `use` or `alg`.
fn bare(signer: &JoseSigner) -> Jwk {
    let mut value = signer.public_key().to_value();
    for name in ["kid", "use", "alg"] {
        value.as_object_mut().unwrap().remove(name);
    }
    Jwk::parse(&value).unwrap()
}

fn ed25519() -> Arc<dyn Signer> {
    Arc::new(JoseSigner::generate(SigningAlg::EdDsa).unwrap())
}

fn kid(signer: &Arc<dyn Signer>) -> String {
    signer.public_key().kid().unwrap().as_str().to_owned()
}

fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}
