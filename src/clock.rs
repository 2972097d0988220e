//! Time as the protocols count it: whole seconds since the epoch, read from an injected [`Clock`].

use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// By how much the clocks of two nodes may differ: what was used once is remembered for that long after the last moment at
/// which a node accepts it.
pub(crate) const NODE_SKEW: Duration = Duration::from_secs(120);

/// A moment, in whole seconds since 1970-01-01T00:00:00Z without leap seconds.
///
/// This is the NumericDate of RFC 7519 section 2, without its fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment that never comes.
    pub const NEVER: Self = Self(i64::MAX);

    /// The moment that lies `seconds` after the epoch; negative values lie before it.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The moment `by` later, fractions of a second dropped; [`Timestamp::NEVER`] where it cannot be counted.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        i64::try_from(by.as_secs()).ok().and_then(|by| self.0.checked_add(by)).map_or(Self::NEVER, Self)
    }

    /// The moment `by` earlier, fractions of a second dropped; the earliest countable where it cannot be counted.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        i64::try_from(by.as_secs()).ok().and_then(|by| self.0.checked_sub(by)).map_or(Self(i64::MIN), Self)
    }

    /// How long after `earlier` this moment lies; zero when it does not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let seconds = self.0.saturating_sub(earlier.0);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// Whether something that ends at this moment has ended: `now` equal to the limit counts as ended.
    #[must_use]
    pub fn has_passed(self, now: Self) -> bool {
        self <= now
    }
}

/// Where the current time comes from.
///
/// A request reads the clock once and decides everything by that value. An implementation should be a
/// real-time clock kept by NTP or the like; it may jump. It must not block.
pub trait Clock: Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where wall-clock time enters")]
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
            Err(before) => Timestamp(i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s)),
        }
    }
}

const _: fn(&dyn Clock) = |_| ();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::from_unix(i64::MAX - 1).plus(Duration::from_secs(5)), Timestamp::NEVER);
        assert_eq!(Timestamp::from_unix(0).plus(Duration::MAX), Timestamp::NEVER);
        assert_eq!(Timestamp::from_unix(i64::MIN).minus(Duration::from_secs(1)).unix(), i64::MIN);
        assert_eq!(Timestamp::from_unix(3).since(Timestamp::from_unix(9)), Duration::ZERO);
    }

    #[test]
    fn the_limit_itself_is_past() {
        let limit = Timestamp::from_unix(60);
        assert!(!limit.has_passed(Timestamp::from_unix(59)));
        assert!(limit.has_passed(Timestamp::from_unix(60)));
    }
}
