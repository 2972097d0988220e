//! Removing what has had its time.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::StoreError;

/// Removes rows that no verb can see any more.
#[async_trait]
pub trait Sweep: Debug + Send + Sync {
    /// Removes at most `limit` rows (0 to 1000) and says how many; call again until it says fewer than `limit`.
    ///
    /// It must not remove a row that a verb still answers from: a used code or a request that was
    /// answered elsewhere before `retain_until`, a grant before
    /// `keep_until`, a used `jti` or a ticket before its end. It must be safe beside every other verb.
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError>;
}

const _: fn(&dyn Sweep) = |_| ();
