//! What holds when many ask at once, and when the one who asked goes away.

use std::pin::Pin;
use std::sync::Arc;

use super::super::cancelled::dropped_after;
use super::super::draw::{self, NOW, at};
use super::super::meeting::meet;
use super::{NO_LIMIT, approval, approve, by_key, insert, inserted, poll, record};
use crate::runtime::Runtime;
use crate::store::{Decision, Deferral, DeferredRecord, DeferredStore, Polled, WaitingLimit};

/// How many tasks meet.
const CROWD: usize = 64;

/// Lets tasks begin together, each on the next node, and gives their answers.
async fn crowd<S, T, F>(nodes: &[Arc<S>], runtime: &dyn Runtime, task: impl Fn(usize, Arc<S>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let stores = nodes.iter().cycle().take(CROWD).cloned();
    let tasks = stores.enumerate().map(|(n, store)| {
        let task: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(task(n, store));
        task
    });
    meet(runtime, tasks.collect()).await
}

/// Where one caller may win, exactly one does.
pub(super) async fn race<S: DeferredStore + 'static>(nodes: &[Arc<S>], runtime: &dyn Runtime) {
    let store = nodes.first().expect("a race needs a node").as_ref();
    one_redeems(store, nodes, runtime).await;
    one_decides(store, nodes, runtime).await;
    no_more_than_may_wait(store, nodes, runtime).await;
    every_early_poll_counts(store, nodes, runtime).await;
}

async fn one_redeems<S: DeferredStore + 'static>(store: &S, nodes: &[Arc<S>], runtime: &dyn Runtime) {
    let request = inserted(store).await;
    let approved = approve(store, &request).await;
    let Polled::Approved { grant, .. } = approved else { panic!("an approval is Approved") };
    let answers = crowd(nodes, runtime, |_, store| {
        let (key, client) = (request.key, request.client.clone());
        async move { poll(&*store, &key, &client, at(1)).await }
    });
    let answers = answers.await;
    let won = answers.iter().filter(|answer| **answer == approved).count();
    let told = answers.iter().filter(|answer| **answer == Polled::Replayed { grant }).count();
    assert_eq!((won, told), (1, CROWD - 1), "of many polls exactly one redeems, and the others are told");
}

async fn one_decides<S: DeferredStore + 'static>(store: &S, nodes: &[Arc<S>], runtime: &dyn Runtime) {
    let request = inserted(store).await;
    let answers = crowd(nodes, runtime, |n, store| {
        let decision = if n % 2 == 0 { approval().1 } else { Decision::Denied };
        async move { super::decide(&*store, &request.key, decision, NOW).await }
    });
    let won = answers.await.into_iter().filter(|answer| *answer).count();
    assert_eq!(won, 1, "of many answers exactly one counts");
}

async fn no_more_than_may_wait<S: DeferredStore + 'static>(
    store: &S,
    nodes: &[Arc<S>],
    runtime: &dyn Runtime,
) {
    let (subject, client) = (draw::subject(), draw::client());
    let limit = WaitingLimit { of_client: 3, of_all: 5 };
    let answers = crowd(nodes, runtime, |_, store| {
        let record = DeferredRecord { subject: Some(subject), client: client.clone(), ..record() };
        async move { store.insert_deferred(record, limit, NOW).await.map_err(|error| error.kind()) }
    });
    let waiting = answers.await.into_iter().filter(|answer| *answer == Ok(Deferral::Waiting)).count();
    assert_eq!(waiting, 3, "of many that insert as many wait as may");
    let late = DeferredRecord { subject: Some(subject), client, ..record() };
    let late = store.insert_deferred(late, limit, NOW).await.map_err(|error| error.kind());
    assert_eq!(late, Ok(Deferral::Crowded), "and no more");
}

async fn every_early_poll_counts<S: DeferredStore + 'static>(
    store: &S,
    nodes: &[Arc<S>],
    runtime: &dyn Runtime,
) {
    let request = inserted(store).await;
    let answers = crowd(nodes, runtime, |_, store| {
        let (key, client) = (request.key, request.client.clone());
        async move { poll(&*store, &key, &client, NOW).await }
    });
    let answers = answers.await;
    let slowed = answers.iter().filter(|answer| **answer == Polled::SlowDown).count();
    assert_eq!(slowed, CROWD - 1, "of many polls at once one is in time");
    let interval = by_key(store, &request.key, NOW).await.map(|kept| kept.interval.as_secs());
    assert_eq!(interval, Some(5 + 5 * (CROWD as u64 - 1)), "each of the others has made the interval grow");
}

/// A verb that is dropped at any await has happened as a whole or not at all.
pub(super) async fn cancelled<S: DeferredStore>(store: &S) {
    inserting(store).await;
    deciding(store).await;
    redeeming(store).await;
}

async fn inserting<S: DeferredStore>(store: &S) {
    for suspensions in 0.. {
        let request = record();
        let answer = dropped_after(suspensions, store.insert_deferred(request.clone(), NO_LIMIT, NOW)).await;
        let found = by_key(store, &request.key, NOW).await;
        assert!(found.as_ref().is_none_or(|found| *found == request), "a request is there as a whole or not");
        if answer.is_some() {
            assert_eq!(found, Some(request), "what was answered is there");
            return;
        }
    }
}

async fn deciding<S: DeferredStore>(store: &S) {
    for suspensions in 0.. {
        let request = inserted(store).await;
        let (grant, decision, DeferredRecord { payload, .. }) = approval();
        let answer = dropped_after(suspensions, store.decide(&request.key, decision, NOW)).await;
        match poll(store, &request.key, &request.client, NOW).await {
            Polled::Approved { grant: given, record } => {
                assert_eq!((given, record.payload), (grant, payload), "an approval is there as a whole");
            }
            other => assert_eq!((answer, other), (None, Polled::Pending), "what was answered is there"),
        }
        if answer.is_some() {
            return;
        }
    }
}

async fn redeeming<S: DeferredStore>(store: &S) {
    for suspensions in 0.. {
        let request = inserted(store).await;
        insert(store, &record()).await;
        let approved = approve(store, &request).await;
        let Polled::Approved { grant, .. } = approved else { panic!("an approval is Approved") };
        let first = dropped_after(suspensions, store.poll(&request.key, &request.client, NOW)).await;
        let next = poll(store, &request.key, &request.client, NOW).await;
        let replayed = Polled::Replayed { grant };
        if let Some(first) = first {
            assert_eq!((first, next), (approved, replayed), "what was answered is redeemed");
            return;
        }
        assert!(next == approved || next == replayed, "a request is redeemed or it is not: {next:?}");
    }
}
