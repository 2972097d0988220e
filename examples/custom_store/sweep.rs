//! Getting rid of what has ended, in steps of a bounded size.

use vouchsafe::async_trait;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::StoreError;
use vouchsafe::store::Sweep;

use crate::store::ShelfStore;

#[async_trait]
impl Sweep for ShelfStore {
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let mut tables = self.tables();
        let mut left = limit;
        // Whether a row stays: its end has not come, or this call has removed enough.
        let mut stays = |end: Timestamp| {
            let removed = end.has_passed(now) && left > 0;
            left -= u16::from(removed);
            !removed
        };
        tables.codes.retain(|_, (code, _)| stays(code.retain_until));
        tables.consents.retain(|_, consent| stays(consent.expires_at));
        tables.grants.retain(|_, grant| stays(grant.record.keep_until));
        tables.replays.retain(|_, until| stays(*until));
        tables.tickets.retain(|_, ticket| stays(ticket.keep_until));
        tables.tokens.retain(|_, token| stays(token.expires_at));
        Ok(limit - left)
    }
}
