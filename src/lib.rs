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
pub mod manual;
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

/// What the traits of this crate are implemented with, from the crate `async-trait`.
pub use async_trait::async_trait;

// The paved path: what nearly every host names.
#[doc(no_inline)]
pub use accounts::{AccountQuery, Accounts};
#[doc(no_inline)]
pub use client::{Client, ClientAuthMethod, ClientMetadata, ClientSecret, ClientSettings};
#[doc(no_inline)]
pub use error::{BoxError, Error, Reason};
#[doc(no_inline)]
pub use jose::{Keyring, SigningAlg};
#[cfg(feature = "provider")]
#[doc(no_inline)]
pub use provider::{Approval, Config, Denial, Interaction, Mount, Needs, Provider, Question};
#[doc(no_inline)]
pub use secret::{Secret, SystemSecrets};
#[doc(no_inline)]
pub use store::{Stores, memory::MemoryStore};
#[doc(no_inline)]
pub use types::{
    Authentication, Claims, ClientId, GrantType, Issuer, RedirectUri, Scope, SessionId, Subject,
};
#[doc(no_inline)]
pub use wire::{Request, Response};

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod internal;
