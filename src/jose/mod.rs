//! Signed tokens and their keys: JWS, JWK and JWT claims (RFC 7515, RFC 7517, RFC 7519).
//!
//! Only what is safe in the hands of strangers is here: compact JWS of at most 16 KiB, asymmetric algorithms, public
//! keys of one canonical form, and claims with one meaning. There is no `none`, no MAC, no JSON serialization, no
//! `crit`, no compression, and no key or algorithm that a token chooses for itself: both come from the one who
//! verifies, and each purpose has a verifier of its own (RFC 8725 sections 3.1 and 3.12).
//!
//! The arithmetic is OpenSSL's, reached through one private module. Its calls are guarded: a panic in there becomes
//! [`JoseError::Panicked`], which needs `panic = "unwind"` in the host's profile.

mod access_token;
mod algorithm;
mod claims_set;
mod client_assertion;
mod engine;
mod error;
mod header;
mod id_token_hint;
mod jwk;
mod jwk_set;
mod jws;
mod keyring;
mod public_key;
#[cfg(feature = "testing")]
pub(crate) mod reference;
mod registered_keys;
mod request_object;
mod signer;
mod verifier;

pub use access_token::{AccessTokenError, AccessTokenVerifier, VerifiedAccessToken};
pub use algorithm::{SigningAlg, UnknownAlg};
pub use claims_set::{ClaimsError, ClaimsSet, Expected, NotATime};
pub use client_assertion::{
    ClientAssertion, ClientAssertionError, ClientAssertionVerifier, PresentedAssertion,
};
pub use error::JoseError;
pub use header::{Header, SigningHeader};
pub use id_token_hint::{IdTokenHint, IdTokenHintError, IdTokenHintVerifier};
pub use jwk::{InvalidJwk, Jwk};
pub use jwk_set::{InvalidJwkSet, JwkSet};
pub use jws::{Jws, MAX_TOKEN_BYTES, sign};
pub use keyring::{
    JWKS_CACHE, KeyAction, KeyRotation, KeySchedule, KeySource, KeySourceError, KeyState, Keyring,
    KeyringError, MemoryKeys, Revision, RingKey, Saved, SourcedKey, SourcedKeys,
};
pub use registered_keys::RegisteredKeys;
pub use request_object::{PresentedRequestObject, RequestObjectError, RequestObjectVerifier};
pub use signer::{JoseSigner, SignError, Signer, SignerError};
pub use verifier::Verifier;

#[cfg(test)]
mod tests;
