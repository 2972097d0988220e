//! Why a token is refused.

/// Why a compact JWS is refused. The texts are fixed: nothing of the token is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JoseError {
    /// The header's `alg` is not the one that the verifier is for.
    #[error("the token's algorithm is not the expected one")]
    Algorithm,
    /// The header has `crit`, `b64` or `zip`: extensions that change what is signed, none of which is supported.
    #[error("the token's header demands an unsupported extension")]
    Extension,
    /// The token is encrypted: it has five parts.
    #[error("the token is encrypted")]
    Encrypted,
    /// The header is not a bounded JSON object with an `alg`, or a member has the wrong type or size.
    #[error("the token's header is malformed")]
    Header,
    /// The text is not three parts of base64url in the one canonical encoding.
    #[error("the token is malformed")]
    Malformed,
    /// No key of the verifier fits the header's `kid` and `alg`.
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
}
