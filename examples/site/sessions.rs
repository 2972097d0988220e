//! What is remembered of a browser: values in memory, found by a cookie, bounded in number and in time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{EntropyError, OsEntropy};
use vouchsafe::secret::{Secret, TokenHash, generate};

/// Most sessions at once; beyond it the one that ends first gives way.
const MAX_SESSIONS: usize = 10_000;

/// Sessions of one kind. They are kept under the hash of their cookie: a copy of this memory lets nobody in.
pub(crate) struct Sessions<T> {
    lifetime: Duration,
    live: Mutex<HashMap<TokenHash, Kept<T>>>,
}

struct Kept<T> {
    value: T,
    ends: Timestamp,
}

impl<T: Clone> Sessions<T> {
    /// Sessions that last this long, used or not.
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, live: Mutex::default() }
    }

    /// When a session that begins at `now` ends.
    pub(crate) fn end_of(&self, now: Timestamp) -> Timestamp {
        now.plus(self.lifetime)
    }

    /// Begins a session and gives the value of its cookie: always a new one, never one that a browser brought,
    /// so that nobody is signed in under a value that someone else knows (attack 279).
    pub(crate) fn begin(&self, value: T, now: Timestamp) -> Result<Secret, EntropyError> {
        let cookie = generate(&OsEntropy, 256)?;
        let mut live = self.live();
        make_room(&mut live, now);
        live.insert(TokenHash::of(cookie.expose()), Kept { value, ends: self.end_of(now) });
        Ok(cookie)
    }

    /// The value of a session, unless it is over.
    pub(crate) fn find(&self, cookie: &Secret, now: Timestamp) -> Option<T> {
        let live = self.live();
        let kept = live.get(&TokenHash::of(cookie.expose()))?;
        (!kept.ends.has_passed(now)).then(|| kept.value.clone())
    }

    /// Ends a session and gives its value back, unless it was over: of many callers one gets it.
    pub(crate) fn end(&self, cookie: &Secret, now: Timestamp) -> Option<T> {
        let kept = self.live().remove(&TokenHash::of(cookie.expose()))?;
        (!kept.ends.has_passed(now)).then_some(kept.value)
    }

    fn live(&self) -> MutexGuard<'_, HashMap<TokenHash, Kept<T>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room<T>(live: &mut HashMap<TokenHash, Kept<T>>, now: Timestamp) {
    if live.len() < MAX_SESSIONS {
        return;
    }
    live.retain(|_, kept| !kept.ends.has_passed(now));
    if live.len() >= MAX_SESSIONS
        && let Some(first) = live.iter().min_by_key(|(_, kept)| kept.ends).map(|(cookie, _)| *cookie)
    {
        live.remove(&first);
    }
}
