//! What a [`DeferredStore`] must do.

mod model;
mod together;

use std::sync::Arc;
use std::time::Duration;

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::Conflict;
use crate::runtime::Runtime;
use crate::secret::TokenHash;
use crate::store::{
    Decision, Deferral, DeferredRecord, DeferredStore, MAX_INTERVAL, Polled, Sweep, WaitingLimit,
};
use crate::types::{ClientId, GrantId};

/// As many as anybody wants.
const NO_LIMIT: WaitingLimit = WaitingLimit { of_client: u16::MAX, of_all: u16::MAX };

/// Requests wait for their person, are answered once and redeemed once, and whoever asks too often is slowed down.
///
/// `nodes` are stores on one database, as several processes have them; tasks that meet are spread over them. It sweeps at
/// times to come: run it when no other function of the suite is running on the same namespace.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn deferred<S>(nodes: &[Arc<S>], runtime: &dyn Runtime)
where
    S: DeferredStore + Sweep + 'static,
{
    for store in nodes {
        let store = store.as_ref();
        found(store).await;
        inserted_once(store).await;
        crowded(store).await;
        answered_once(store).await;
        redeemed_once(store).await;
        owned(store).await;
        slowed_down(store).await;
        expiring(store).await;
        retained(store).await;
        swept(store).await;
        together::cancelled(store).await;
        for seed in 1..=8 {
            model::model(store, seed, 400).await;
        }
    }
    together::race(nodes, runtime).await;
}

/// A request that ends at 600, is remembered until 4000, and may be asked about every 5 seconds.
fn record() -> DeferredRecord {
    DeferredRecord {
        key: draw::key(),
        user_code: Some(draw::key()),
        client: draw::client(),
        subject: None,
        interval: Duration::from_secs(5),
        expires_at: at(600),
        retain_until: at(4000),
        payload: draw::payload(),
    }
}

async fn insert<S: DeferredStore + ?Sized>(store: &S, record: &DeferredRecord) {
    let inserted = store.insert_deferred(record.clone(), NO_LIMIT, NOW).await;
    let inserted = answered("insert_deferred keeps a new request", inserted);
    assert_eq!(inserted, Deferral::Waiting, "a request that nothing stands against waits");
}

async fn inserted<S: DeferredStore + ?Sized>(store: &S) -> DeferredRecord {
    let record = record();
    insert(store, &record).await;
    record
}

async fn decide<S: DeferredStore + ?Sized>(
    store: &S,
    key: &TokenHash,
    decision: Decision,
    now: Timestamp,
) -> bool {
    answered("decide answers", store.decide(key, decision, now).await)
}

fn approval() -> (GrantId, Decision, DeferredRecord) {
    let (grant, record) = (draw::grant_id(), record());
    let (retain_until, payload) = (record.retain_until, record.payload.clone());
    (grant, Decision::Approved { grant, retain_until, payload }, record)
}

/// Approves, and gives what redeeming it comes to.
async fn approve<S: DeferredStore + ?Sized>(store: &S, waiting: &DeferredRecord) -> Polled {
    let (grant, decision, DeferredRecord { payload, .. }) = approval();
    assert!(decide(store, &waiting.key, decision, NOW).await, "a request that waits is approved");
    Polled::Approved { grant, record: DeferredRecord { payload, ..waiting.clone() } }
}

async fn poll<S: DeferredStore + ?Sized>(
    store: &S,
    key: &TokenHash,
    client: &ClientId,
    now: Timestamp,
) -> Polled {
    answered("poll answers", store.poll(key, client, now).await)
}

async fn by_key(store: &dyn DeferredStore, key: &TokenHash, now: Timestamp) -> Option<DeferredRecord> {
    answered("deferred answers", store.deferred(key, now).await)
}

async fn by_code(store: &dyn DeferredStore, code: &TokenHash, now: Timestamp) -> Option<DeferredRecord> {
    answered("by_user_code answers", store.by_user_code(code, now).await)
}

fn code_of(record: &DeferredRecord) -> TokenHash {
    record.user_code.expect("the suite's requests have a user code")
}

