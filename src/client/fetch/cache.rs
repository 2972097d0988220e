//! Documents that were fetched, kept for a while: one fetch at a time for each URL, and bounded in every way.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::{FetchError, FetchErrorKind, FetchedDocument, Fetcher};
use crate::runtime::Runtime;
use crate::types::FetchUrl;

/// How long documents of one kind are kept. What their servers say of that does not count: neither for longer, which
/// would keep a withdrawn key alive, nor for shorter, which would let them choose our load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keeping {
    /// How long a document is used without being asked for again.
    lifetime: Duration,
    /// The age from which a document in use is fetched again in the background, so that nobody has to wait.
    renewal: Duration,
    /// How long a document serves while a newer one cannot be had.
    stale_lifetime: Duration,
}

impl Keeping {
    /// 10 minutes, renewed from 7.5 on; 24 hours while there is no newer one.
    pub(crate) const LONG: Self = Self {
        lifetime: Duration::from_secs(10 * 60),
        renewal: Duration::from_secs(10 * 60 * 3 / 4),
        stale_lifetime: Duration::from_secs(24 * 60 * 60),
    };

    /// As long, but 1 hour while there is no newer one.
    pub(crate) const HOUR: Self = Self { stale_lifetime: Duration::from_secs(60 * 60), ..Self::LONG };

    /// Not at all: only those who ask while it is being fetched share a document.
    pub(crate) const NOT: Self =
        Self { lifetime: Duration::ZERO, renewal: Duration::ZERO, stale_lifetime: Duration::ZERO };
}

/// How long a URL is left alone after the beginning of a fetch that failed, or that was made for something the
/// document might not have had yet.
const COOLDOWN: Duration = Duration::from_secs(10);

/// Most URLs that are remembered; the one not used for longest goes first.
const MAX_ENTRIES: usize = 1000;

/// Most bytes in all documents that are kept, counted as they came over the wire: 16 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Reads a body; the second argument is what the one before it was read as.
type Read<T> = fn(&Bytes, Option<&T>) -> Result<T, FetchErrorKind>;

/// Fetched documents of one kind, read as `T`.
///
/// A fetch belongs to all who wait for it and to the runtime: any of them carries it on, so that it ends although the
/// one that began it is gone, and a panic ends it as a failure. Time is the runtime's, which never goes back.
pub(crate) struct FetchCache<T>(Arc<Inner<T>>);

struct Inner<T> {
    fetcher: Fetcher,
    runtime: Arc<dyn Runtime>,
    document: FetchedDocument,
    keeping: Keeping,
    read: Read<T>,
    shelf: Mutex<Shelf<T>>,
}

/// A document, and how it came.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: Arc<T>,
    /// Whether it was fetched while the caller waited, so that asking again would be of no use.
    awaited: bool,
}

/// What the last fetch of a URL came to.
#[derive(Debug)]
pub(crate) enum News<T> {
    Failed(FetchError),
    Read(Arc<T>),
}

struct Shelf<T> {
    entries: HashMap<FetchUrl, Entry<T>>,
    bytes: usize,
    turn: u64,
}

struct Entry<T> {
    good: Option<Good<T>>,
    /// Why the last fetch failed, unless it succeeded.
    failure: Option<FetchError>,
    news: Option<News<T>>,
    flight: Option<WeakShared<BoxFuture<'static, Landing<T>>>>,
    /// When the last fetch began.
    began: Duration,
    /// From when on a document may be fetched because the one that is here lacks something.
    newer_from: Duration,
    turn: u64,
}

struct Good<T> {
    value: Arc<T>,
    bytes: usize,
    since: Duration,
}

type Landing<T> = Result<Arc<T>, FetchError>;

/// A fetch under way, as one of those who wait for it sees it.
struct Flight<T> {
    landing: Shared<BoxFuture<'static, Landing<T>>>,
    /// Whether it was begun for this one.
    begun: bool,
}

/// What is to be done for a caller.
enum Step<T> {
    /// Wait for the fetch; when it fails, perhaps this document serves.
    Await(Flight<T>, Option<Arc<T>>),
    /// There is nothing, and nothing to be had now.
    Refuse(FetchError),
    /// This document serves; perhaps a fetch was begun beside it.
    Serve(Arc<T>, Option<Flight<T>>),
}

