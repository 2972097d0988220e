use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::testing::{HttpTable, ManualRuntime, Step as Turn, abandon, block_on, interleave};
use crate::wire::HttpErrorKind;

const URL: &str = "https://rp.example/jwks";

/// Documents that are the text they came as; the empty one cannot be read.
struct World {
    http: Arc<HttpTable>,
    runtime: Arc<ManualRuntime>,
    cache: FetchCache<String>,
    url: FetchUrl,
}

fn text(body: &Bytes, _: Option<&String>) -> Result<String, FetchErrorKind> {
    let text = String::from_utf8_lossy(body).into_owned();
    if text.is_empty() { Err(FetchErrorKind::Malformed) } else { Ok(text) }
}

impl World {
    fn new() -> Self {
        let (http, runtime) = (Arc::new(HttpTable::new()), Arc::new(ManualRuntime::new()));
        let fetcher = Fetcher::new(http.clone(), runtime.clone());
        let cache = FetchCache::new(fetcher, FetchedDocument::KeySet, text, runtime.clone());
        Self { http, runtime, cache, url: FetchUrl::parse(URL).unwrap() }
    }

    /// Nothing goes on in the background.
    fn forgetful() -> Self {
        let mut world = Self::new();
        let runtime = Arc::new(Forgetful(world.runtime.clone()));
        let fetcher = Fetcher::new(world.http.clone(), runtime.clone());
        world.cache = FetchCache::new(fetcher, FetchedDocument::KeySet, text, runtime);
        world
    }

    fn serving(body: &'static str) -> Self {
        let world = Self::new();
        world.serve(body);
        world
    }

    fn serve(&self, body: &'static str) {
        self.http.serve(URL, "application/json", body);
    }

    fn down(&self) {
        self.http.fail(URL, HttpErrorKind::Unreachable);
    }

    fn get(&self) -> Result<String, FetchErrorKind> {
        self.found().map(|found| found.value.as_ref().clone())
    }

    fn found(&self) -> Result<Found<String>, FetchErrorKind> {
        block_on(self.cache.get(&self.url)).map_err(|error| error.kind())
    }

    fn newer(&self, than: &Found<String>) -> Option<String> {
        block_on(self.cache.newer(&self.url, than)).map(|found| found.value.as_ref().clone())
    }

    /// Lets time pass, and what waits for it in the background go on.
    fn after(&self, seconds: u64) -> &Self {
        self.runtime.advance(Duration::from_secs(seconds));
        self
    }

    fn requests(&self) -> usize {
        self.http.take_requests().len()
    }
}

