//! The storage contract as code: what every store must do, as functions that any store can run.
//!
//! ```
//! # futures_util::FutureExt::now_or_never(async {
//! use vouchsafe::store::memory::MemoryStore;
//! use vouchsafe::testing::store_suite as suite;
//!
//! let store = MemoryStore::new();
//! suite::codes(&store).await;
//! suite::tokens(&store).await;
//! suite::model(&store, 7, 500).await;
//! # });
//! ```
//!
//! Each function draws its own keys, so all can run on one database, also more than once. Each panics at the first
//! clause that does not hold, and names it. None needs a particular async runtime; those that let tasks meet take
//! a [`Runtime`].

mod cancelled;
mod codes;
mod consents;
mod deferred;
mod draw;
mod grants;
mod key_sets;
mod meeting;
mod model;
mod race;
mod reference;
mod refresh;
mod registry;
mod replays;
mod reseal;
mod sweep;
mod tickets;
mod tokens;

use std::sync::Arc;

pub use cancelled::cancelled;
pub use codes::codes;
pub use consents::consents;
pub use deferred::deferred;
pub use grants::grants;
pub use key_sets::key_sets;
pub use model::model;
pub use race::race;
pub use refresh::refresh;
pub use registry::registry;
pub use replays::replays;
pub use reseal::reseal;
pub use sweep::sweep;
pub use tickets::tickets;
pub use tokens::tokens;

use crate::error::{StoreError, StoreErrorKind};
use crate::runtime::Runtime;
use crate::store::{CodeStore, ConsentStore, ReplayStore, Sweep, TicketStore, TokenStore};

/// The whole contract, for a store that implements every port but four optional ones, which have functions to
/// themselves: [`registry`] is for [`ClientRegistry`], [`deferred`](deferred()) for [`DeferredStore`], [`key_sets`] for
/// [`KeySetStore`], [`reseal`](reseal()) for [`Reseal`].
///
/// [`ClientRegistry`]: crate::store::ClientRegistry
/// [`DeferredStore`]: crate::store::DeferredStore
/// [`KeySetStore`]: crate::store::KeySetStore
/// [`Reseal`]: crate::store::Reseal
///
/// `nodes` are stores on one database, as several processes have them; one is enough. Tasks that meet are spread
/// over them.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn all<S>(nodes: &[Arc<S>], runtime: &dyn Runtime)
where
    S: CodeStore + ConsentStore + ReplayStore + Sweep + TicketStore + TokenStore + 'static,
{
    for store in nodes {
        let store = store.as_ref();
        codes(store).await;
        grants(store).await;
        tokens(store).await;
        refresh(store).await;
        consents(store).await;
        replays(store).await;
        tickets(store).await;
        sweep(store).await;
        cancelled(store).await;
        for seed in 1..=8 {
            model(store, seed, 400).await;
        }
    }
    race(nodes, runtime).await;
}

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
