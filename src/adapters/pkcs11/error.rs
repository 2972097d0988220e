//! What can go wrong with a token.

use cryptoki::error::{Error, RvError};

/// Why a token could not do what it was asked. Nothing in it is secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs11Error {
    /// Several keys have the name.
    #[error("several keys of the token have this name")]
    Ambiguous,
    /// As many wait for the token as may.
    #[error("too many wait for the token")]
    Busy,
    /// A key of this name exists already.
    #[error("a key of the token has this name already")]
    Exists,
    /// No key has the name.
    #[error("no key of the token has this name")]
    Missing,
    /// The module could not be loaded, or reports a failure.
    #[error("the module failed")]
    Module(#[from] Error),
    /// The module panicked, or the runtime has ended.
    #[error("the module left no answer")]
    NoAnswer,
    /// The token refused the PIN, now or before. It is not tried again.
    #[error("the token refused the PIN")]
    PinRefused,
    /// The public half is not in the token, or is none that is used here.
    #[error("the public half of the key cannot be read")]
    PublicKey,
    /// The module did not answer in time, or no session was free.
    #[error("the token did not answer in time")]
    TimedOut,
    /// No slot has the token.
    #[error("no slot has the token")]
    TokenMissing,
    /// The key is not one for the algorithm, or what it signs does not verify under its public half.
    #[error("the key does not sign with this algorithm")]
    Unfit,
}

impl Pkcs11Error {
    /// Whether the token has said that the PIN is wrong, or that it takes no more of them.
    pub(super) fn is_about_the_pin(error: &Error) -> bool {
        matches!(
            error,
            Error::Pkcs11(
                RvError::PinIncorrect
                    | RvError::PinInvalid
                    | RvError::PinLenRange
                    | RvError::PinExpired
                    | RvError::PinLocked,
                _
            )
        )
    }
}
