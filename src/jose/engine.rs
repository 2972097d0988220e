//! The door to josekit: keys and messages go in checked, and nothing of its errors or panics comes out.
//!
//! Only raw signing and verifying is used here, and in `jwe` the management of keys. Its header, JWT, key-set and DER
//! readers and its content encryptions are never reached: they take hostile input to panics, aborts and wrong
//! answers. Its `Debug` output and its `==` are not used either: the one prints private keys, the other does not end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::ecx::{EcxCurve, EcxKeyPair};
use josekit::jwk::alg::ed::{EdCurve, EdKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jwk::{Jwk, KeyPair as _};
use josekit::jws::{
    ES256, ES384, ES512, EdDSA, JwsSigner, JwsVerifier, PS256, PS384, PS512, RS256, RS384, RS512,
};
use serde_json::{Map, Value};

use super::SigningAlg;
use super::public_key::KeyKind;

/// Bits in the modulus of RSA keys that are made here.
pub(super) const GENERATED_RSA_BITS: u32 = 3072;

/// Why a call came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineError {
    Panicked,
    Refused,
}

/// A public key, ready to verify.
pub(super) struct EngineVerifier(Box<dyn JwsVerifier>);

impl EngineVerifier {
    /// `members` are those of a checked public key, without `use`, `alg` and `key_ops`.
    pub(super) fn new(members: Map<String, Value>, alg: SigningAlg) -> Result<Self, EngineError> {
        guarded(|| {
            let jwk = &Jwk::from_map(members)?;
            Ok(Self(match alg {
                SigningAlg::EdDsa => Box::new(EdDSA.verifier_from_jwk(jwk)?),
                SigningAlg::Es256 => Box::new(ES256.verifier_from_jwk(jwk)?),
                SigningAlg::Es384 => Box::new(ES384.verifier_from_jwk(jwk)?),
                SigningAlg::Es512 => Box::new(ES512.verifier_from_jwk(jwk)?),
                SigningAlg::Ps256 => Box::new(PS256.verifier_from_jwk(jwk)?),
                SigningAlg::Ps384 => Box::new(PS384.verifier_from_jwk(jwk)?),
                SigningAlg::Ps512 => Box::new(PS512.verifier_from_jwk(jwk)?),
                SigningAlg::Rs256 => Box::new(RS256.verifier_from_jwk(jwk)?),
                SigningAlg::Rs384 => Box::new(RS384.verifier_from_jwk(jwk)?),
                SigningAlg::Rs512 => Box::new(RS512.verifier_from_jwk(jwk)?),
            }))
        })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), EngineError> {
        guarded(|| self.0.verify(message, signature))
    }
}

/// A private key, ready to sign.
pub(super) struct EngineSigner(Box<dyn JwsSigner>);

impl EngineSigner {
    /// `members` are those of a private key whose public half is checked, without `use`, `alg` and `key_ops`.
    pub(super) fn new(members: Map<String, Value>, alg: SigningAlg) -> Result<Self, EngineError> {
        guarded(|| {
            let jwk = Jwk::from_map(members)?;
            let signer: Result<Box<dyn JwsSigner>, josekit::JoseError> = match alg {
                SigningAlg::EdDsa => EdDSA.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Es256 => ES256.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Es384 => ES384.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Es512 => ES512.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Ps256 => PS256.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Ps384 => PS384.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Ps512 => PS512.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Rs256 => RS256.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Rs384 => RS384.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
                SigningAlg::Rs512 => RS512.signer_from_jwk(&jwk).map(|signer| Box::new(signer) as _),
            };
            wipe(&mut jwk.into());
            signer.map(Self)
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, EngineError> {
        guarded(|| self.0.sign(message))
    }
}

/// The members of a new private JWK, drawn from OpenSSL's random source.
pub(super) fn generate(kind: KeyKind) -> Result<Map<String, Value>, EngineError> {
    guarded(|| {
        Ok(match kind {
            KeyKind::Ed25519 => EdKeyPair::generate(EdCurve::Ed25519)?.to_jwk_key_pair(),
            KeyKind::P256 => EcKeyPair::generate(EcCurve::P256)?.to_jwk_key_pair(),
            KeyKind::P384 => EcKeyPair::generate(EcCurve::P384)?.to_jwk_key_pair(),
            KeyKind::P521 => EcKeyPair::generate(EcCurve::P521)?.to_jwk_key_pair(),
            KeyKind::Rsa => RsaKeyPair::generate(GENERATED_RSA_BITS)?.to_jwk_key_pair(),
            KeyKind::X25519 => EcxKeyPair::generate(EcxCurve::X25519)?.to_jwk_key_pair(),
        }
        .into())
    })
}

/// Overwrites every text in `members`, at every level.
pub(super) fn wipe(members: &mut Map<String, Value>) {
    for value in members.values_mut() {
        wipe_value(value);
    }
}

fn wipe_value(value: &mut Value) {
    match value {
        Value::String(text) => zeroize::Zeroize::zeroize(text),
        Value::Array(items) => items.iter_mut().for_each(wipe_value),
        Value::Object(members) => wipe(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, josekit::JoseError>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|_| EngineError::Refused),
        Err(_) => Err(EngineError::Panicked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_becomes_an_error() {
        let outcome: Result<(), _> = guarded(|| panic!("as the library might"));
        assert_eq!(outcome, Err(EngineError::Panicked));
    }

    /// F24: what the library was given as text does not stay in memory.
    #[test]
    fn wiping_empties_every_text() {
        let mut members = serde_json::json!({"d": "secret", "oth": [{"r": "secret"}], "n": 1});
        let members = members.as_object_mut().unwrap();
        wipe(members);
        assert_eq!(Value::from(members.clone()), serde_json::json!({"d": "", "oth": [{"r": ""}], "n": 1}));
    }
}
