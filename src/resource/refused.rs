//! A request that is not let through.

use std::fmt;

use crate::error::{Error, Reason};
use crate::wire::Response;

/// Why a request is not let through, and the response that tells its client.
pub struct Refused(Box<Inner>);

struct Inner {
    error: Error,
    response: Response,
}

impl Refused {
    pub(super) fn new(error: Error, response: Response) -> Self {
        Self(Box::new(Inner { error, response }))
    }

    /// Why, for logs and tests.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.error.reason()
    }

    /// Why, with what was behind it.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// The response with its challenge: 400, 401, 403, or 503 where the token could not be checked now.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.0.response
    }

    /// The response, to be given.
    #[must_use]
    pub fn into_response(self) -> Response {
        self.0.response
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("reason", &self.reason()).finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.error.source()
    }
}
