//! What a [`ConsentStore`] must do.

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::Corrupt;
use crate::store::{
    ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Page, Remembered, SubjectKey,
};
use crate::types::ClientId;

/// Consents are written over only by those who saw them, listed by page, and forgotten.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn consents(store: &dyn ConsentStore) {
    remembered_exactly(store).await;
    written_by_who_saw(store).await;
    expiring(store).await;
    forgotten(store).await;
    listed(store).await;
}

async fn remember(
    store: &dyn ConsentStore,
    record: &ConsentRecord,
    seen: Option<ConsentVersion>,
    now: Timestamp,
) -> Remembered {
    answered("remember answers", store.remember(record.clone(), seen, now).await)
}

async fn read(
    store: &dyn ConsentStore,
    subject: &SubjectKey,
    client: &ClientId,
    now: Timestamp,
) -> Option<ConsentRecord> {
    answered("remembered answers", store.remembered(subject, client, now).await)
}

/// Writes a consent that was not there and reads it back with its version.
async fn first(store: &dyn ConsentStore, record: &ConsentRecord, now: Timestamp) -> ConsentRecord {
    let written = remember(store, record, None, now).await;
    assert_eq!(written, Remembered::Written, "a first consent is written");
    let found = read(store, &record.subject, &record.client, now).await.expect("a consent is remembered");
    assert_eq!(
        found,
        ConsentRecord { version: found.version, ..record.clone() },
        "a consent is read exactly"
    );
    found
}

async fn remembered_exactly(store: &dyn ConsentStore) {
    let record = draw::consent(draw::subject(), &draw::client());
    first(store, &record, NOW).await;
    let other = read(store, &draw::subject(), &record.client, NOW).await;
    assert_eq!(other, None, "a consent of another subject is not found");
    let other = read(store, &record.subject, &draw::client(), NOW).await;
    assert_eq!(other, None, "a consent for another client is not found");
    let folded = draw::client_named(&record.client.as_str().to_uppercase());
    let other = read(store, &record.subject, &folded, NOW).await;
    assert_eq!(other, None, "a client is not found by another spelling");
}

async fn written_by_who_saw(store: &dyn ConsentStore) {
    let record = draw::consent(draw::subject(), &draw::client());
    let before = first(store, &record, NOW).await;
    let newer = draw::consent(record.subject, &record.client);
    for seen in [None, Some(ConsentVersion(before.version.0 + 1)), Some(ConsentVersion(0))] {
        let stale = remember(store, &newer, seen, NOW).await;
        assert_eq!(stale, Remembered::Stale, "who saw another version than the stored is Stale");
        let found = read(store, &record.subject, &record.client, NOW).await;
        assert_eq!(found, Some(before.clone()), "Stale changes nothing");
    }
    let written = remember(store, &newer, Some(before.version), NOW).await;
    assert_eq!(written, Remembered::Written, "who saw the stored version writes");
    let after = read(store, &record.subject, &record.client, NOW).await.expect("a consent is remembered");
    assert_eq!(after.payload, newer.payload, "the later write is read");
    assert_eq!(after.version, newer.next_version(Some(before.version)), "the version grows");
    let stale = remember(store, &record, Some(before.version), NOW).await;
    assert_eq!(stale, Remembered::Stale, "of two who saw one version the second is Stale");
}

async fn expiring(store: &dyn ConsentStore) {
    let record = draw::consent(draw::subject(), &draw::client());
    let before = first(store, &record, NOW).await;
    let found = read(store, &record.subject, &record.client, at(999)).await;
    assert_eq!(found, Some(before.clone()), "a consent counts before expires_at");
    let found = read(store, &record.subject, &record.client, at(1000)).await;
    assert_eq!(found, None, "a consent does not count from expires_at on");
    let later = ConsentRecord { expires_at: at(3000), ..draw::consent(record.subject, &record.client) };
    let stale = remember(store, &later, None, at(999)).await;
    assert_eq!(stale, Remembered::Stale, "before it expires a consent is not written over unseen");
    let written = remember(store, &later, None, at(1000)).await;
    assert_eq!(written, Remembered::Written, "an expired consent is written over like none");
    let after =
        read(store, &record.subject, &record.client, at(1000)).await.expect("a consent is remembered");
    assert_eq!((after.payload, after.expires_at), (later.payload, at(3000)), "the later write is read");
    assert!(after.version > before.version, "the version grows over an expired consent");
    let forgotten = answered("forget answers", store.forget(&record.subject, &record.client, at(3000)).await);
    assert!(!forgotten, "there is nothing to forget when a consent has expired");
}

