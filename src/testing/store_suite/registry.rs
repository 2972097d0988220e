//! What a [`ClientRegistry`] must do.

use std::pin::Pin;
use std::sync::Arc;

use super::cancelled::dropped_after;
use super::draw::{self, NOW};
use super::meeting::meet;
use super::{answered, refused};
use crate::error::StoreErrorKind::{Conflict, Corrupt};
use crate::runtime::Runtime;
use crate::store::{ClientRecord, ClientRegistry, ClientVersion, Page, Replacement, StoredClient};
use crate::types::ClientId;

/// How many tasks meet.
const CROWD: usize = 32;

/// Clients are registered once, written over by who saw them last, and removed once, by however many at a time.
///
/// `nodes` are stores on one database, as several processes have them; tasks that meet are spread over them.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn registry<S>(nodes: &[Arc<S>], runtime: &dyn Runtime)
where
    S: ClientRegistry + 'static,
{
    for store in nodes {
        read_back(&**store).await;
        written_over(&**store).await;
        removed(&**store).await;
        listed(&**store).await;
        cancelled(&**store).await;
    }
    one_of_many(nodes, runtime).await;
}

fn record(id: &ClientId) -> ClientRecord {
    ClientRecord { id: id.clone(), registration_token: draw::key(), payload: draw::payload() }
}

async fn register(store: &dyn ClientRegistry) -> ClientRecord {
    let client = record(&draw::client());
    answered("register keeps a new client", store.register(client.clone(), NOW).await);
    client
}

async fn registered(store: &dyn ClientRegistry, id: &ClientId) -> Option<StoredClient> {
    answered("registered answers", store.registered(id, NOW).await)
}

async fn replace(store: &dyn ClientRegistry, client: ClientRecord, seen: ClientVersion) -> Replacement {
    answered("replace_registered answers", store.replace_registered(client, seen, NOW).await)
}

async fn read_back(store: &dyn ClientRegistry) {
    let client = register(store).await;
    let stored = StoredClient { record: client.clone(), version: ClientVersion::FIRST };
    assert_eq!(
        registered(store, &client.id).await,
        Some(stored.clone()),
        "registered gives the client exactly, as its first version"
    );
    let other = ClientId::new(client.id.as_str().to_lowercase()).expect("the suite's names are client ids");
    assert_eq!(registered(store, &other).await, None, "a client_id is compared byte for byte");
    assert_eq!(registered(store, &draw::client()).await, None, "an unknown client is not read");
    refused("register under an id that exists", Conflict, store.register(record(&client.id), NOW).await);
    assert_eq!(
        registered(store, &client.id).await,
        Some(stored),
        "a Conflict leaves the client that was there"
    );
}

async fn written_over(store: &dyn ClientRegistry) {
    let client = register(store).await;
    let (second, third) = (record(&client.id), record(&client.id));
    let first_version = ClientVersion::FIRST;
    assert_eq!(
        replace(store, second.clone(), first_version).await,
        Replacement::Written,
        "who saw the version writes over the client"
    );
    let stored = registered(store, &client.id).await.expect("a client that was written over is there");
    assert_eq!(stored.record, second, "the whole record is replaced");
    assert_eq!(Some(stored.version), first_version.next(), "each writing has the next version");
    for seen in [first_version, ClientVersion(0), ClientVersion(3), ClientVersion(u64::MAX)] {
        let answer = replace(store, third.clone(), seen).await;
        assert_eq!(answer, Replacement::Stale, "who saw another version ({seen:?}) writes nothing");
    }
    assert_eq!(registered(store, &client.id).await, Some(stored), "Stale leaves the client that was there");
    let absent = replace(store, record(&draw::client()), first_version).await;
    assert_eq!(absent, Replacement::Absent, "a client that is not there is not made");
}

async fn removed(store: &dyn ClientRegistry) {
    let (client, neighbour) = (register(store).await, register(store).await);
    assert!(unregister(store, &client.id).await, "unregister removes a client");
    assert!(!unregister(store, &client.id).await, "a client is removed once");
    assert_eq!(registered(store, &client.id).await, None, "a client that was removed is not read");
    let answer = replace(store, client.clone(), ClientVersion::FIRST).await;
    assert_eq!(answer, Replacement::Absent, "a client that was removed is not written over");
    assert!(registered(store, &neighbour.id).await.is_some(), "other clients stay");
}

async fn unregister(store: &dyn ClientRegistry, id: &ClientId) -> bool {
    answered("unregister answers", store.unregister(id, NOW).await)
}

/// Every client, read in pages of `limit`; those of other runs are among them.
async fn list(store: &dyn ClientRegistry, limit: u16) -> Vec<StoredClient> {
    let mut all = Vec::new();
    let mut page = Some(Page::first(limit));
    while let Some(this) = page {
        let listing = answered("registered_clients answers", store.registered_clients(&this, NOW).await);
        assert!(listing.items.len() <= usize::from(this.size()), "a page holds at most its limit");
        assert!(!listing.items.is_empty() || listing.next.is_none(), "an empty page is the last");
        page = this.following(&listing);
        all.extend(listing.items);
    }
    all
}

