//! ID tokens that come back to their issuer as `id_token_hint` (OpenID Connect Core 1.0 section 3.1.2.1).

use super::{ClaimsSet, Decrypter, Expected, JoseError, Jws, Keyring};
use crate::clock::Timestamp;

/// Why a hint is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenHintError {
    /// The claims are not those of an ID token of this issuer.
    #[error("the hint's claims are not those of an id token of this issuer")]
    Claims,
    /// The hint is encrypted, and does not decrypt to a signed token.
    #[error("the hint could not be decrypted")]
    Encrypted,
    /// The text is no JWT of the accepted form.
    #[error("the hint is malformed")]
    Malformed,
    /// The cryptographic library panicked. The token is refused; the panic deserves an alarm.
    #[error("the hint could not be checked")]
    Panicked,
    /// No key of this issuer verifies the signature.
    #[error("no key of this issuer verifies the hint")]
    Signature,
    /// The token was made for another purpose: an access token, a logout token.
    #[error("the hint is a token of another kind")]
    Type,
}

/// An ID token of this issuer. It may have expired long ago.
#[derive(Clone, Debug, PartialEq)]
pub struct IdTokenHint(ClaimsSet);

impl IdTokenHint {
    /// Whom the token is about, as the client knows them: for a pairwise client not the host's identifier.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.0.str("sub").unwrap_or_default()
    }

    /// The clients that the token was issued to.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.0.audience().unwrap_or_default()
    }

    /// The session that the token was issued in, as the client knows it.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.0.str("sid")
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &ClaimsSet {
        &self.0
    }
}

/// Verifies ID tokens that this issuer has signed, whether or not they have expired.
#[derive(Clone, Debug)]
pub struct IdTokenHintVerifier {
    expected: Expected,
    keyring: Keyring,
    decrypter: Option<Decrypter>,
}

impl IdTokenHintVerifier {
    /// A verifier of the tokens that `issuer` signed with a key that is still in `keyring`.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keyring: Keyring) -> Self {
        let expected =
            Expected::new(issuer).with_expiry_ignored().with_issued_at().with_issued_at_unchecked();
        Self { expected, keyring, decrypter: None }
    }

    /// Takes hints too that were encrypted to one of our own keys: a client decrypts what it was given, and
    /// may encrypt it again, to us. Without this they are [`IdTokenHintError::Malformed`].
    #[must_use]
    pub fn with_decrypter(mut self, decrypter: Decrypter) -> Self {
        self.decrypter = Some(decrypter);
        self
    }

    /// Verifies the value of `id_token_hint`.
    ///
    /// # Errors
    /// [`IdTokenHintError`].
    pub fn verify(&self, hint: &str) -> Result<IdTokenHint, IdTokenHintError> {
        let jws = self.signed(hint)?;
        let header = jws.header();
        if (header.typ().is_some() && !header.is_type("JWT")) || header.is_nested() {
            return Err(IdTokenHintError::Type);
        }
        let payload = self.keyring.verify(&jws).map_err(|error| match error {
            JoseError::Panicked => IdTokenHintError::Panicked,
            _ => IdTokenHintError::Signature,
        })?;
        let claims = ClaimsSet::parse(payload).map_err(|_| IdTokenHintError::Malformed)?;
        // Logout tokens of old carry no `typ`; `events` is what they cannot be without.
        if claims.value("events").is_some() {
            return Err(IdTokenHintError::Type);
        }
        claims.check(&self.expected, Timestamp::NEVER).map_err(|_| IdTokenHintError::Claims)?;
        // Signed userinfo responses have no `iat`, signed authorization responses no `sub`.
        let complete = claims.str("sub").is_some_and(|sub| !sub.is_empty())
            && claims.audience().is_some()
            && claims.value("iat").is_some();
        if complete { Ok(IdTokenHint(claims)) } else { Err(IdTokenHintError::Claims) }
    }

    fn signed(&self, hint: &str) -> Result<Jws, IdTokenHintError> {
        match (Jws::parse(hint), &self.decrypter) {
            (Ok(jws), _) => Ok(jws),
            (Err(JoseError::Encrypted), Some(decrypter)) => {
                decrypter.open(hint, None).map_err(|error| match error {
                    JoseError::Panicked => IdTokenHintError::Panicked,
                    _ => IdTokenHintError::Encrypted,
                })
            }
            (Err(_), _) => Err(IdTokenHintError::Malformed),
        }
    }
}
