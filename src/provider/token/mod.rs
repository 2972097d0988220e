//! The token endpoint (RFC 6749 section 3.2).

mod request;
mod response;

pub use request::{AuthenticatedClient, TokenRequest};
pub use response::TokenResponse;
