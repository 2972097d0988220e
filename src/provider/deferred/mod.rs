//! Requests that a person answers elsewhere: what is kept of them, and what an answer does.
//!
//! Device authorization (RFC 8628) and backchannel authentication (CIBA) come in by their own endpoints and go out by
//! their own grant types. What lies between is the same.

mod decide;
mod record;

pub(super) use decide::{approve, check_account, deny};
pub(super) use record::{Draft, Kind, Push, Waiting, keep, open};

use super::core::Core;
use crate::error::{Internal, Result};
use crate::store::DeferredStore;

/// The store, which `build()` has seen to.
pub(super) fn store(core: &Core) -> Result<&dyn DeferredStore> {
    let store = core.stores.deferred.as_deref();
    Ok(store.ok_or_else(|| Internal::new("could not look for a request", "there is no DeferredStore"))?)
}
