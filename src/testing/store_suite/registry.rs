//! What a [`ClientRegistry`] must do.

use std::pin::Pin;
use std::sync::Arc;

use super::draw::{self, NOW};
use super::meeting::meet;
use super::{answered, refused};
use crate::error::StoreErrorKind::Conflict;
use crate::runtime::Runtime;
use crate::store::{ClientRecord, ClientRegistry, ClientVersion, Replacement, StoredClient};
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