async fn forgotten(store: &dyn ConsentStore) {
    let record = draw::consent(draw::subject(), &draw::client());
    let before = first(store, &record, NOW).await;
    let forget = || store.forget(&record.subject, &record.client, NOW);
    assert!(answered("forget answers", forget().await), "forget says that there was a consent");
    assert!(!answered("forget answers", forget().await), "forget says that there was none");
    let found = read(store, &record.subject, &record.client, NOW).await;
    assert_eq!(found, None, "a forgotten consent is not found");
    let stale = remember(store, &record, Some(before.version), NOW).await;
    assert_eq!(stale, Remembered::Stale, "who saw a consent that was forgotten is Stale");
    // In the same second, so that no clock tells the two apart.
    let again = first(store, &draw::consent(record.subject, &record.client), NOW).await;
    assert_ne!(again.version, before.version, "a consent given again is another one");
    let stale = remember(store, &record, Some(before.version), NOW).await;
    assert_eq!(stale, Remembered::Stale, "who saw a consent that was forgotten and given again is Stale");
}

/// All of a filter, read in pages of `limit`.
async fn list(
    store: &dyn ConsentStore,
    of: &ConsentFilter,
    limit: u16,
    now: Timestamp,
) -> Vec<ConsentRecord> {
    let mut records = Vec::new();
    let mut page = Some(Page::first(limit));
    while let Some(this) = page {
        let listing = answered("consents answers", store.consents(of, &this, now).await);
        assert!(listing.items.len() <= usize::from(this.size()), "a page holds at most its limit");
        page = this.following(&listing);
        records.extend(listing.items);
    }
    records
}

async fn listed(store: &dyn ConsentStore) {
    let (subject, client) = (draw::subject(), draw::client());
    let mut given = vec![draw::consent(subject, &client)];
    for _ in 0..4 {
        given.push(draw::consent(subject, &draw::client()));
        given.push(draw::consent(draw::subject(), &client));
    }
    let forgotten = draw::consent(subject, &draw::client());
    let expired = ConsentRecord { expires_at: at(1), ..draw::consent(subject, &draw::client()) };
    for record in given.iter().chain([&forgotten, &expired]) {
        first(store, record, NOW).await;
    }
    answered("forget answers", store.forget(&forgotten.subject, &forgotten.client, NOW).await);
    for filter in [ConsentFilter::Subject(subject), ConsentFilter::Client(client.clone())] {
        let once = list(store, &filter, 1000, at(1)).await;
        let concerned = given.iter().filter(|record| match filter {
            ConsentFilter::Client(_) => record.client == client,
            ConsentFilter::Subject(_) => record.subject == subject,
        });
        assert_eq!(once.len(), concerned.clone().count(), "{filter:?} lists what counts, and nothing else");
        assert!(concerned.clone().all(|record| once.contains(record)), "{filter:?} lists all exactly");
        for limit in [0, 1, 2, 4, 5] {
            assert_eq!(
                list(store, &filter, limit, at(1)).await,
                once,
                "the order is stable, in pages of {limit}"
            );
        }
        assert_eq!(list(store, &filter, 3, at(1000)).await, [], "expired consents are not listed");
    }
    let strange = Page { after: Some("\u{1}".to_owned()), limit: 2 };
    for filter in [ConsentFilter::Subject(subject), ConsentFilter::Client(client)] {
        let result = store.consents(&filter, &strange, NOW).await;
        refused("consents after a text that is no cursor", Corrupt, result);
    }
}
