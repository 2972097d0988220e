//! An embeddable OpenID provider: your application's people sign in to other applications.
//!
//! The crate owns no socket, no runtime, no database and no login page. A host gives it those through traits and mounts
//! its endpoints:
//!
//! * [`Provider`] is the whole provider, one method for each endpoint; [`Provider::builder`] puts it together.
//! * [`Mount`] joins it with the host's part of a sign-in, the [`Interaction`]; [`adapters`] mount that in a framework.
//! * [`Accounts`] are the people, [`Client`]s the applications, [`Stores`] what is kept.
//!
//! Begin with the [tour](manual::tour), or with `cargo run --example quickstart`. The [manual] also tells of the
//! [storage contract](manual::storage), the [security defaults](manual::security), how to [protect an
//! API](manual::resources), how to [operate](manual::operations) a provider and how to [extend](manual::extending) it.
//!
//! # Modules
//!
//! They lie in layers; each uses only what is below it.
//!
//! | layer | modules |
//! |---|---|
//! | frameworks, databases, runtimes | [`adapters`] |
//! | the provider, and what takes its tokens | [`provider`], [`resource`] |
//! | records and decisions | [`store`], [`client`], [`policy`], [`accounts`], [`event`], [`limiter`] |
//! | mechanisms | [`wire`], [`seal`], [`proof`], [`jose`], [`pkce`] |
//! | vocabulary | [`types`], [`error`], [`secret`], [`clock`], [`entropy`], [`runtime`] |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "provider"),
    allow(dead_code, reason = "mechanisms wait for the part that uses them")
)]

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
pub mod proof;
pub mod runtime;
pub mod seal;
pub mod secret;
pub mod store;
pub mod types;
pub mod wire;

#[cfg(feature = "provider")]
pub mod provider;

#[cfg(feature = "resource")]
pub mod resource;

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

/// The README's snippets, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