#[test]
fn a_document_is_kept_for_ten_minutes() {
    let world = World::serving("one");
    assert_eq!(world.get().unwrap(), "one");
    world.serve("two");
    assert_eq!(world.after(449).get().unwrap(), "one");
    assert_eq!(world.requests(), 1);
    // Nothing asked for it between: whoever comes after the ten minutes waits for the new one.
    assert_eq!(world.after(151).get().unwrap(), "two");
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_document_in_use_is_renewed_in_the_background() {
    let world = World::serving("one");
    world.get().unwrap();
    world.serve("two");
    assert_eq!(world.after(450).get().unwrap(), "one");
    assert_eq!(world.after(0).get().unwrap(), "two");
    assert_eq!(world.requests(), 2);
}

/// What a server says of caching counts neither way.
#[test]
fn a_server_does_not_choose_how_long_its_document_is_kept() {
    for said in ["max-age=31536000, immutable", "no-store, max-age=0"] {
        let world = World::new();
        let answer = http::Response::builder()
            .header("content-type", "application/json")
            .header("cache-control", said)
            .header("expires", "Thu, 01 Jan 2099 00:00:00 GMT");
        world.http.answer(URL, answer.body(Bytes::from_static(b"one")).unwrap());
        world.get().unwrap();
        world.after(449).get().unwrap();
        assert_eq!(world.requests(), 1, "{said}");
        world.after(151).get().unwrap();
        assert_eq!(world.requests(), 1, "{said}");
    }
}

#[test]
fn a_url_that_failed_is_left_alone_for_ten_seconds() {
    let world = World::new();
    world.down();
    for _ in 0..1000 {
        assert_eq!(world.get(), Err(FetchErrorKind::Unreachable));
    }
    assert_eq!(world.requests(), 1);
    world.serve("one");
    assert_eq!(world.after(9).get(), Err(FetchErrorKind::Unreachable));
    assert_eq!(world.after(1).get().unwrap(), "one");
    assert_eq!(world.requests(), 1);
}

#[test]
fn the_last_good_document_serves_for_a_day_while_its_server_is_down() {
    let world = World::serving("one");
    world.get().unwrap();
    world.down();
    for hour in 0..24 {
        assert_eq!(world.get().unwrap(), "one", "{hour}");
        world.after(3599);
    }
    assert_eq!(world.after(23).get().unwrap(), "one");
    assert_eq!(world.after(1).get(), Err(FetchErrorKind::Unreachable));
    world.serve("two");
    assert_eq!(world.after(10).get().unwrap(), "two");
}

#[test]
fn a_document_that_cannot_be_read_does_not_replace_a_good_one() {
    let world = World::serving("one");
    world.get().unwrap();
    world.serve("");
    assert_eq!(world.after(600).get().unwrap(), "one");
    assert_eq!(world.after(10).get().unwrap(), "one");
    assert!(matches!(world.cache.take_news(&world.url), Some(News::Failed(_))));
    let fresh = World::serving("");
    assert_eq!(fresh.get(), Err(FetchErrorKind::Malformed));
}

#[test]
fn nobody_waits_for_a_server_that_hangs_while_its_document_is_in_use() {
    let world = World::serving("one");
    world.get().unwrap();
    world.http.hang(URL);
    assert_eq!(world.after(450).get().unwrap(), "one");
    assert_eq!(world.after(5).get().unwrap(), "one");
    assert_eq!(world.after(200).get().unwrap(), "one");
    assert_eq!(world.after(5).get().unwrap(), "one");
    assert_eq!(world.requests(), 3);
}

#[test]
fn something_newer_is_fetched_once_in_ten_seconds() {
    let world = World::serving("one");
    let first = world.found().unwrap();
    assert_eq!(world.newer(&first), None, "it was fetched for this very request");
    assert_eq!(world.requests(), 1);

    world.after(10);
    let kept = world.found().unwrap();
    world.serve("two");
    assert_eq!(world.newer(&kept).as_deref(), Some("two"));
    let next = world.found().unwrap();
    for _ in 0..1000 {
        assert_eq!(world.newer(&next), None);
    }
    assert_eq!(world.requests(), 1);
    assert_eq!(world.newer(&kept).as_deref(), Some("two"), "what is here already costs no fetch");
    world.serve("three");
    assert_eq!(world.after(9).newer(&next), None);
    assert_eq!(world.after(1).newer(&next).as_deref(), Some("three"));
    assert_eq!(world.requests(), 1);
}

/// A key that is replaced right after its set was fetched is found at once.
#[test]
fn the_first_who_misses_something_after_a_fetch_of_others_is_served() {
    let world = World::serving("one");
    world.get().unwrap();
    world.serve("two");
    let kept = world.after(1).found().unwrap();
    assert_eq!(world.newer(&kept).as_deref(), Some("two"));
}

#[test]
fn nothing_newer_comes_from_a_server_that_is_down() {
    let world = World::serving("one");
    world.get().unwrap();
    world.down();
    let kept = world.after(20).found().unwrap();
    assert_eq!(world.newer(&kept), None);
    assert_eq!(world.after(9).newer(&kept), None);
    assert_eq!((world.requests(), world.get().as_deref()), (2, Ok("one")));
    assert_eq!(world.after(1).newer(&kept), None);
    assert_eq!(world.requests(), 1);
}

#[test]
fn many_at_once_make_one_fetch() {
    let world = World::new();
    world.http.hang(URL);
    let waiting: Vec<Turn<'_, _>> = (0..100)
        .map(|n| -> Turn<'_, _> {
            let world = &world;
            Box::pin(async move {
                if n == 99 {
                    world.runtime.advance(Duration::from_secs(5));
                }
                world.cache.get(&world.url).await.map_err(|error| error.kind())
            })
        })
        .collect();
    let landed = interleave(waiting, &[0; 0]);
    assert!(landed.iter().all(|found| matches!(found, Err(FetchErrorKind::TimedOut))));
    assert_eq!(world.requests(), 1);
}

