//! What is fetched from the addresses that clients register: one way out, under one set of rules.

mod cache;
mod error;
mod fetcher;

pub(crate) use cache::{FetchCache, Found, Keeping, News};
pub use error::{FetchError, FetchErrorKind};
pub(crate) use fetcher::Gate;
pub use fetcher::{FetchedDocument, Fetcher};
