//! vouchsafe gives an application both sides of OAuth 2.0 and OpenID Connect.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod entropy;
pub mod error;
pub mod jose;
pub mod pkce;
pub mod runtime;
pub mod seal;
pub mod secret;
pub mod types;
pub mod wire;
