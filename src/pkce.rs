//! Proof Key for Code Exchange (RFC 7636), with S256 and nothing else.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::entropy::{Entropy, EntropyError};
use crate::error::Reason;
use crate::secret::{self, Secret};

/// A `code_verifier`: 43 to 128 unreserved characters (RFC 7636 section 4.1). Redacted and wiped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Checks the form of `text`.
    ///
    /// # Errors
    /// [`Reason::PkceVerifierMalformed`] when it is not 43 to 128 unreserved characters.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !(43..=128).contains(&text.len()) || !text.bytes().all(unreserved) {
            return Err(Reason::PkceVerifierMalformed);
        }
        Ok(Self(Secret::new(text)))
    }

    /// Draws a new one: 43 characters with 256 random bits.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        secret::generate(entropy, 256).map(Self)
    }

    /// The verifier itself, for the one who must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A `code_challenge` by S256: 43 characters of base64url (RFC 7636 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Reads a challenge.
    ///
    /// # Errors
    /// [`Reason::PkceChallengeMalformed`] when `text` is not the unpadded base64url of 32 bytes in its one
    /// spelling.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let mut digest = [0; 32];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut digest) {
            Ok(32) => Ok(Self(digest)),
            _ => Err(Reason::PkceChallengeMalformed),
        }
    }

    /// The challenge that `verifier` answers: BASE64URL(SHA256(verifier)).
    #[must_use]
    pub fn of(verifier: &CodeVerifier) -> Self {
        Self(Sha256::digest(verifier.expose().as_bytes()).into())
    }

    /// Whether `verifier` answers this challenge, in constant time.
    #[must_use]
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        self.0.ct_eq(&Self::of(verifier).0).into()
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeChallenge({self})")
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).map_err(|reason| reason.wire().1)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_vector_of_the_rfc_holds() {
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert_eq!(CodeChallenge::of(&verifier), challenge);
        assert_eq!(challenge.to_string(), CHALLENGE);
        assert!(challenge.matches(&verifier));
    }

    /// attack 114: a verifier of another length or with other characters is refused before it is compared.
    #[test]
    fn a_malformed_verifier_is_refused() {
        for length in [43, 44, 128] {
            assert!(CodeVerifier::parse(&"a".repeat(length)).is_ok(), "{length}");
        }
        for length in [0, 1, 42, 129, 100_000] {
            assert_eq!(
                CodeVerifier::parse(&"a".repeat(length)),
                Err(Reason::PkceVerifierMalformed),
                "{length}"
            );
        }
        for last in ["=", "+", "/", " ", "%", "\0", "\n", "\u{e9}"] {
            let text = format!("{}{last}", "a".repeat(42));
            assert_eq!(CodeVerifier::parse(&text), Err(Reason::PkceVerifierMalformed), "{text:?}");
        }
        assert!(CodeVerifier::parse(&format!("{}-._~", "a".repeat(40))).is_ok());
    }

    /// attack 34: 42, 44, padded, of the other alphabet, or with bits that the digest does not fill.
    #[test]
    fn a_challenge_has_one_spelling() {
        let padded = format!("{CHALLENGE}=");
        let not_canonical = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN";
        let spaced = CHALLENGE.replace('-', " ");
        let standard = CHALLENGE.replace('-', "+");
        for text in
            ["", &CHALLENGE[1..], &format!("{CHALLENGE}A"), &padded, not_canonical, &standard, &spaced]
        {
            assert_eq!(CodeChallenge::parse(text), Err(Reason::PkceChallengeMalformed), "{text}");
        }
    }

    #[test]
    fn only_its_own_verifier_matches() {
        let (a, b) =
            (CodeVerifier::generate(&OsEntropy).unwrap(), CodeVerifier::generate(&OsEntropy).unwrap());
        assert!(CodeChallenge::of(&a).matches(&a));
        assert!(!CodeChallenge::of(&a).matches(&b));
        assert_eq!(a.expose().len(), 43);
    }

    #[test]
    fn a_verifier_is_never_printed_and_a_challenge_survives_a_record() {
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        assert_eq!(format!("{verifier:?}"), "CodeVerifier(Secret(..))");
        let json = serde_json::to_string(&CodeChallenge::of(&verifier)).unwrap();
        assert_eq!(json, format!("\"{CHALLENGE}\""));
        assert_eq!(serde_json::from_str::<CodeChallenge>(&json).unwrap(), CodeChallenge::of(&verifier));
        assert!(serde_json::from_str::<CodeChallenge>("\"short\"").is_err());
    }
}