/// A fetch whose leader hangs up is carried on by whoever waits, although the runtime has lost it.
#[test]
fn a_waiter_carries_on_when_the_leader_is_gone() {
    let world = World::forgetful();
    world.http.hang(URL);
    let mut leader = Box::pin(world.cache.get(&world.url));
    assert!(leader.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let mut follower = Box::pin(world.cache.get(&world.url));
    let mut poll = || follower.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    drop(leader);
    world.runtime.advance(Duration::from_secs(5));
    let Poll::Ready(found) = poll() else { panic!("the follower waits for nobody") };
    assert_eq!(found.unwrap_err().kind(), FetchErrorKind::TimedOut);
    assert_eq!(world.requests(), 1);
}

/// Whoever begins a fetch and hangs up does not use up the cooldown of others.
#[test]
fn a_fetch_whose_request_is_gone_ends_in_the_background() {
    let world = World::new();
    world.http.hang(URL);
    assert!(abandon(world.cache.get(&world.url), 1).is_none());
    assert_eq!(world.runtime.run(), 1);
    assert_eq!(world.runtime.advance(Duration::from_secs(5)), 0);
    assert_eq!(world.get(), Err(FetchErrorKind::TimedOut));
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_client_that_panics_is_a_failure_and_the_next_fetch_is_made() {
    let world = World::new();
    world.http.panic(URL);
    assert_eq!(world.get(), Err(FetchErrorKind::Panicked));
    assert_eq!(world.get(), Err(FetchErrorKind::Panicked));
    assert_eq!(world.requests(), 1);
    world.serve("one");
    assert_eq!(world.after(10).get().unwrap(), "one");
}

/// A runtime that loses whatever it is given.
#[derive(Debug)]
struct Forgetful(Arc<ManualRuntime>);

#[async_trait]
impl Runtime for Forgetful {
    fn spawn(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) {}

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    async fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.blocking(work).await;
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[test]
fn a_fetch_that_nobody_carries_on_is_a_failure_and_the_next_one_is_made() {
    let world = World::forgetful();
    world.http.hang(URL);
    assert!(abandon(world.cache.get(&world.url), 1).is_none());
    world.serve("one");
    assert_eq!(world.get(), Err(FetchErrorKind::Abandoned));
    assert_eq!(world.after(10).get().unwrap(), "one");
    assert_eq!(world.requests(), 2);
}

#[test]
fn each_fetch_is_told_of_once() {
    let world = World::serving("one");
    assert!(world.cache.take_news(&world.url).is_none());
    world.get().unwrap();
    assert!(matches!(world.cache.take_news(&world.url), Some(News::Read(text)) if *text == "one"));
    world.get().unwrap();
    assert!(world.cache.take_news(&world.url).is_none());
}

#[test]
fn what_is_kept_is_bounded_in_number_and_the_oldest_goes_first() {
    let world = World::new();
    let url = |n: usize| FetchUrl::parse(&format!("https://rp.example/{n}")).unwrap();
    for n in 0..=MAX_ENTRIES {
        world.http.serve(url(n).as_str(), "application/json", "x");
        block_on(world.cache.get(&url(n))).unwrap();
        // The very first stays in use.
        block_on(world.cache.get(&url(0))).unwrap();
    }
    let shelf = world.cache.0.shelf();
    assert_eq!((shelf.entries.len(), shelf.bytes), (MAX_ENTRIES, MAX_ENTRIES));
    assert!(shelf.entries.contains_key(&url(0)) && !shelf.entries.contains_key(&url(1)));
}

#[test]
fn what_is_kept_is_bounded_in_bytes() {
    let world = World::new();
    let largest = "x".repeat(FetchedDocument::KeySet.max_bytes());
    let fitting = MAX_BYTES / largest.len();
    for n in 0..fitting + 3 {
        let url = FetchUrl::parse(&format!("https://rp.example/{n}")).unwrap();
        world.http.serve(url.as_str(), "application/json", largest.clone());
        block_on(world.cache.get(&url)).unwrap();
    }
    let shelf = world.cache.0.shelf();
    assert_eq!((shelf.entries.len(), shelf.bytes), (fitting, MAX_BYTES));
}

/// What others keep busy is no reason to leave a URL alone: nobody asked it.
#[test]
fn a_fetch_for_which_there_was_no_place_is_made_as_soon_as_there_is_one() {
    let world = World::serving("one");
    let slow = |n: usize| FetchUrl::parse(&format!("https://slow.example/{n}")).unwrap();
    for n in 0..64 {
        world.http.hang(slow(n).as_str());
        assert!(abandon(world.cache.get(&slow(n)), 1).is_none());
    }
    assert_eq!(world.get(), Err(FetchErrorKind::Busy));
    assert_eq!(world.after(0).after(5).get().unwrap(), "one");
}

/// What happens around a cache.
#[derive(Clone, Copy, Debug)]
enum Happening {
    AskKnown,
    AskUnknown,
    Change(u8),
    Fail,
    Pass(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => Just(Happening::AskKnown),
        4 => Just(Happening::AskUnknown),
        1 => any::<u8>().prop_map(Happening::Change),
        1 => Just(Happening::Fail),
        3 => prop::sample::select(&[1, 4, 9, 10, 150, 449, 450, 600, 86_000][..]).prop_map(Happening::Pass),
    ]
}

proptest! {
    /// Whatever is asked when, and whatever the server does: of three fetches the last is at least a cooldown after
    /// the first, and nothing older than a day is ever used.
    #[test]
    fn fetches_are_far_between_and_documents_young(story in prop::collection::vec(happening(), 1..80)) {
        let world = World::serving("0");
        let mut fetched: Vec<Duration> = Vec::new();
        let mut served = vec![(0, Duration::ZERO)];
        let mut up = Some(0);
        for event in story {
            match event {
                Happening::AskKnown => drop(world.found()),
                Happening::AskUnknown => {
                    if let Ok(found) = world.found() {
                        world.newer(&found);
                    }
                }
                Happening::Change(version) => {
                    up = Some(version);
                    world.http.serve(URL, "application/json", version.to_string());
                }
                Happening::Fail => {
                    up = None;
                    world.down();
                }
                Happening::Pass(seconds) => drop(world.after(seconds.into())),
            }
            world.runtime.run();
            let now = world.runtime.elapsed();
            fetched.extend((0..world.requests()).map(|_| now));
            if let Some(version) = up {
                served.push((version, now));
            }
            if let Ok(found) = world.found() {
                let version: u8 = found.value.parse().unwrap();
                let (_, last) = served.iter().rfind(|(other, _)| *other == version).unwrap();
                prop_assert!(now.saturating_sub(*last) < STALE_LIFETIME);
            }
            fetched.extend((0..world.requests()).map(|_| now));
        }
        for three in fetched.windows(3) {
            prop_assert!(three[2] - three[0] >= COOLDOWN, "{fetched:?}");
        }
    }
}