async fn found(store: &dyn DeferredStore) {
    let request = inserted(store).await;
    let (key, code) = (request.key, code_of(&request));
    for now in [NOW, at(599)] {
        assert_eq!(by_key(store, &key, now).await.as_ref(), Some(&request), "deferred gives it exactly");
        assert_eq!(
            by_code(store, &code, now).await.as_ref(),
            Some(&request),
            "by_user_code gives it exactly"
        );
    }
    assert_eq!(by_key(store, &key, at(600)).await, None, "a request is not found from expires_at on");
    assert_eq!(by_code(store, &code, at(600)).await, None, "nor by its user code");
    assert_eq!(by_key(store, &code, NOW).await, None, "a user code is no key");
    assert_eq!(by_code(store, &key, NOW).await, None, "a key is no user code");
    let without = DeferredRecord { user_code: None, subject: Some(draw::subject()), ..record() };
    insert(store, &without).await;
    insert(store, &DeferredRecord { user_code: None, ..record() }).await;
    assert_eq!(by_key(store, &without.key, NOW).await, Some(without), "a request needs no user code");
    for decision in [approval().1, Decision::Denied] {
        let request = inserted(store).await;
        assert!(decide(store, &request.key, decision, NOW).await, "a request that waits is answered");
        assert_eq!(by_key(store, &request.key, NOW).await, None, "an answered request does not wait");
        assert_eq!(by_code(store, &code_of(&request), NOW).await, None, "nor is it found by its user code");
    }
}

async fn inserted_once(store: &dyn DeferredStore) {
    let request = inserted(store).await;
    let again = [
        DeferredRecord { key: request.key, ..record() },
        DeferredRecord { user_code: request.user_code, ..record() },
    ];
    for again in again {
        let other = again.key;
        let inserted = store.insert_deferred(again, NO_LIMIT, NOW).await;
        refused("insert_deferred under a key or a user code that exists", Conflict, inserted);
        let left = by_key(store, &request.key, NOW).await;
        assert_eq!(left.as_ref(), Some(&request), "a Conflict leaves the request that was there");
        let there = by_key(store, &other, NOW).await;
        assert!(there.is_none_or(|there| there == request), "a Conflict keeps nothing");
    }
}

async fn crowded(store: &dyn DeferredStore) {
    let limit = WaitingLimit { of_client: 2, of_all: 3 };
    let (subject, here, there) = (draw::subject(), draw::client(), draw::client());
    let about = |client: &ClientId| DeferredRecord {
        subject: Some(subject),
        client: client.clone(),
        user_code: None,
        ..record()
    };
    let insert = async |record: DeferredRecord, now| {
        answered("insert_deferred answers", store.insert_deferred(record, limit, now).await)
    };
    let first = about(&here);
    assert_eq!(insert(first.clone(), NOW).await, Deferral::Waiting, "the first waits");
    assert_eq!(insert(about(&here), NOW).await, Deferral::Waiting, "as many of a client as may");
    let over = about(&here);
    assert_eq!(insert(over.clone(), NOW).await, Deferral::Crowded, "no more of one client");
    assert_eq!(by_key(store, &over.key, NOW).await, None, "what is Crowded is not kept");
    assert_eq!(insert(about(&there), NOW).await, Deferral::Waiting, "one of another client");
    assert_eq!(insert(about(&there), NOW).await, Deferral::Crowded, "no more of all clients");
    let other = DeferredRecord { subject: Some(draw::subject()), ..about(&here) };
    assert_eq!(insert(other, NOW).await, Deferral::Waiting, "another subject has a count of its own");
    let nobody = DeferredRecord { subject: None, ..about(&here) };
    assert_eq!(insert(nobody, NOW).await, Deferral::Waiting, "without a subject nothing is counted");
    assert!(decide(store, &first.key, Decision::Denied, NOW).await, "a request that waits is denied");
    assert_eq!(insert(about(&here), NOW).await, Deferral::Waiting, "an answered one does not count");
    assert_eq!(insert(about(&here), at(599)).await, Deferral::Crowded, "those before their end count");
    let late = DeferredRecord { expires_at: at(700), ..about(&here) };
    assert_eq!(insert(late, at(600)).await, Deferral::Waiting, "those past their end do not count");
}

async fn answered_once(store: &dyn DeferredStore) {
    for decision in [approval().1, Decision::Denied] {
        let request = inserted(store).await;
        assert!(decide(store, &request.key, decision, NOW).await, "a request that waits is answered");
        for again in [approval().1, Decision::Denied] {
            assert!(!decide(store, &request.key, again, NOW).await, "it is answered once");
        }
    }
    let request = inserted(store).await;
    assert!(!decide(store, &request.key, approval().1, at(600)).await, "not from expires_at on");
    assert!(!decide(store, &draw::key(), approval().1, NOW).await, "what is not there is not answered");
    assert!(decide(store, &request.key, Decision::Denied, at(599)).await, "until then it is");
    let denied = poll(store, &request.key, &request.client, NOW).await;
    assert_eq!(denied, Polled::Denied, "a denied request is Denied");
    let denied = poll(store, &request.key, &request.client, at(3999)).await;
    assert_eq!(denied, Polled::Denied, "whether it was denied is told before whether it has expired");
}

