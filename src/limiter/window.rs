//! A limiter that counts in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Admission, LimitPoint, Limiter};
use crate::clock::Timestamp;

/// Most keys that are counted at once at one point. Beyond that nobody new is admitted there until a window has ended.
const MAX_KEYS: usize = 100_000;

/// How often something may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// For each key.
    pub each: u32,
    /// For the empty key, which stands for all together where a point says so.
    pub all: u32,
    /// In which time, counted from the first attempt.
    pub within: Duration,
}

impl Allowance {
    /// `each` attempts for each key and `all` for the empty key, in every `within`.
    #[must_use]
    pub const fn new(each: u32, all: u32, within: Duration) -> Self {
        Self { each, all, within }
    }
}

/// A limiter that counts attempts in windows of time, in the memory of one process: where there are several, each admits as
/// many. A point without an allowance admits everyone.
///
/// Each point counts up to 100 000 keys, for itself: whoever makes up keys at one closes no other.
///
/// ```
/// use vouchsafe::limiter::WindowLimiter;
///
/// let limiter = WindowLimiter::for_user_codes();
/// # let _ = limiter;
/// ```
pub struct WindowLimiter(Vec<Point>);

/// What is counted at one point.
struct Point {
    point: LimitPoint,
    allowance: Allowance,
    windows: Mutex<Windows>,
}

struct Windows {
    by_key: HashMap<Box<str>, Window>,
    /// Before this moment none of them ends.
    first_end: Timestamp,
}

#[derive(Clone, Copy)]
struct Window {
    ends_at: Timestamp,
    attempts: u32,
}

impl WindowLimiter {
    /// A limiter that admits everyone.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// What codes of devices need (RFC 8628 section 5.1), in every 10 minutes: 20 guesses for each key and 1000 for all
    /// together, by which a code is guessed with a chance of one in 25 million, and 1000 devices for each client, which
    /// waiting all at once make that one in 25 thousand for any code of that client.
    ///
    /// Both are to be set anew, by [`with`](Self::with), for a client of so many devices.
    #[must_use]
    pub fn for_user_codes() -> Self {
        let within = Duration::from_secs(10 * 60);
        Self::new()
            .with(LimitPoint::DeviceAuthorization, Allowance::new(1000, 1000, within))
            .with(LimitPoint::UserCode, Allowance::new(20, 1000, within))
    }

    /// What people need whom clients ask for while they are elsewhere, besides: each client may ask each of them 10 times in
    /// an hour, so that nobody says yes to have peace (CIBA Core section 14).
    #[must_use]
    pub fn with_backchannel_people(self) -> Self {
        self.with(LimitPoint::BackchannelPerson, Allowance::new(10, 10, Duration::from_secs(60 * 60)))
    }

    /// Bounds one point; the last word about it counts.
    #[must_use]
    pub fn with(mut self, point: LimitPoint, allowance: Allowance) -> Self {
        self.0.retain(|known| known.point != point);
        self.0.push(Point { point, allowance, windows: Mutex::default() });
        self
    }
}

impl Windows {
    fn count(&mut self, key: &str, allowance: Allowance, now: Timestamp) -> Admission {
        if self.by_key.len() >= MAX_KEYS {
            self.forget_ended(now);
        }
        // All together are one key, which no number of others keeps out.
        let full = self.by_key.len() >= MAX_KEYS && !key.is_empty();
        let begun = Window { ends_at: now.plus(allowance.within), attempts: 0 };
        let window = match self.by_key.entry(key.into()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if full => return Admission::Refused { retry_after: self.first_end.since(now) },
            Entry::Vacant(vacant) => vacant.insert(begun),
        };
        if window.ends_at.has_passed(now) {
            *window = begun;
        }
        self.first_end = self.first_end.min(window.ends_at);
        let allowed = if key.is_empty() { allowance.all } else { allowance.each };
        if window.attempts >= allowed {
            return Admission::Refused { retry_after: window.ends_at.since(now) };
        }
        window.attempts += 1;
        Admission::Admitted
    }

    /// Looks at all of them only when one can have ended, or whoever fills the table would make every call slow.
    fn forget_ended(&mut self, now: Timestamp) {
        if self.first_end.has_passed(now) {
            self.by_key.retain(|_, window| !window.ends_at.has_passed(now));
            let ends = self.by_key.values().map(|window| window.ends_at);
            self.first_end = ends.min().unwrap_or(Timestamp::NEVER);
        }
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self { by_key: HashMap::new(), first_end: Timestamp::NEVER }
    }
}

#[async_trait]
impl Limiter for WindowLimiter {
    async fn admit(&self, point: LimitPoint, key: &str, now: Timestamp) -> Admission {
        match self.0.iter().find(|known| known.point == point) {
            Some(Point { allowance, windows, .. }) => {
                windows.lock().unwrap_or_else(PoisonError::into_inner).count(key, *allowance, now)
            }
            None => Admission::Admitted,
        }
    }

    fn bounds(&self, point: LimitPoint) -> bool {
        self.0.iter().any(|known| known.point == point)
    }
}

