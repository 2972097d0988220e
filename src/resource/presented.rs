//! The access token of a request, as it came.

use crate::error::Reason;
use crate::proof::possession::Presentation;
use crate::secret::Secret;
use crate::types::Params;
use crate::wire::{Authorization, RequestHead};

/// The parameter that would carry a token in the query (RFC 6750 section 2.3).
const ACCESS_TOKEN: &str = "access_token";

/// A request with an access token. Nothing of it is checked.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) presentation: Presentation,
    pub(super) token: Secret,
    pub(super) head: RequestHead,
    /// The path of the request, as it stands in the request line.
    pub(super) path: String,
}

/// Whether proofs of keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proofs {
    NotTaken,
    Taken,
}

impl Presented {
    /// The one token in the `Authorization` header: a token in the query ends up in logs and histories (attack 203), and a
    /// body is the resource's own.
    ///
    /// # Errors
    /// [`Reason::AuthorizationHeaderMalformed`], [`Reason::AccessTokenInQuery`], [`Reason::AccessTokenMissing`].
    pub(super) fn read<B>(request: &http::Request<B>, proofs: Proofs) -> Result<Self, Reason> {
        let head = RequestHead::read(request)?;
        let query = request.uri().query().unwrap_or_default();
        if names_token(query) {
            return Err(Reason::AccessTokenInQuery);
        }
        let (presentation, token) = match &head.authorization {
            Some(Authorization::Bearer(token)) => (Presentation::Bearer, token.clone()),
            Some(Authorization::Dpop(token)) if proofs == Proofs::Taken => {
                (Presentation::Dpop, token.clone())
            }
            _ => return Err(Reason::AccessTokenMissing),
        };
        Ok(Self { presentation, token, head, path: request.uri().path().to_owned() })
    }
}

/// Whether a query has the parameter. A query that cannot be read as a form is the resource's own, and is looked at as
/// text.
fn names_token(query: &str) -> bool {
    match Params::parse(query.as_bytes()) {
        Ok(params) => params.iter().any(|(name, _)| name == ACCESS_TOKEN),
        Err(_) => query.contains(ACCESS_TOKEN),
    }
}