async fn redeemed_once(store: &dyn DeferredStore) {
    let request = inserted(store).await;
    let approved = approve(store, &request).await;
    let Polled::Approved { grant, .. } = approved else { panic!("an approval is Approved") };
    let first = poll(store, &request.key, &request.client, NOW).await;
    assert_eq!(
        first, approved,
        "the first poll gives the grant and the record with the payload of the decision"
    );
    for now in [NOW, at(1), at(600), at(3999)] {
        let again = poll(store, &request.key, &request.client, now).await;
        assert_eq!(again, Polled::Replayed { grant }, "a redeemed request is Replayed and names its grant");
    }
    let gone = poll(store, &request.key, &request.client, at(4000)).await;
    assert_eq!(gone, Polled::Absent, "a request is Absent from retain_until on");
    let unknown = poll(store, &draw::key(), &request.client, NOW).await;
    assert_eq!(unknown, Polled::Absent, "a request that was never inserted is Absent");
}

async fn owned(store: &dyn DeferredStore) {
    let request = inserted(store).await;
    let foreign = poll(store, &request.key, &draw::client(), NOW).await;
    assert_eq!(foreign, Polled::Foreign, "a request of another client is Foreign");
    let pending = poll(store, &request.key, &request.client, at(1)).await;
    assert_eq!(pending, Polled::Pending, "Foreign does not count as a poll");
    let approved = approve(store, &request).await;
    for now in [at(1), at(600), at(3999)] {
        let foreign = poll(store, &request.key, &draw::client(), now).await;
        assert_eq!(foreign, Polled::Foreign, "the owner is checked before anything else");
    }
    let mut expected = approved;
    if let Polled::Approved { record, .. } = &mut expected {
        record.interval = request.interval;
    }
    let mine = poll(store, &request.key, &request.client, at(1)).await;
    assert_eq!(mine, expected, "Foreign redeems nothing");
    let gone = poll(store, &request.key, &draw::client(), at(4000)).await;
    assert_eq!(gone, Polled::Absent, "a request is Absent from retain_until on, whoever asks");
}

async fn slowed_down(store: &dyn DeferredStore) {
    let request = inserted(store).await;
    let polls = [
        (0, Polled::Pending, "the first poll is never too early"),
        (4, Polled::SlowDown, "a poll before the interval is over is too early: now it is 10"),
        (13, Polled::SlowDown, "the interval counts from the last poll, early or not: now it is 15"),
        (28, Polled::Pending, "a poll when the interval is over is not too early"),
        (42, Polled::SlowDown, "the interval that has grown stays: now it is 20"),
        (62, Polled::Pending, "and it has grown by five"),
    ];
    for (now, expected, clause) in polls {
        assert_eq!(poll(store, &request.key, &request.client, at(now)).await, expected, "{clause}");
    }
    let kept = by_key(store, &request.key, at(62)).await.map(|kept| kept.interval);
    assert_eq!(kept, Some(Duration::from_secs(20)), "the interval is kept");
    let approved = approve(store, &request).await;
    let redeemed = poll(store, &request.key, &request.client, at(63)).await;
    let alike = matches!((&redeemed, &approved),
        (Polled::Approved { grant, .. }, Polled::Approved { grant: expected, .. }) if grant == expected);
    assert!(alike, "an approved request is never too early: {redeemed:?}");

    let slow = DeferredRecord { interval: MAX_INTERVAL, expires_at: at(3900), ..record() };
    insert(store, &slow).await;
    for now in [0, 1, 2] {
        let _note = poll(store, &slow.key, &slow.client, at(now)).await;
    }
    let kept = by_key(store, &slow.key, NOW).await.map(|kept| kept.interval);
    assert_eq!(kept, Some(MAX_INTERVAL), "the interval grows to MAX_INTERVAL and no further");
}

