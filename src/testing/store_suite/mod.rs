//! The storage contract as code: what every store must do, as functions that any store can run.
//!
//! ```
//! # futures_util::FutureExt::now_or_never(async {
//! use vouchsafe::store::memory::MemoryStore;
//! use vouchsafe::testing::store_suite as suite;
//!
//! let store = MemoryStore::new();
//! suite::codes(&store).await;
//! suite::grants(&store).await;
//! # });
//! ```
//!
//! Each function draws its own keys, so all can run on one database, also more than once. Each panics at the first
//! clause that does not hold, and names it. None needs a particular async runtime.

mod codes;
mod draw;
mod grants;

pub use codes::codes;
pub use grants::grants;

use crate::error::{StoreError, StoreErrorKind};

/// The answer of a verb that must not fail.
#[track_caller]
fn answered<T>(clause: &str, result: Result<T, StoreError>) -> T {
    match result {
        Ok(answer) => answer,
        Err(error) => panic!("{clause}: the store failed with {error:?}"),
    }
}

/// A verb must fail with `kind`.
#[track_caller]
fn refused<T: std::fmt::Debug>(clause: &str, kind: StoreErrorKind, result: Result<T, StoreError>) {
    match result {
        Ok(answer) => panic!("{clause}: expected {kind:?}, the store answered {answer:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{clause}: {error:?}"),
    }
}
