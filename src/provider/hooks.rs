//! Where a host adds to tokens and pages.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::{BoxError, Reason};
use crate::store::AccessToken;
use crate::types::{Authentication, Claims, ClientId};
use crate::wire::{self, Response};

/// Adds the host's claims to tokens. Claims that a specification reserves cannot be overwritten and are dropped.
#[async_trait]
pub trait ClaimsHook: Debug + Send + Sync {
    /// Claims to add to an access token, in every format; introspection shows them too. Default none.
    ///
    /// # Errors
    /// Any error fails the request with 500; nothing is issued.
    async fn access_token(&self, _token: &AccessToken) -> Result<Claims, BoxError> {
        Ok(Claims::new())
    }

    /// Claims to add to an ID token. Default none.
    ///
    /// # Errors
    /// Any error fails the request with 500; nothing is issued.
    async fn id_token(
        &self,
        _client: &ClientId,
        _authentication: &Authentication,
    ) -> Result<Claims, BoxError> {
        Ok(Claims::new())
    }
}

/// Shows what cannot be sent back to a client.
pub trait ErrorPage: Debug + Send + Sync {
    /// The page for `reason`. Status, `Cache-Control` and the framing headers are set by the provider.
    ///
    /// # Security
    /// The page gets nothing of the request, so that it cannot reflect any of it.
    fn page(&self, reason: Reason) -> Response;
}

/// The built-in page: plain, without script, headed "Request rejected".
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainErrorPage;

impl ErrorPage for PlainErrorPage {
    fn page(&self, reason: Reason) -> Response {
        wire::reply::error_page(wire::reply::status(reason), reason.wire().1)
    }
}

const _: fn(&dyn ClaimsHook, &dyn ErrorPage) = |_, _| ();
