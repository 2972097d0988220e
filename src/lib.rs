//! vouchsafe gives an application both sides of OAuth 2.0 and OpenID Connect.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod accounts;
pub mod adapters;
pub mod client;
pub mod clock;
pub mod entropy;
pub mod error;
pub mod event;
pub mod jose;
pub mod limiter;
pub mod pkce;
pub mod policy;
pub mod runtime;
pub mod seal;
pub mod secret;
pub mod store;
pub mod types;
pub mod wire;

#[cfg(feature = "provider")]
pub mod provider;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod internal;