impl<T: Send + Sync + 'static> FetchCache<T> {
    /// A cache of documents that `fetcher` gets and `read` reads; it waits and counts time by `runtime`.
    pub(crate) fn new(
        fetcher: Fetcher,
        (document, keeping): (FetchedDocument, Keeping),
        read: Read<T>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        let shelf = Mutex::new(Shelf { entries: HashMap::new(), bytes: 0, turn: 0 });
        Self(Arc::new(Inner { fetcher, document, keeping, read, runtime, shelf }))
    }

    /// The document at `url`: the kept one, or a new one where that is too old.
    ///
    /// # Errors
    /// [`FetchError`] when there is none, or none that may still serve.
    pub(crate) async fn get(&self, url: &FetchUrl) -> Result<Found<T>, FetchError> {
        let now = self.0.runtime.elapsed();
        let step = self.0.shelf().visit(url).step(self.0.keeping, now, || self.0.begin(url));
        match step {
            Step::Await(flight, fallback) => {
                let landed = self.0.await_landing(flight).await;
                landed.or_else(|error| fallback.ok_or(error)).map(|value| Found { value, awaited: true })
            }
            Step::Refuse(error) => Err(error),
            Step::Serve(value, renewal) => {
                if let Some(renewal) = renewal {
                    self.0.carry_on(&renewal);
                }
                Ok(Found { value, awaited: false })
            }
        }
    }

    /// A document that is newer than `than`, which lacks something; `None` when there is none, or `url` was asked
    /// for such a reason a moment ago.
    pub(crate) async fn newer(&self, url: &FetchUrl, than: &Found<T>) -> Option<Found<T>> {
        let now = self.0.runtime.elapsed();
        let step = self.0.shelf().visit(url).newer_step(than, now, || self.0.begin(url));
        match step? {
            Step::Await(flight, _) => {
                let value = self.0.await_landing(flight).await.ok()?;
                Some(Found { value, awaited: true })
            }
            Step::Refuse(_) => None,
            Step::Serve(value, _) => Some(Found { value, awaited: false }),
        }
    }

    /// Keeps `document` no longer, which has turned out to be of no use, and leaves `url` alone for a while.
    pub(crate) fn reject(&self, url: &FetchUrl, document: &Found<T>) {
        let now = self.0.runtime.elapsed();
        let mut shelf = self.0.shelf();
        let Some(entry) = shelf.entries.get_mut(url) else { return };
        let is_it = |good: &mut Good<T>| Arc::ptr_eq(&good.value, &document.value);
        if let Some(gone) = entry.good.take_if(is_it) {
            (entry.failure, entry.began) = (Some(FetchErrorKind::Malformed.into()), now);
            shelf.bytes -= gone.bytes;
        }
    }

    /// What the last fetch came to; each fetch is told of once.
    pub(crate) fn take_news(&self, url: &FetchUrl) -> Option<News<T>> {
        self.0.shelf().entries.get_mut(url)?.news.take()
    }
}

impl<T: Send + Sync + 'static> Inner<T> {
    fn shelf(&self) -> MutexGuard<'_, Shelf<T>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fetch that nobody carries on yet.
    fn begin(self: &Arc<Self>, url: &FetchUrl) -> Flight<T> {
        let (inner, url) = (Arc::clone(self), url.clone());
        let landing = async move {
            // A runtime may take its time: what counts is when the request is sent.
            let sent = inner.runtime.elapsed();
            let fetched = AssertUnwindSafe(inner.fetch(&url)).catch_unwind().await;
            inner.land(&url, sent, fetched.unwrap_or_else(|_| Err(FetchErrorKind::Panicked.into())))
        };
        Flight { landing: landing.boxed().shared(), begun: true }
    }

    /// Lets the runtime drive a fetch to its end, so that whoever hangs up does not use up a cooldown for nothing.
    fn carry_on(&self, flight: &Flight<T>) {
        if flight.begun {
            self.runtime.spawn(Box::pin(flight.landing.clone().map(drop)));
        }
    }

    async fn await_landing(&self, flight: Flight<T>) -> Landing<T> {
        self.carry_on(&flight);
        flight.landing.await
    }

    async fn fetch(&self, url: &FetchUrl) -> Result<(T, usize), FetchError> {
        let body = self.fetcher.get(self.document, url).await?;
        let known =
            self.shelf().entries.get(url).and_then(|entry| Some(Arc::clone(&entry.good.as_ref()?.value)));
        let value = (self.read)(&body, known.as_deref())?;
        Ok((value, body.len()))
    }

    fn land(&self, url: &FetchUrl, sent: Duration, fetched: Result<(T, usize), FetchError>) -> Landing<T> {
        let mut shelf = self.shelf();
        let entry = shelf.visit(url);
        (entry.flight, entry.began) = (None, sent);
        match fetched {
            Ok((value, bytes)) => {
                let value = Arc::new(value);
                let good = Good { value: Arc::clone(&value), bytes, since: sent };
                let before = entry.good.replace(good).map_or(0, |before| before.bytes);
                (entry.failure, entry.news) = (None, Some(News::Read(Arc::clone(&value))));
                shelf.bytes = shelf.bytes + bytes - before;
                shelf.evict();
                Ok(value)
            }
            Err(error) => {
                (entry.failure, entry.news) = (Some(error.clone()), Some(News::Failed(error.clone())));
                Err(error)
            }
        }
    }
}

