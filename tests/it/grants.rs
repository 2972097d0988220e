//! What a host lists and revokes by itself: grants, by person, client and session.

use std::time::Duration;

use vouchsafe::event::{Endpoint, EventKind};
use vouchsafe::provider::GrantFilter;
use vouchsafe::store::Page;
use vouchsafe::testing::{AuthorizeForm, Harness, authorize_form, block_on, token_form};
use vouchsafe::types::{Claims, ClientId, SessionId, Subject};

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

fn client(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

fn person(name: &str) -> Subject {
    Subject::new(name).unwrap()
}

/// A harness where alice and bob have signed in to two clients each, and a client holds a token for itself.
fn busy() -> Harness {
    let h = Harness::new();
    h.accounts().insert(person("bob"), Claims::new());
    for (who, at) in [("alice", "web"), ("alice", "spa"), ("bob", "web"), ("bob", "post")] {
        assert!(h.is_active("api", &h.tokens(&offline().client(at), who).access_token));
    }
    h.redeem(token_form("client_credentials").client("service").scope("read")).accepted();
    h
}

fn counted(h: &Harness, of: &GrantFilter) -> usize {
    block_on(h.provider().grants(of, &Page::first(100))).unwrap().items.len()
}

#[test]
fn grants_are_listed_by_whose_they_are() {
    let h = busy();
    for (of, count) in [
        (GrantFilter::Subject(person("alice")), 2),
        (GrantFilter::Subject(person("carol")), 0),
        (GrantFilter::Client(client("web")), 2),
        (GrantFilter::Client(client("service")), 1),
        (GrantFilter::SubjectAndClient(person("bob"), client("post")), 1),
        (GrantFilter::Session(SessionId::new("session of bob").unwrap()), 2),
    ] {
        assert_eq!(counted(&h, &of), count, "{of:?}");
    }
    let one = GrantFilter::SubjectAndClient(person("alice"), client("spa"));
    let listed = block_on(h.provider().grants(&one, &Page::first(1))).unwrap().items.remove(0);
    assert_eq!(listed.grant.authentication.as_ref().map(|login| login.subject.as_str()), Some("alice"));
    assert_eq!(listed.grant.scope.to_string(), "openid offline_access read");
    assert_eq!(listed.refreshable_until, Some(h.now().plus(Duration::from_secs(14 * 24 * 60 * 60))));
    assert_eq!(counted(&h, &GrantFilter::Id(listed.grant.id)), 1);
}

#[test]
fn a_listing_comes_page_by_page() {
    let h = Harness::new();
    for _ in 0..5 {
        assert!(h.tokens(&offline(), "alice").refresh_token.is_some());
    }
    let (of, mut page, mut seen) = (GrantFilter::Subject(person("alice")), Page::first(2), Vec::new());
    loop {
        let listing = block_on(h.provider().grants(&of, &page)).unwrap();
        assert!(listing.items.len() <= 2);
        seen.extend(listing.items.iter().map(|listed| listed.grant.id));
        match page.following(&listing) {
            Some(next) => page = next,
            None => break,
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (5, 5));
}

#[test]
fn what_is_revoked_is_over_and_told_once() {
    let h = busy();
    let revoke = |of: &GrantFilter| block_on(h.provider().revoke_grants(of)).unwrap();
    assert_eq!(revoke(&GrantFilter::Subject(person("bob"))), 2);
    let events = h.events();
    let event = events.last().unwrap();
    assert_eq!((event.endpoint, &event.kind), (Endpoint::Administration, &EventKind::Revoked));
    assert_eq!(event.subject.as_ref().map(Subject::as_str), Some("bob"));
    assert_eq!(revoke(&GrantFilter::Subject(person("bob"))), 0);
    assert_eq!(counted(&h, &GrantFilter::Client(client("web"))), 1);
    assert_eq!(revoke(&GrantFilter::Session(SessionId::new("session of alice").unwrap())), 2);
    assert_eq!(revoke(&GrantFilter::Client(client("service"))), 1);
    assert_eq!(counted(&h, &GrantFilter::Subject(person("alice"))), 0);
}

#[test]
fn a_grant_that_is_over_is_not_listed() {
    let h = Harness::new();
    h.redeem(token_form("client_credentials").client("service")).accepted();
    assert_eq!(counted(&h, &GrantFilter::Client(client("service"))), 1);
    h.advance(Duration::from_secs(3600));
    assert_eq!(counted(&h, &GrantFilter::Client(client("service"))), 0);
}
