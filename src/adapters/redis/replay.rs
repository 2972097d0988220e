//! Values that were used, and whether the database remembers them.

use async_trait::async_trait;

use super::failure::unavailable;
use super::row::unknown;
use super::script::{Call, FIRST_USE, INITIALIZE};
use super::{RedisStore, moment};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::ReplayStore;

#[async_trait]
impl ReplayStore for RedisStore {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let first_use = Call::new(&FIRST_USE)
            .key(self.keys.used(space, id))
            .key(self.keys.since())
            .arg(moment::written(until))
            .arg(moment::written(now))
            .arg(moment::expiry(until, now))
            .arg(moment::written(now.minus(self.connection.replay_window())));
        match self.run(first_use).await?.0.as_str() {
            "first" => Ok(true),
            "known" => Ok(false),
            // attack 316: what was used before is unknown until all of it has expired.
            "forgotten" => Err(unavailable("the database has forgotten which values were used")),
            "young" => {
                Err(unavailable("the database has not remembered which values were used for long enough"))
            }
            other => Err(unknown(other)),
        }
    }
}

impl RedisStore {
    /// Declares that nobody has ever used anything in this namespace, so that `first_use` answers at once and not
    /// after the [replay window](super::RedisOptions::with_replay_window). It is called once, when a database is set
    /// up and before anything is asked of it; not at every start.
    ///
    /// It answers whether it did: a namespace that remembers already, since long ago or since a moment, is left as it
    /// is. So it is too where this was `Unavailable` before, and had happened.
    ///
    /// # Security
    /// After a flush, and before the first `first_use`, it lets every assertion and proof be used again that was used
    /// before and has not expired.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn initialize(&self) -> Result<bool, StoreError> {
        let since = moment::written(Timestamp::from_unix(i64::MIN));
        let initialize = Call::new(&INITIALIZE).key(self.keys.since()).arg(since);
        match self.run(initialize).await?.0.as_str() {
            "begun" => Ok(true),
            "known" => Ok(false),
            other => Err(unknown(other)),
        }
    }
}
