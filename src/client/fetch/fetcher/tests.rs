use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::testing::{HttpTable, ManualRuntime, abandon, block_on};
use crate::wire::HttpErrorKind;

const URL: &str = "https://rp.example/document";

struct World {
    http: Arc<HttpTable>,
    runtime: Arc<ManualRuntime>,
    fetcher: Fetcher,
    url: FetchUrl,
}

impl World {
    fn new() -> Self {
        let (http, runtime) = (Arc::new(HttpTable::new()), Arc::new(ManualRuntime::new()));
        let fetcher = Fetcher::new(http.clone(), runtime.clone());
        Self { http, runtime, fetcher, url: FetchUrl::parse(URL).unwrap() }
    }

    fn get(&self, document: FetchedDocument) -> Result<Bytes, FetchErrorKind> {
        block_on(self.fetcher.get(document, &self.url)).map_err(|error| error.kind())
    }

    fn status(&self, status: u16, location: Option<&str>) {
        let mut answer = http::Response::builder().status(status).header(CONTENT_TYPE, "application/json");
        if let Some(location) = location {
            answer = answer.header("location", location);
        }
        self.http.answer(URL, answer.body(Bytes::from_static(b"{}")).unwrap());
    }
}

const ALL: [FetchedDocument; 4] = [
    FetchedDocument::ClientMetadata,
    FetchedDocument::KeySet,
    FetchedDocument::RequestObject,
    FetchedDocument::SectorIdentifier,
];

/// attack 78, attack 207, attack 218, attack 232: a redirect is a failure, wherever it leads.
#[test]
fn a_redirect_is_a_failure() {
    let world = World::new();
    for status in [300, 301, 302, 303, 304, 307, 308, 399] {
        world.status(status, Some("https://rp.example/elsewhere"));
        for document in ALL {
            assert_eq!(world.get(document), Err(FetchErrorKind::Redirected), "{status}");
        }
        let posted = block_on(world.fetcher.post(&world.url, HeaderMap::new(), Bytes::new()));
        assert_eq!(posted.unwrap_err().kind(), FetchErrorKind::Redirected, "{status}");
        assert_eq!(world.http.take_requests().len(), ALL.len() + 1);
    }
}

#[test]
fn a_document_comes_with_status_200() {
    let world = World::new();
    for status in [201, 202, 204, 206, 400, 401, 404, 500, 503] {
        world.status(status, None);
        assert_eq!(world.get(FetchedDocument::KeySet), Err(FetchErrorKind::StatusUnexpected), "{status}");
    }
    world.status(200, None);
    assert_eq!(world.get(FetchedDocument::KeySet).unwrap(), "{}");
}

/// attack 78, attack 207, attack 218: each kind has its cap, whatever the HTTP client lets through.
#[test]
fn a_document_is_within_the_cap_of_its_kind() {
    let world = World::new();
    for (document, cap) in [
        (FetchedDocument::ClientMetadata, 65_536),
        (FetchedDocument::KeySet, 262_144),
        (FetchedDocument::RequestObject, 65_536),
        (FetchedDocument::SectorIdentifier, 65_536),
    ] {
        world.http.serve(URL, "application/json", vec![b' '; cap]);
        assert_eq!(world.get(document).unwrap().len(), cap);
        world.http.serve(URL, "application/json", vec![b' '; cap + 1]);
        assert_eq!(world.get(document), Err(FetchErrorKind::BodyTooLarge));
        for request in world.http.take_requests() {
            assert_eq!(request.extensions().get(), Some(&BodyCap(cap)), "{document:?}");
        }
    }
}

