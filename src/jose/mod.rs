//! Signed and encrypted tokens and their keys: JWS, JWE, JWK and JWT claims (RFC 7515 to RFC 7519).
//!
//! Only what is safe in the hands of strangers is here: compact tokens of at most 16 KiB, asymmetric
//! algorithms, public keys of one canonical form, and claims with one meaning. A MAC verifies the assertions
//! of clients that share a secret with the provider, and nothing else. There is no `none`, no password, no
//! JSON serialization, no `crit`, no compression, and no key or algorithm that a token chooses for itself:
//! both come from the one who verifies or decrypts, and each purpose has a verifier of its own (RFC 8725
//! sections 3.1 and 3.12).
//!
//! An encrypted token says nothing of who wrote it, since everyone has the key to encrypt with. It holds a signed one,
//! which is verified like any other; nothing is nested deeper than that. Whatever is wrong with it is one error,
//! [`JoseError::Decryption`], and takes the same work as far as a secret is concerned.
//!
//! The arithmetic of asymmetric keys is OpenSSL's, reached through two private modules. Its calls are guarded: a panic
//! in there becomes [`JoseError::Panicked`], which needs `panic = "unwind"` in the host's profile.

mod access_token;
mod algorithm;
mod authorization_grant;
mod claims_set;
mod client_assertion;
mod dpop_proof;
mod engine;
mod error;
mod header;
mod id_token;
mod id_token_hint;
mod introspection_response;
mod jwe;
mod jwk;
mod jwk_set;
mod jws;
mod keyring;
mod mac;
mod private_jwk;
mod public_key;
#[cfg(feature = "testing")]
pub(crate) mod reference;
mod registered_keys;
mod request_object;
mod ring;
mod signer;
mod software_statement;
mod verifier;

pub use access_token::{
    AccessTokenError, AccessTokenVerifier, IssuedTokenVerifier, PresentedAccessToken, VerifiedAccessToken,
};
pub use algorithm::{
    ContentEnc, KeyAlg, MacAlg, SigningAlg, UnknownAlg, UnknownContentEnc, UnknownKeyAlg, UnknownMacAlg,
};
pub use authorization_grant::{
    AuthorizationGrantAssertion, AuthorizationGrantError, AuthorizationGrantVerifier,
    PresentedAuthorizationGrant,
};
pub use claims_set::{ClaimsError, ClaimsSet, Expected, NotATime};
pub use client_assertion::{
    ClientAssertion, ClientAssertionError, ClientAssertionVerifier, PresentedAssertion,
};
pub use dpop_proof::{DpopProof, DpopProofError, DpopProofVerifier, ProvedRequest};
pub use error::JoseError;
pub use header::{Header, SigningHeader};
pub use id_token::{IdTokenError, IdTokenVerifier, VerifiedIdToken};
pub use id_token_hint::{IdTokenHint, IdTokenHintError, IdTokenHintVerifier};
pub use introspection_response::{
    IntrospectionResponseError, IntrospectionResponseVerifier, PresentedIntrospectionResponse,
};
pub use jwe::{
    AgreementCurve, Content, Decrypted, Decrypter, DecryptionKey, DecryptionKeyState, DecryptionKeys,
    DecryptionRingKey, EncryptError, Encrypter, ExpectedEncryption, Jwe, JweHeader,
};
pub use jwk::{InvalidJwk, Jwk};
pub use jwk_set::{InvalidJwkSet, JwkSet};
pub use jws::{Jws, MAX_TOKEN_BYTES, sign};
pub use keyring::{
    JWKS_CACHE, KeyAction, KeyRotation, KeySchedule, KeySource, KeySourceError, KeyState, Keyring,
    KeyringError, MemoryKeys, Revision, RingKey, Saved, SourcedKey, SourcedKeys,
};
pub use mac::{MacKey, RegisteredSecrets};
pub use private_jwk::PrivateKeyError;
pub use registered_keys::RegisteredKeys;
pub use request_object::{PresentedRequestObject, RequestObjectError, RequestObjectVerifier};
pub use signer::{JoseSigner, SignError, Signer};
pub use software_statement::{
    PresentedSoftwareStatement, SoftwareStatement, SoftwareStatementError, SoftwareStatementVerifier,
};
pub use verifier::Verifier;

#[cfg(test)]
mod tests;