impl Default for WindowLimiter {
    fn default() -> Self {
        Self::new()
    }
}

/// Leaves out the keys: they can be addresses of people.
impl fmt::Debug for WindowLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|Point { point, allowance, .. }| (point, allowance))).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn limiter() -> WindowLimiter {
        let allowance = Allowance::new(2, 3, Duration::from_secs(60));
        WindowLimiter::new().with(LimitPoint::UserCode, allowance)
    }

    fn admit(limiter: &WindowLimiter, point: LimitPoint, key: &str, now: i64) -> Admission {
        limiter.admit(point, key, Timestamp::from_unix(now)).now_or_never().unwrap()
    }

    #[test]
    fn attempts_are_counted_for_each_key_and_for_all() {
        let limiter = limiter();
        for (key, allowed) in [("a", 2), ("b", 2), ("", 3)] {
            for _ in 0..allowed {
                assert_eq!(admit(&limiter, LimitPoint::UserCode, key, 10), Admission::Admitted, "{key}");
            }
            let refused = Admission::Refused { retry_after: Duration::from_secs(55) };
            assert_eq!(admit(&limiter, LimitPoint::UserCode, key, 15), refused, "{key}");
        }
        assert_eq!(admit(&limiter, LimitPoint::Token, "a", 15), Admission::Admitted);
    }

    #[test]
    fn a_window_ends() {
        let limiter = limiter();
        for now in [0, 1, 60, 61] {
            assert_eq!(admit(&limiter, LimitPoint::UserCode, "a", now), Admission::Admitted, "{now}");
        }
        assert_ne!(admit(&limiter, LimitPoint::UserCode, "a", 62), Admission::Admitted);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let limiter = limiter();
        for n in 0..MAX_KEYS {
            assert_eq!(admit(&limiter, LimitPoint::UserCode, &n.to_string(), 0), Admission::Admitted);
        }
        assert_ne!(admit(&limiter, LimitPoint::UserCode, "new", 59), Admission::Admitted);
        assert_eq!(admit(&limiter, LimitPoint::UserCode, "0", 59), Admission::Admitted);
        assert_eq!(admit(&limiter, LimitPoint::UserCode, "new", 60), Admission::Admitted);
        assert_eq!(limiter.0[0].windows.lock().unwrap().by_key.len(), 1);
    }

    /// Whoever makes up names of clients until no more are counted closes neither the page for codes nor all together.
    #[test]
    fn a_full_point_closes_no_other() {
        let allowance = Allowance::new(2, 3, Duration::from_secs(60));
        let limiter = limiter().with(LimitPoint::ClientAuthentication, allowance);
        for n in 0..MAX_KEYS {
            let name = n.to_string();
            assert_eq!(admit(&limiter, LimitPoint::ClientAuthentication, &name, 0), Admission::Admitted);
        }
        let refused = Admission::Refused { retry_after: Duration::from_secs(50) };
        assert_eq!(admit(&limiter, LimitPoint::ClientAuthentication, "new", 10), refused);
        assert_eq!(admit(&limiter, LimitPoint::ClientAuthentication, "", 10), Admission::Admitted);
        assert_eq!(admit(&limiter, LimitPoint::UserCode, "person", 10), Admission::Admitted);
    }

    /// Nobody can make every call look at all that is counted.
    #[test]
    fn a_full_point_is_searched_only_when_something_can_have_ended() {
        let limiter = limiter();
        let _ = admit(&limiter, LimitPoint::UserCode, "first", 0);
        for n in 1..MAX_KEYS {
            let _ = admit(&limiter, LimitPoint::UserCode, &n.to_string(), 30);
        }
        let _ = admit(&limiter, LimitPoint::UserCode, "first", 60);
        let first_end = || limiter.0[0].windows.lock().unwrap().first_end;
        // One search found that it had begun anew, and that nothing else ends before second 90.
        let _ = admit(&limiter, LimitPoint::UserCode, "new", 60);
        assert_eq!(first_end(), Timestamp::from_unix(90));
        let refused = Admission::Refused { retry_after: Duration::from_secs(1) };
        assert_eq!(admit(&limiter, LimitPoint::UserCode, "newer", 89), refused);
        assert_eq!(admit(&limiter, LimitPoint::UserCode, "newer", 90), Admission::Admitted);
    }

    /// RFC 8628 section 5.1: the more codes wait, the easier is one of them to guess.
    #[test]
    fn devices_of_a_client_are_bounded_with_their_codes() {
        let limiter = WindowLimiter::for_user_codes();
        for _ in 0..1000 {
            assert_eq!(admit(&limiter, LimitPoint::DeviceAuthorization, "tv", 0), Admission::Admitted);
        }
        let refused = Admission::Refused { retry_after: Duration::from_secs(600) };
        assert_eq!(admit(&limiter, LimitPoint::DeviceAuthorization, "tv", 0), refused);
        assert_eq!(admit(&limiter, LimitPoint::DeviceAuthorization, "box", 0), Admission::Admitted);
    }
}