#[test]
fn json_is_served_as_json() {
    let world = World::new();
    for content_type in [
        "application/json",
        "application/jwk-set+json",
        "Application/JSON; charset=utf-8",
        "application/x+json",
    ] {
        world.http.serve(URL, content_type, "{}");
        assert!(world.get(FetchedDocument::KeySet).is_ok(), "{content_type}");
    }
    for content_type in [
        "text/html",
        "text/html; a=application/json",
        "text/json",
        "application/jsonp",
        "application/+json",
        "",
    ] {
        world.http.serve(URL, content_type, "{}");
        for document in
            [FetchedDocument::ClientMetadata, FetchedDocument::KeySet, FetchedDocument::SectorIdentifier]
        {
            assert_eq!(world.get(document), Err(FetchErrorKind::ContentTypeUnsupported), "{content_type}");
        }
        assert!(world.get(FetchedDocument::RequestObject).is_ok(), "{content_type}");
    }
    world.http.answer(URL, http::Response::new(Bytes::from_static(b"{}")));
    assert_eq!(world.get(FetchedDocument::KeySet), Err(FetchErrorKind::ContentTypeUnsupported));
}

/// attack 78, attack 207, attack 232: after 5 seconds nobody waits any more.
#[test]
fn an_answer_that_does_not_come_is_given_up() {
    let world = World::new();
    world.http.hang(URL);
    let mut fetching = pin!(world.fetcher.get(FetchedDocument::KeySet, &world.url));
    let mut poll = || fetching.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    world.runtime.advance(Duration::from_millis(4999));
    assert!(poll().is_pending());
    world.runtime.advance(Duration::from_millis(1));
    let Poll::Ready(outcome) = poll() else { panic!("the request goes on") };
    assert_eq!(outcome.unwrap_err().kind(), FetchErrorKind::TimedOut);
}

#[test]
fn what_keeps_a_request_from_an_answer_is_told_by_its_kind() {
    let world = World::new();
    for (kind, expected) in [
        (HttpErrorKind::AddressRefused, FetchErrorKind::AddressRefused),
        (HttpErrorKind::BodyTooLarge, FetchErrorKind::BodyTooLarge),
        (HttpErrorKind::TimedOut, FetchErrorKind::TimedOut),
        (HttpErrorKind::Unreachable, FetchErrorKind::Unreachable),
    ] {
        world.http.fail(URL, kind);
        assert_eq!(world.get(FetchedDocument::KeySet), Err(expected));
    }
}

/// No flood of slow servers holds more than the bound, and a request that is gone holds nothing.
#[test]
fn no_more_than_64_requests_are_under_way() {
    let world = World::new();
    world.http.hang(URL);
    let mut held: Vec<_> =
        (0..MAX_AT_ONCE).map(|_| Box::pin(world.fetcher.get(FetchedDocument::KeySet, &world.url))).collect();
    for fetching in &mut held {
        assert!(fetching.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(world.get(FetchedDocument::KeySet), Err(FetchErrorKind::Busy));
    held.pop();
    assert!(abandon(world.fetcher.get(FetchedDocument::KeySet, &world.url), 1).is_none());
    drop(held);
    world.http.serve(URL, "application/json", "{}");
    assert!(world.get(FetchedDocument::KeySet).is_ok());
}

/// attack 232: of the answer to a notification the status counts, and nothing of its body.
#[test]
fn a_notification_is_posted_and_its_status_is_told() {
    let world = World::new();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let post = || block_on(world.fetcher.post(&world.url, headers.clone(), Bytes::from_static(b"{\"a\":1}")));
    for status in [200, 204, 400, 401, 500] {
        world.status(status, None);
        assert_eq!(post().unwrap().as_u16(), status);
    }
    let request = world.http.take_requests().pop().unwrap();
    assert_eq!((request.method(), request.body().as_ref()), (&Method::POST, b"{\"a\":1}".as_slice()));
    assert_eq!(request.extensions().get(), Some(&StatusAlone));
    assert_eq!(request.headers(), &headers);
    world.http.serve(URL, "text/plain", vec![b'x'; 1_000_000]);
    assert_eq!(post().unwrap(), StatusCode::OK);
}
