//! What can go wrong: a refusal with its [`Reason`], a store that failed, or a fault of ours.

mod code;
mod reason;

use std::fmt;
use std::time::Duration;

pub use code::ErrorCode;
pub use reason::Reason;
pub(crate) use reason::plain_text;

use crate::entropy::EntropyError;

/// A source of an error, for logs; never part of a response.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that can be refused or fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request got no answer of the kind it asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request was refused; nothing was issued.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A store could not answer; the client is told to try again (503 with `Retry-After`).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault on this side: a signer, a random source, a key (500).
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl Error {
    /// The reason that events carry for this error.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Rejected(rejection) => rejection.reason,
            Self::Store(_) => Reason::StoreUnavailable,
            Self::Internal(_) => Reason::InternalFault,
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::Rejected(Rejection::from(reason))
    }
}

impl From<EntropyError> for Error {
    fn from(error: EntropyError) -> Self {
        Self::Internal(Internal::new("could not read random bytes", error))
    }
}

/// A refusal: the reason is for us, [`Reason::wire`] gives what the client is told.
#[derive(Debug)]
pub struct Rejection {
    reason: Reason,
    source: Option<BoxError>,
    retry_after: Option<Duration>,
}

impl Rejection {
    /// A refusal for `reason`, caused by `source`, which is for logs alone.
    #[must_use]
    pub fn caused(reason: Reason, source: impl Into<BoxError>) -> Self {
        Self { reason, source: Some(source.into()), retry_after: None }
    }

    /// After how long the client may try again; it is told so where the status is 429 or 503.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// After how long the client may try again, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        Self { reason, source: None, retry_after: None }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.wire().1)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What kind of failure a store reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The key exists already. The caller draws another and tries again.
    Conflict,
    /// A stored value is not what this store writes, or a counter would overflow.
    Corrupt,
    /// The store cannot answer now, or the outcome of a write is unknown.
    Unavailable,
}

/// A store that could not do what it was asked.
///
/// Not finding something is not an error. A store must answer [`StoreErrorKind::Unavailable`] whenever it does
/// not know whether a write happened, and must never answer success then.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<BoxError>,
}

impl StoreError {
    /// A failure of `kind`, caused by `source`, which is for logs alone.
    #[must_use]
    pub fn new(kind: StoreErrorKind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl From<StoreErrorKind> for StoreError {
    fn from(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Conflict => "could not insert a record: the key exists",
            StoreErrorKind::Corrupt => "could not read a record: it is corrupt",
            StoreErrorKind::Unavailable => "could not reach the store",
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A fault on this side, with its cause for logs.
#[derive(Debug)]
pub struct Internal {
    what: &'static str,
    source: BoxError,
}

impl Internal {
    /// `what` reads `could not <verb> <object>`.
    #[must_use]
    pub fn new(what: &'static str, source: impl Into<BoxError>) -> Self {
        Self { what, source: source.into() }
    }
}

impl fmt::Display for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Internal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
