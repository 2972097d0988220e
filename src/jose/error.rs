//! Why a token is refused.

/// Why a compact JWS or JWE is refused. The texts are fixed: nothing of the token is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JoseError {
    /// The header's `alg` is not the one that the verifier is for, or its `alg` or `enc` is not an expected one.
    #[error("the token's algorithm is not the expected one")]
    Algorithm,
    /// The token does not decrypt. The encrypted key, the sender's half of the key agreement, the vector, the tag, the
    /// content or the padding is wrong: which of them is not told.
    #[error("the token could not be decrypted")]
    Decryption,
    /// The header has `crit`, `b64` or `zip`: extensions that change what is signed or encrypted, none of which is supported.
    #[error("the token's header demands an unsupported extension")]
    Extension,
    /// The token is encrypted where it must be signed: it has five parts.
    #[error("the token is encrypted")]
    Encrypted,
    /// The header is not a bounded JSON object with an `alg`, or a member has the wrong type or size.
    #[error("the token's header is malformed")]
    Header,
    /// The text is not three parts of base64url, or five for a JWE, in the one canonical encoding.
    #[error("the token is malformed")]
    Malformed,
    /// The encrypted token does not hold a signed one, or that one holds another, or it is not said to: one nesting is
    /// read, with `cty` of `JWT`.
    #[error("the encrypted token must hold one signed token and say so in cty")]
    Nesting,
    /// No key of the verifier, or of the recipient, fits the header's `kid` and `alg`.
    #[error("no key fits the token")]
    NoKey,
    /// The cryptographic library panicked. The token is refused; the panic deserves an alarm.
    #[error("the token could not be checked")]
    Panicked,
    /// The signature is not the key's over these bytes.
    #[error("the token's signature is wrong")]
    Signature,
    /// The token or its header is longer than allowed.
    #[error("the token is too long")]
    TooLong,
    /// The token is not encrypted where it must be: it has three parts.
    #[error("the token is not encrypted")]
    Unencrypted,
}

/// Tells the errors of a signed token as those of one purpose, which has variants of these names.
///
/// Which key there is and which one signed is one question to whoever sends the token.
macro_rules! from_jose_error {
    ($error:ident) => {
        impl From<$crate::jose::JoseError> for $error {
            fn from(error: $crate::jose::JoseError) -> Self {
                use $crate::jose::JoseError;
                match error {
                    JoseError::Algorithm => Self::Algorithm,
                    JoseError::NoKey | JoseError::Signature => Self::Signature,
                    JoseError::Panicked => Self::Panicked,
                    JoseError::Decryption
                    | JoseError::Extension
                    | JoseError::Encrypted
                    | JoseError::Header
                    | JoseError::Malformed
                    | JoseError::Nesting
                    | JoseError::TooLong
                    | JoseError::Unencrypted => Self::Malformed,
                }
            }
        }
    };
}

/// Tells the errors of claims as those of one purpose, which has variants of these names: the times are one.
macro_rules! from_claims_error {
    ($error:ident) => {
        impl From<$crate::jose::ClaimsError> for $error {
            fn from(error: $crate::jose::ClaimsError) -> Self {
                use $crate::jose::ClaimsError;
                match error {
                    ClaimsError::Audience => Self::Audience,
                    ClaimsError::Issuer => Self::Issuer,
                    ClaimsError::Malformed => Self::Malformed,
                    ClaimsError::Expired
                    | ClaimsError::Expiry
                    | ClaimsError::IssuedAt
                    | ClaimsError::Lifetime
                    | ClaimsError::NotBefore => Self::Times,
                }
            }
        }
    };
}

pub(super) use {from_claims_error, from_jose_error};
