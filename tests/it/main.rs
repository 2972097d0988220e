//! What the provider does with requests, one module for each specification. The first line of each names it.

#![expect(clippy::unwrap_used, reason = "what a test did not expect fails it")]

mod adapter_axum;
mod adapter_reqwest;
mod adapter_tracing;
mod authorize_faults;
mod client_jwks_uri;
mod consent;
mod grants;
mod oauth_form_post;
mod oauth_multiple_response_types;
mod oidc_back_channel_logout;
mod oidc_core_auth_time;
mod oidc_core_claims;
mod oidc_core_hybrid;
mod oidc_core_id_token;
mod oidc_core_implicit;
mod oidc_core_prompt;
mod oidc_core_userinfo;
mod oidc_discovery;
mod oidc_front_channel_logout;
mod oidc_prompt_create;
mod oidc_rp_initiated_logout;
mod outbound_fetch;
mod pending_requests;
mod refresh_tokens;
mod reliability;
mod response_encoder;
mod rfc6749_authorize;
mod rfc6749_client_auth;
mod rfc6749_token;
mod rfc7009_revocation;
mod rfc7523_client_assertion;
mod rfc7636_pkce;
mod rfc7636_token;
mod rfc7662_introspection;
mod rfc9068_jwt_access_tokens;
mod rfc9110_http;
mod rfc9207_iss;
mod rfc9700_redirect_uri;
mod secrets;
mod server;
mod taint;
mod tls_server;
mod trace;
mod tracing_spans;