impl<T> Shelf<T> {
    /// The entry of a URL, which is now the one that was used last.
    fn visit(&mut self, url: &FetchUrl) -> &mut Entry<T> {
        self.turn += 1;
        let turn = self.turn;
        if !self.entries.contains_key(url) && self.entries.len() >= MAX_ENTRIES {
            self.evict_one();
        }
        let entry = self.entries.entry(url.clone()).or_insert_with(Entry::new);
        entry.turn = turn;
        entry
    }

    fn evict(&mut self) {
        while self.bytes > MAX_BYTES {
            self.evict_one();
        }
    }

    fn evict_one(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.turn).map(|(url, _)| url.clone());
        if let Some(gone) = oldest.and_then(|url| self.entries.remove(&url)) {
            self.bytes -= gone.good.map_or(0, |good| good.bytes);
        }
    }
}

impl<T> Entry<T> {
    const fn new() -> Self {
        Self {
            good: None,
            failure: None,
            news: None,
            flight: None,
            began: Duration::ZERO,
            newer_from: Duration::ZERO,
            turn: 0,
        }
    }

    fn step(&mut self, keeping: Keeping, now: Duration, begin: impl FnOnce() -> Flight<T>) -> Step<T> {
        let under_way = self.under_way();
        let age = |good: &Good<T>| now.saturating_sub(good.since);
        let good = self.good.as_ref().filter(|good| age(good) < keeping.stale_lifetime);
        let kept = good.map(|good| (Arc::clone(&good.value), age(good)));
        let may_ask = under_way.is_none() && !self.is_cooling(now);
        match kept {
            Some((value, age)) if age < keeping.renewal => Step::Serve(value, None),
            // Nobody waits for a server that has failed while there is something to go on with.
            Some((value, age)) if age < keeping.lifetime || self.failure.is_some() => {
                Step::Serve(value, may_ask.then(|| self.take_off(now, begin)))
            }
            kept => {
                let fallback = kept.map(|(value, _)| value);
                match (under_way, &self.failure) {
                    (Some(flight), _) => Step::Await(flight, fallback),
                    (None, Some(failure)) if !may_ask => Step::Refuse(failure.clone()),
                    (None, _) => Step::Await(self.take_off(now, begin), fallback),
                }
            }
        }
    }

    fn newer_step(
        &mut self,
        than: &Found<T>,
        now: Duration,
        begin: impl FnOnce() -> Flight<T>,
    ) -> Option<Step<T>> {
        let under_way = self.under_way();
        if let Some(good) = self.good.as_ref().filter(|good| !Arc::ptr_eq(&good.value, &than.value)) {
            return Some(Step::Serve(Arc::clone(&good.value), None));
        }
        if let Some(flight) = under_way {
            return Some(Step::Await(flight, None));
        }
        if than.awaited {
            self.newer_from = self.newer_from.max(self.began + COOLDOWN);
            return None;
        }
        if now < self.newer_from || self.is_cooling(now) {
            return None;
        }
        self.newer_from = now + COOLDOWN;
        Some(Step::Await(self.take_off(now, begin), None))
    }

    /// The fetch under way. One that nobody carries on any more has failed.
    fn under_way(&mut self) -> Option<Flight<T>> {
        let landing = self.flight.as_ref()?.upgrade();
        if landing.is_none() {
            self.flight = None;
            self.failure = Some(FetchErrorKind::Abandoned.into());
        }
        Some(Flight { landing: landing?, begun: false })
    }

    fn take_off(&mut self, now: Duration, begin: impl FnOnce() -> Flight<T>) -> Flight<T> {
        let flight = begin();
        self.began = now;
        self.flight = flight.landing.downgrade();
        flight
    }

    /// Whether a fetch failed so lately that the URL is left alone. One that was never sent does not count.
    fn is_cooling(&self, now: Duration) -> bool {
        let sent =
            |failure: &FetchError| !matches!(failure.kind(), FetchErrorKind::Busy | FetchErrorKind::Limited);
        self.failure.as_ref().is_some_and(sent) && now < self.began + COOLDOWN
    }
}

impl<T> fmt::Debug for FetchCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchCache").field("fetcher", &self.0.fetcher).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
