//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// Where a [`ManualClock`] begins: 2030-01-01T00:00:00Z.
const BEGINNING: i64 = 1_893_456_000;

/// A clock that a test sets and advances.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.unix()))
    }

    /// Shows `now` from here on, which may lie before what it showed.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix(), Ordering::SeqCst);
    }

    /// Moves on by `by`, fractions of a second dropped.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new(Timestamp::from_unix(BEGINNING))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_when_told() {
        let clock = ManualClock::default();
        let start = clock.now();
        clock.advance(Duration::from_millis(61_900));
        assert_eq!(clock.now().since(start), Duration::from_secs(61));
        clock.set(start.minus(Duration::from_secs(5)));
        assert_eq!(start.since(clock.now()), Duration::from_secs(5));
    }
}
