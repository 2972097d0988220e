//! Why nothing was fetched.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::wire::{HttpError, HttpErrorKind};

/// What kept a document of a client's from being used, or a notification from arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// The fetch was given up before it came to anything.
    Abandoned,
    /// The host is, or resolves to, an address that may not be asked.
    AddressRefused,
    /// The body is over the cap of its kind.
    BodyTooLarge,
    /// As much is being fetched as may be at once.
    Busy,
    /// The content type is not one of the document's.
    ContentTypeUnsupported,
    /// Whoever bounds how often it is fetched did not let it through.
    Limited,
    /// The body is not the document that was expected, or is an empty one.
    Malformed,
    /// The host's HTTP client panicked. An alarm.
    Panicked,
    /// The answer is a redirect, which is never followed.
    Redirected,
    /// The status is not one that was expected.
    StatusUnexpected,
    /// There was no whole answer in 5 seconds.
    TimedOut,
    /// There is no connection, no trusted certificate, or no sound response.
    Unreachable,
}

impl FetchErrorKind {
    /// Whether what went wrong may go right at another time.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Abandoned | Self::Busy | Self::TimedOut | Self::Unreachable)
    }
}

/// A fetch that failed. Its text tells nothing of what is at the other end, not even an address; the source is for
/// the logs of those who run the provider.
#[derive(Clone, Debug)]
pub struct FetchError {
    kind: FetchErrorKind,
    source: Option<Arc<HttpError>>,
}

impl FetchError {
    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> FetchErrorKind {
        self.kind
    }
}

impl From<FetchErrorKind> for FetchError {
    fn from(kind: FetchErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl From<HttpError> for FetchError {
    fn from(error: HttpError) -> Self {
        let kind = match error.kind() {
            HttpErrorKind::AddressRefused => FetchErrorKind::AddressRefused,
            HttpErrorKind::BodyTooLarge => FetchErrorKind::BodyTooLarge,
            HttpErrorKind::TimedOut => FetchErrorKind::TimedOut,
            HttpErrorKind::Unreachable => FetchErrorKind::Unreachable,
        };
        Self { kind, source: Some(Arc::new(error)) }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FetchErrorKind::Abandoned => "could not fetch: the attempt was abandoned",
            FetchErrorKind::AddressRefused => "could not fetch: the address is refused",
            FetchErrorKind::BodyTooLarge => "could not fetch: the body is too large",
            FetchErrorKind::Busy => "could not fetch: too much is being fetched",
            FetchErrorKind::ContentTypeUnsupported => "could not fetch: the content type is another one",
            FetchErrorKind::Limited => "could not fetch: it was asked for too often",
            FetchErrorKind::Malformed => "could not read a fetched document",
            FetchErrorKind::Panicked => "could not fetch: the http client panicked",
            FetchErrorKind::Redirected => "could not fetch: the answer is a redirect",
            FetchErrorKind::StatusUnexpected => "could not fetch: the status is another one",
            FetchErrorKind::TimedOut => "could not fetch: it took too long",
            FetchErrorKind::Unreachable => "could not fetch: the server cannot be reached",
        })
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