async fn listed(store: &dyn ClientRegistry) {
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(register(store).await);
    }
    let over = record(&clients[1].id);
    let written = replace(store, over.clone(), ClientVersion::FIRST).await;
    assert_eq!(written, Replacement::Written, "who saw the version writes over the client");
    clients[1] = over;
    let removed = clients.remove(2);
    assert!(unregister(store, &removed.id).await, "unregister removes a client");
    for limit in [0, 1, 2, 1000] {
        let mut all = list(store, limit).await;
        all.retain(|stored| clients.iter().chain([&removed]).any(|client| client.id == stored.record.id));
        let found = |client: &ClientRecord| all.iter().filter(|stored| stored.record == *client).count();
        assert_eq!(found(&removed), 0, "a client that was removed is not listed");
        assert!(
            clients.iter().all(|client| found(client) == 1),
            "pages of {limit} list every client once, exactly"
        );
        assert_eq!(all.len(), clients.len(), "pages of {limit} list no client as it was before");
        let version = all.iter().find(|stored| stored.record == clients[1]).map(|stored| stored.version);
        assert_eq!(version, ClientVersion::FIRST.next(), "a client is listed with its version");
    }
    listed_beside_removal(store).await;
    let strange = Page { after: Some("\u{1}not a cursor".to_owned()), limit: 2 };
    refused(
        "registered_clients after a text that is no cursor",
        Corrupt,
        store.registered_clients(&strange, NOW).await,
    );
}

/// The client with which a page ended may go before the next is read.
async fn listed_beside_removal(store: &dyn ClientRegistry) {
    let (mut page, mut last) = (Page::first(1), Vec::new());
    for _ in 0..3 {
        last.push(register(store).await.id);
    }
    let mut seen = Vec::new();
    loop {
        let listing = answered("registered_clients answers", store.registered_clients(&page, NOW).await);
        for id in listing.items.iter().map(|stored| &stored.record.id).filter(|id| last.contains(id)) {
            assert!(unregister(store, id).await, "unregister removes a client");
            seen.push(id.clone());
        }
        match page.following(&listing) {
            Some(next) => page = next,
            None => break,
        }
    }
    seen.sort_unstable();
    last.sort_unstable();
    assert_eq!(seen, last, "a page goes on behind a client that was removed meanwhile");
}

/// A write that is dropped at any await has happened as a whole or not at all.
async fn cancelled(store: &dyn ClientRegistry) {
    for suspensions in 0.. {
        let client = register(store).await;
        let over = record(&client.id);
        let verb = store.replace_registered(over.clone(), ClientVersion::FIRST, NOW);
        let replaced = dropped_after(suspensions, verb).await;
        let stored = registered(store, &client.id).await.expect("a client that was written over is there");
        let second = ClientVersion(2);
        let whole = [(client, ClientVersion::FIRST), (over.clone(), second)]
            .contains(&(stored.record.clone(), stored.version));
        assert!(whole, "a client is written over as a whole or not at all");
        if let Some(replaced) = replaced {
            assert_eq!((replaced, stored.record), (Replacement::Written, over), "what was answered is there");
            return;
        }
    }
}

/// Of many that register one id, write over one version, or remove one client, one does.
async fn one_of_many<S: ClientRegistry + 'static>(nodes: &[Arc<S>], runtime: &dyn Runtime) {
    let id = draw::client();
    let (to_register, to_replace, to_remove) = (id.clone(), id.clone(), id.clone());
    let registered_by = crowd(nodes, runtime, move |store| {
        let client = record(&to_register);
        async move { store.register(client, NOW).await.is_ok() }
    });
    assert_eq!(registered_by.await, 1, "of many that register one id exactly one does");
    let replaced_by = crowd(nodes, runtime, move |store| {
        let client = record(&to_replace);
        async move { replace(&*store, client, ClientVersion::FIRST).await == Replacement::Written }
    });
    assert_eq!(replaced_by.await, 1, "of many that saw one version exactly one writes");
    let removed_by = crowd(nodes, runtime, move |store| {
        let id = to_remove.clone();
        async move { unregister(&*store, &id).await }
    });
    assert_eq!(removed_by.await, 1, "of many that remove one client exactly one does");
}

/// How many of the tasks, which begin together, were told yes.
async fn crowd<S, F>(nodes: &[Arc<S>], runtime: &dyn Runtime, task: impl Fn(Arc<S>) -> F) -> usize
where
    S: ClientRegistry + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let tasks = nodes.iter().cycle().take(CROWD).cloned();
    let tasks = tasks.map(|store| Box::pin(task(store)) as Pin<Box<dyn Future<Output = bool> + Send>>);
    meet(runtime, tasks.collect()).await.into_iter().filter(|won| *won).count()
}
