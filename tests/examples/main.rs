//! The examples as programs, over real sockets on the loopback address.
//!
//! `cargo test` builds them first; `cargo test --test examples` alone does not (`cargo build --examples` does).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../examples/quickstart/http.rs"]
mod http;
mod openidconnect;
mod provider_admin;
mod provider_elsewhere;
mod provider_extensions;
mod provider_files;
mod provider_flags;
mod provider_mtls;
mod provider_pages;
mod provider_profile;
mod provider_resource;
mod quickstart;
mod reference_server;
mod resource_server;
mod running;
mod several_issuers;
mod small;
