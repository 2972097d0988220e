//! What a [`KeySetStore`] must do.

use std::pin::Pin;
use std::sync::Arc;

use super::answered;
use super::cancelled::dropped_after;
use super::draw::{self, NOW};
use super::meeting::meet;
use crate::runtime::Runtime;
use crate::seal::Sealed;
use crate::store::{KeySetStore, KeySetVersion, Replacement, StoredKeySet};

/// How many tasks meet.
const CROWD: usize = 32;

/// The key set is written by who saw it last, by however many at a time.
///
/// `nodes` are stores on one database, as several processes have them; tasks that meet are spread over them. There is
/// one key set in a namespace, and this writes over it: run it where no provider keeps its keys, and not beside itself.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn key_sets<S>(nodes: &[Arc<S>], runtime: &dyn Runtime)
where
    S: KeySetStore + 'static,
{
    for store in nodes {
        written_first(&**store).await;
        written_over(&**store).await;
        cancelled(&**store).await;
    }
    one_of_many(nodes, runtime).await;
}

async fn read(store: &dyn KeySetStore) -> Option<StoredKeySet> {
    answered("key_set answers", store.key_set(NOW).await)
}

async fn replace(store: &dyn KeySetStore, payload: &Sealed, seen: Option<KeySetVersion>) -> Replacement {
    answered("replace_key_set answers", store.replace_key_set(payload.clone(), seen, NOW).await)
}

/// Where the namespace has a key set already, it is not the first.
async fn written_first(store: &dyn KeySetStore) {
    if read(store).await.is_some() {
        return;
    }
    let payload = draw::payload();
    let unseen = replace(store, &payload, Some(KeySetVersion::FIRST)).await;
    assert_eq!(unseen, Replacement::Absent, "a version of a key set that is not there is Absent");
    assert_eq!(read(store).await, None, "Absent writes nothing");
    assert_eq!(replace(store, &payload, None).await, Replacement::Written, "who saw none writes the first");
    let first = StoredKeySet { version: KeySetVersion::FIRST, payload };
    assert_eq!(read(store).await, Some(first), "the key set is read exactly, as its first version");
}

async fn written_over(store: &dyn KeySetStore) {
    let before = read(store).await.expect("a key set that was written is there");
    let (second, third) = (draw::payload(), draw::payload());
    let written = replace(store, &second, Some(before.version)).await;
    assert_eq!(written, Replacement::Written, "who saw the version writes over the key set");
    let stored = read(store).await.expect("a key set that was written over is there");
    assert_eq!(stored.payload, second, "the payload is replaced");
    assert_eq!(Some(stored.version), before.version.next(), "each writing has the next version");
    let strange = [Some(before.version), Some(KeySetVersion(0)), Some(KeySetVersion(u64::MAX)), None];
    for seen in strange {
        let answer = replace(store, &third, seen).await;
        assert_eq!(answer, Replacement::Stale, "who saw another version ({seen:?}) writes nothing");
    }
    assert_eq!(read(store).await, Some(stored), "Stale leaves the key set that was there");
}

/// What was dropped may still happen after the next was asked, as a whole.
async fn cancelled(store: &dyn KeySetStore) {
    let mut asked = Vec::new();
    for suspensions in 0.. {
        let before = read(store).await.expect("a key set that was written is there");
        let payload = draw::payload();
        asked.push(payload.clone());
        let verb = store.replace_key_set(payload.clone(), Some(before.version), NOW);
        let answer = dropped_after(suspensions, verb).await;
        let after = read(store).await.expect("a key set that was written over is there");
        if answer == Some(Replacement::Written) {
            assert_eq!(after.payload, payload, "what was answered is there");
            return;
        }
        let whole = after == before || after.version > before.version && asked.contains(&after.payload);
        assert!(whole, "a key set is written as a whole or not at all");
    }
}

/// Of many that saw one version, one writes.
async fn one_of_many<S: KeySetStore + 'static>(nodes: &[Arc<S>], runtime: &dyn Runtime) {
    let node = nodes.first().expect("a race needs a node");
    for _ in 0..4 {
        let seen = read(&**node).await.map(|stored| stored.version);
        let tasks = nodes.iter().cycle().take(CROWD).cloned().map(|store| {
            let payload = draw::payload();
            let task = async move { replace(&*store, &payload, seen).await };
            Box::pin(task) as Pin<Box<dyn Future<Output = Replacement> + Send>>
        });
        let answers = meet(runtime, tasks.collect()).await;
        let written = answers.into_iter().filter(|answer| *answer == Replacement::Written).count();
        assert_eq!(written, 1, "of many that saw one version of the key set exactly one writes");
    }
}