async fn expiring(store: &dyn DeferredStore) {
    let (waiting, approved) = (inserted(store).await, inserted(store).await);
    let expected = approve(store, &approved).await;
    for request in [&waiting, &approved] {
        for now in [600, 3999] {
            let expired = poll(store, &request.key, &request.client, at(now)).await;
            assert_eq!(expired, Polled::Expired, "a request is Expired from expires_at on, approved or not");
        }
    }
    let pending = poll(store, &waiting.key, &waiting.client, at(599)).await;
    assert_eq!(pending, Polled::Pending, "Expired does not count as a poll");
    let redeemed = poll(store, &approved.key, &approved.client, at(599)).await;
    assert_eq!(redeemed, expected, "Expired redeems nothing");

    let mut endless = record();
    (endless.expires_at, endless.retain_until) = (Timestamp::NEVER, Timestamp::NEVER);
    insert(store, &endless).await;
    for now in [Timestamp::from_unix(-5), Timestamp::from_unix(i64::MAX - 1)] {
        let pending = poll(store, &endless.key, &endless.client, now).await;
        assert_eq!(pending, Polled::Pending, "times reach from before the epoch to NEVER");
    }
}

/// What was approved is remembered for longer than what was not.
async fn retained<S: DeferredStore + Sweep>(store: &S) {
    let short = || DeferredRecord { retain_until: at(700), ..record() };
    let (waiting, denied, approved) = (short(), short(), short());
    for request in [&waiting, &denied, &approved] {
        insert(store, request).await;
    }
    assert!(decide(store, &denied.key, Decision::Denied, NOW).await, "a request that waits is denied");
    let (grant, decision, DeferredRecord { payload, .. }) = approval();
    assert!(decide(store, &approved.key, decision, NOW).await, "a request that waits is approved");
    let first = poll(store, &approved.key, &approved.client, at(599)).await;
    let record = DeferredRecord { retain_until: at(4000), payload, ..approved.clone() };
    let expected = Polled::Approved { grant, record };
    assert_eq!(first, expected, "an approved request has the retain_until of the decision");
    let before =
        [(&waiting, Polled::Expired), (&denied, Polled::Denied), (&approved, Polled::Replayed { grant })];
    for (request, expected) in before {
        let there = poll(store, &request.key, &request.client, at(699)).await;
        assert_eq!(there, expected, "until retain_until what became of a request is told");
    }
    sweep_all(store, at(700)).await;
    for request in [&waiting, &denied] {
        let gone = poll(store, &request.key, &request.client, NOW).await;
        assert_eq!(gone, Polled::Absent, "what was not approved is swept from its own retain_until on");
    }
    let there = poll(store, &approved.key, &approved.client, at(3999)).await;
    assert_eq!(there, Polled::Replayed { grant }, "an approved request is kept until that of the decision");
    let gone = poll(store, &approved.key, &approved.client, at(4000)).await;
    assert_eq!(gone, Polled::Absent, "and no longer");
    sweep_all(store, at(4000)).await;
    insert(store, &approved).await;
    assert_eq!(by_key(store, &approved.key, NOW).await, Some(approved), "then its key is free");
}

async fn swept<S: DeferredStore + Sweep>(store: &S) {
    let (waiting, redeemed, denied) = (inserted(store).await, inserted(store).await, inserted(store).await);
    let Polled::Approved { grant, .. } = approve(store, &redeemed).await else {
        panic!("an approval is Approved")
    };
    let _first = poll(store, &redeemed.key, &redeemed.client, NOW).await;
    assert!(decide(store, &denied.key, Decision::Denied, NOW).await, "a request that waits is denied");
    for now in [at(600), at(3999)] {
        sweep_all(store, now).await;
        for (request, expected) in
            [(&waiting, Polled::Expired), (&redeemed, Polled::Replayed { grant }), (&denied, Polled::Denied)]
        {
            let there = poll(store, &request.key, &request.client, now).await;
            assert_eq!(there, expected, "what became of a request is not swept before retain_until");
        }
    }
    sweep_all(store, at(4000)).await;
    let gone = poll(store, &redeemed.key, &redeemed.client, NOW).await;
    assert_eq!(gone, Polled::Absent, "a swept request is Absent");
    insert(store, &redeemed).await;
    assert_eq!(by_code(store, &code_of(&redeemed), NOW).await, Some(redeemed), "its key and code are free");
}

async fn sweep_all<S: Sweep>(store: &S, now: Timestamp) {
    while answered("sweep answers", store.sweep(1000, now).await) == 1000 {}
}
