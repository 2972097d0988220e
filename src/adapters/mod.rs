//! Adapters: the ports over well-known crates, and the endpoints inside well-known frameworks.
//!
//! # Stability
//!
//! An adapter has types of the crate it adapts in its signatures, and follows that crate's major version: a new
//! major of the dependency is a new minor version of this crate before 1.0, and a new major after it. Everything
//! outside this module is free of those types.

#[cfg(feature = "axum")]
pub mod axum;

#[cfg(feature = "pkcs11")]
pub mod pkcs11;

#[cfg(feature = "redis")]
pub mod redis;

#[cfg(feature = "reqwest")]
pub mod reqwest;

#[cfg(feature = "_sqlx")]
pub mod sqlx;

#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "tower")]
pub mod tower;

#[cfg(feature = "tracing")]
pub mod tracing;
