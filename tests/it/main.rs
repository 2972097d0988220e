//! What the provider does with requests, one module for each specification. The first line of each names it.

mod adapter_axum;
mod adapter_reqwest;
mod adapter_tracing;
mod rfc6749_authorize;
mod rfc6749_client_auth;
mod rfc6749_token;
mod rfc7523_client_assertion;
mod rfc7636_pkce;
mod rfc9700_redirect_uri;
mod server;
