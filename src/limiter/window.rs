//! A limiter that counts in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Admission, LimitPoint, Limiter};
use crate::clock::Timestamp;

/// Most keys that are counted at once. Beyond that nobody new is admitted until a window has ended.
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
/// ```
/// use vouchsafe::limiter::WindowLimiter;
///
/// let limiter = WindowLimiter::for_user_codes();
/// # let _ = limiter;
/// ```
pub struct WindowLimiter {
    allowances: Vec<(LimitPoint, Allowance)>,
    windows: Mutex<HashMap<(LimitPoint, Box<str>), Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    ends_at: Timestamp,
    attempts: u32,
}

impl WindowLimiter {
    /// A limiter that admits everyone.
    #[must_use]
    pub fn new() -> Self {
        Self { allowances: Vec::new(), windows: Mutex::default() }
    }

    /// What codes of devices need: 20 attempts for each key and 1000 for all together in 10 minutes, in which a code is
    /// guessed with a chance of one in 25 million (RFC 8628 section 5.1).
    #[must_use]
    pub fn for_user_codes() -> Self {
        Self::new().with(LimitPoint::UserCode, Allowance::new(20, 1000, Duration::from_secs(10 * 60)))
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
        self.allowances.retain(|(known, _)| *known != point);
        self.allowances.push((point, allowance));
        self
    }

    fn count(&self, point: LimitPoint, key: &str, allowance: Allowance, now: Timestamp) -> Admission {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_KEYS {
            windows.retain(|_, window| !window.ends_at.has_passed(now));
        }
        let full = windows.len() >= MAX_KEYS;
        let begun = Window { ends_at: now.plus(allowance.within), attempts: 0 };
        let window = match windows.entry((point, key.into())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if full => return Admission::Refused { retry_after: allowance.within },
            Entry::Vacant(vacant) => vacant.insert(begun),
        };
        if window.ends_at.has_passed(now) {
            *window = begun;
        }
        let allowed = if key.is_empty() { allowance.all } else { allowance.each };
        if window.attempts >= allowed {
            return Admission::Refused { retry_after: window.ends_at.since(now) };
        }
        window.attempts += 1;
        Admission::Admitted
    }
}

#[async_trait]
impl Limiter for WindowLimiter {
    async fn admit(&self, point: LimitPoint, key: &str, now: Timestamp) -> Admission {
        match self.allowances.iter().find(|(known, _)| *known == point) {
            Some((_, allowance)) => self.count(point, key, *allowance, now),
            None => Admission::Admitted,
        }
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
        f.debug_struct("WindowLimiter").field("allowances", &self.allowances).finish_non_exhaustive()
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
        assert_eq!(limiter.windows.lock().unwrap().len(), 1);
    }
}
