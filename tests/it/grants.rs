//! What a host lists and revokes by itself: grants, by person, client and session.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::client::{Client, ClientMetadata};
use vouchsafe::error::Result;
use vouchsafe::event::{Endpoint, EventKind};
use vouchsafe::provider::{Context, GrantFilter, GrantHandler, Issuance, TokenRequest};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{Grant, Page, Stores};
use vouchsafe::testing::{AuthorizeForm, Harness, authorize_form, block_on, token_form};
use vouchsafe::types::{Authentication, Claims, ClientId, GrantId, GrantType, SessionId, Subject};

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
    block_on(h.provider().administration().grants(of, &Page::first(100))).unwrap().items.len()
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
    let listed =
        block_on(h.provider().administration().grants(&one, &Page::first(1))).unwrap().items.remove(0);
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
        let listing = block_on(h.provider().administration().grants(&of, &page)).unwrap();
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
    let revoke = |of: &GrantFilter| block_on(h.provider().administration().revoke_grants(of)).unwrap();
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

/// A grant of the host's own: whoever names a person gets a token of theirs, in one session of that name.
#[derive(Debug)]
struct Named;

const NAMED: &str = "urn:example:named";

#[async_trait]
impl GrantHandler for Named {
    fn grant_type(&self) -> GrantType {
        GrantType::from(NAMED)
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let named = request.params.one("person")?.unwrap_or_default();
        let login = Authentication::new(person(named), cx.now).with_session(SessionId::new(named).unwrap());
        let id = GrantId::generate(cx.entropy, cx.now)?;
        let grant = Grant::new(id, request.client.client().id().clone(), self.grant_type(), cx.now);
        let scope = request.scope()?.unwrap_or_default();
        Ok(Issuance::new(grant.with_authentication(login).with_scope(scope)))
    }
}

/// A harness with that grant, on this store or in memory.
fn with_named(store: Option<Arc<SqliteStore>>) -> Harness {
    let metadata = ClientMetadata::service().with_grant_type(GrantType::from(NAMED));
    let metadata = metadata.with_scope("read".parse().unwrap());
    let builder = Harness::builder()
        .confidential(Client::builder(client("till"), metadata))
        .provider(|builder| builder.grant(Arc::new(Named)));
    let Some(store) = store else { return builder.build() };
    let on_store = move |memory: &MemoryStore| {
        let clients = Arc::new(memory.clone());
        Stores::new(clients, store.clone(), store.clone(), store.clone()).with_replays(store)
    };
    builder.stores(on_store).build()
}

/// The token brings its grant along, in one row: it is a person's like any other.
fn a_named_grant_is_a_persons(h: &Harness) {
    let redeem = |name: &str| {
        h.redeem(token_form(NAMED).client("till").set("person", name).set("scope", "read"))
            .issued()
            .access_token
    };
    let (alice, bob, carol) = (redeem("alice"), redeem("bob"), redeem("carol"));
    let of_alice = GrantFilter::Subject(person("alice"));
    let of_bob = GrantFilter::Session(SessionId::new("bob").unwrap());
    for (of, who) in [(&of_alice, "alice"), (&of_bob, "bob")] {
        let listed = block_on(h.provider().administration().grants(of, &Page::first(10))).unwrap().items;
        let [only] = &listed[..] else { panic!("{listed:?}") };
        let login = only.grant.authentication.as_ref().unwrap();
        assert_eq!((login.subject.as_str(), only.grant.client.as_str()), (who, "till"));
        assert_eq!((only.grant.scope.to_string().as_str(), only.refreshable_until), ("read", None));
    }
    assert_eq!(counted(h, &GrantFilter::Client(client("till"))), 3);
    for (of, token) in [(&of_alice, &alice), (&of_bob, &bob)] {
        assert!(h.is_active("api", token));
        assert_eq!(block_on(h.provider().administration().revoke_grants(of)).unwrap(), 1);
        assert!(!h.is_active("api", token), "the token ends with the grant that it brought");
        assert_eq!(counted(h, of), 0);
    }
    assert!(h.is_active("api", &carol));
    assert_eq!(counted(h, &GrantFilter::Client(client("till"))), 1);
}

#[test]
fn a_persons_grant_that_comes_with_its_token_is_listed_and_revoked() {
    a_named_grant_is_a_persons(&with_named(None));
}

#[test]
fn a_persons_grant_that_comes_with_its_token_is_listed_and_revoked_in_sqlite() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let store = runtime.block_on(async {
        let store = SqliteStore::connect(":memory:").await.unwrap();
        store.migrate().await.unwrap();
        Arc::new(store)
    });
    a_named_grant_is_a_persons(&with_named(Some(store)));
}
