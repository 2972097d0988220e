//! The rim: HTTP requests become plain values here, and plain values become HTTP responses.
//!
//! Nothing below this module reads a header, and nothing above it writes one by hand. Every size that a
//! stranger chooses has a cap, named here or in [`crate::types`].

mod body;
mod certificate;
pub mod challenge;
mod check_session_page;
mod client;
pub mod cors;
mod device_page;
mod head;
pub mod location;
pub(crate) mod logout_page;
mod page;
mod refusal_page;
pub mod reply;
pub(crate) mod resource_metadata;
mod step_up;
pub(crate) mod token_refusal;

use bytes::Bytes;

pub use body::{form_post, json_object, query_or_form};
pub use certificate::{CertificateChain, ClientCertificate, MAX_CLIENT_CERT_BYTES};
pub use client::{BodyCap, HttpClient, HttpError, HttpErrorKind, StatusAlone, is_public};
pub use head::{Authorization, BasicCredentials, DpopHeader, RequestHead, cookie};
pub use resource_metadata::{InvalidResourceUrl, ResourceMetadata};
pub use step_up::StepUp;

use crate::types::MAX_FORM_BYTES;

/// A request with its whole body, at most [`MAX_BODY_BYTES`] of it.
pub type Request = http::Request<Bytes>;

/// A response with its whole body; a body that many share is not copied.
pub type Response = http::Response<Bytes>;

/// Most bytes in the body of a request: 64 KiB.
///
/// Whoever turns a stream into a [`Request`] stops reading there and answers 413.
pub const MAX_BODY_BYTES: usize = MAX_FORM_BYTES;

/// Most bytes in the `Authorization` header: 16 KiB.
pub const MAX_AUTHORIZATION_BYTES: usize = 16 * 1024;

/// Most bytes in all `Cookie` headers together: 64 KiB. Beyond that a request has no cookies.
pub const MAX_COOKIE_BYTES: usize = 64 * 1024;
