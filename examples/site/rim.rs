//! Between axum and the library: requests with their whole body, and responses.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use vouchsafe::adapters::axum::response;
use vouchsafe::wire::{self, MAX_BODY_BYTES};

/// A request with its whole body, of at most 64 KiB.
pub(crate) struct Inbound(pub wire::Request);

impl<S: Sync> FromRequest<S> for Inbound {
    type Rejection = StatusCode;

    async fn from_request(request: Request, _: &S) -> Result<Self, StatusCode> {
        let (head, body) = request.into_parts();
        let body: Bytes =
            axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        Ok(Self(http::Request::from_parts(head, body)))
    }
}

/// A response of the library, or of our pages.
pub(crate) struct Outbound(pub wire::Response);

impl IntoResponse for Outbound {
    fn into_response(self) -> Response {
        response(self.0)
    }
}
