//! Remembered consents: read, grown, listed, revoked.

use serde::{Deserialize, Serialize};

use super::administration::cursor;
use super::context::{Arrival, Context};
use super::core::Core;
use super::grants;
use super::payload::{self, Kind};
use crate::clock::Timestamp;
use crate::entropy::random;
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::event::{Endpoint, EventKind};
use crate::store::{
    Consent, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Filter, Listing, Page, Remembered,
    SubjectKey,
};
use crate::types::{ClientId, Subject};

/// How often a consent is read again because another write came between.
const MAX_ATTEMPTS: u8 = 8;

/// Most authorization details in one consent: each payment is another, so they would have no end.
const MAX_REMEMBERED_DETAILS: usize = 100;

/// What the store knows of a consent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What was agreed to; `None` when the record does not open, which counts as nothing.
    pub(crate) consent: Option<Consent>,
    version: ConsentVersion,
    /// From this moment on it is nothing to add to, while the version still stands.
    expires_at: Timestamp,
}

/// Reads the consent of `subject` for `client`.
pub(crate) async fn read(
    cx: &Context<'_>,
    store: &dyn ConsentStore,
    subject: &Subject,
    client: &ClientId,
) -> Result<Option<Known>> {
    let key = SubjectKey::of(cx.secrets, cx.issuer(), subject);
    let record = store.remembered(&key, client, cx.now).await?;
    Ok(record.map(|record| Known {
        consent: open(cx, &record),
        version: record.version,
        expires_at: record.expires_at,
    }))
}

/// Adds `given` to what is remembered; `known` is what was read of the same subject and client before, if it was.
///
/// It never takes anything away: two approvals at the same time are both remembered.
pub(crate) async fn remember(
    cx: &Context<'_>,
    store: &dyn ConsentStore,
    given: &Consent,
    known: Option<Known>,
) -> Result<()> {
    let expires_at = cx.config.consent_lifetime.map_or(Timestamp::NEVER, |lifetime| cx.now.plus(lifetime));
    if expires_at.has_passed(cx.now) {
        return Ok(());
    }
    let mut known = known;
    for _ in 0..MAX_ATTEMPTS {
        let lasting = known.as_ref().filter(|known| !known.expires_at.has_passed(cx.now));
        let union = union(lasting.and_then(|known| known.consent.as_ref()), given);
        let seen = known.as_ref().map(|known| known.version);
        match store.remember(record(cx, &union, expires_at)?, seen, cx.now).await? {
            Remembered::Written => return Ok(()),
            Remembered::Stale => known = read(cx, store, &given.subject, &given.client).await?,
        }
    }
    Err(StoreError::from(StoreErrorKind::Unavailable).into())
}

/// Whose consents a listing is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    Client(&'a ClientId),
    Subject(&'a Subject),
}

/// Lists consents; records that do not open are skipped.
pub(super) async fn list(core: &Core, of: Of<'_>, page: &Page) -> Result<Listing<Consent>> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let filter = match of {
        Of::Client(client) => ConsentFilter::Client(client.clone()),
        Of::Subject(subject) => ConsentFilter::Subject(SubjectKey::of(cx.secrets, cx.issuer(), subject)),
    };
    let listed = match of {
        Of::Client(client) => cursor::Of::ConsentsForClient(client),
        Of::Subject(subject) => cursor::Of::ConsentsOfSubject(subject),
    };
    let page = cursor::opened(&cx, listed, page)?;
    let records = core.stores.consents.consents(&filter, &page, cx.now).await?;
    let items = records.items.iter().filter_map(|record| open(&cx, record)).collect();
    cursor::sealed(&cx, listed, Listing { items, next: records.next })
}

/// Forgets a consent, then revokes the grants that rest on it. Should the second fail, calling again repeats it.
pub(super) async fn revoke(core: &Core, subject: &Subject, client: &ClientId) -> Result<u64> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let key = SubjectKey::of(cx.secrets, cx.issuer(), subject);
    core.stores.consents.forget(&key, client, cx.now).await?;
    let of = Filter::SubjectAndClient(key, client.clone());
    let event = cx.event(EventKind::Revoked).with_client(client).with_subject(subject);
    grants::revoke_and_tell(core, &cx, &of, event).await
}

fn union(known: Option<&Consent>, given: &Consent) -> Consent {
    let Some(known) = known else { return given.clone() };
    let merged = |known: &[String], given: &[String]| {
        let added = given.iter().filter(|name| !known.contains(name));
        known.iter().chain(added).cloned().collect::<Vec<_>>()
    };
    let mut union = given.clone();
    union.scope = known.scope.union(&given.scope);
    union.claims = merged(&known.claims, &given.claims);
    union.resources = merged(&known.resources, &given.resources);
    let details = merged(&known.authorization_details, &given.authorization_details);
    // The oldest is asked for again.
    union.authorization_details = details[details.len().saturating_sub(MAX_REMEMBERED_DETAILS)..].to_vec();
    union
}

/// The payload of a consent: with the time of its column, so that nobody who writes to the store can prolong it.
#[derive(Serialize, Deserialize)]
struct Timed<T> {
    consent: T,
    expires_at: Timestamp,
}

/// A version that nobody has seen. Two bits are left for growing, and for the sign that integers of databases have.
fn unseen_version(cx: &Context<'_>) -> Result<ConsentVersion> {
    Ok(ConsentVersion(u64::from_be_bytes(random(cx.entropy)?) >> 2))
}

fn record(cx: &Context<'_>, consent: &Consent, expires_at: Timestamp) -> Result<ConsentRecord> {
    let subject = SubjectKey::of(cx.secrets, cx.issuer(), &consent.subject);
    let timed = Timed { consent, expires_at };
    Ok(ConsentRecord {
        subject,
        client: consent.client.clone(),
        version: unseen_version(cx)?,
        expires_at,
        payload: payload::seal(cx, Kind::Consent, &primary_key(&subject, &consent.client), &timed)?,
    })
}

/// The consent of a record; `None`, and an alarm, when it does not open or is not that of these columns.
fn open(cx: &Context<'_>, record: &ConsentRecord) -> Option<Consent> {
    let key = primary_key(&record.subject, &record.client);
    let opened = payload::open::<Timed<Consent>>(cx, Kind::Consent, &key, &record.payload);
    let sound = opened.filter(|Timed { consent, expires_at }| {
        consent.client == record.client
            && SubjectKey::of(cx.secrets, cx.issuer(), &consent.subject) == record.subject
            && *expires_at == record.expires_at
    });
    if sound.is_none() {
        cx.emit(&cx.event(EventKind::PayloadUnreadable).with_client(&record.client));
    }
    sound.map(|timed| timed.consent)
}

fn primary_key(subject: &SubjectKey, client: &ClientId) -> Vec<u8> {
    [subject.as_bytes(), client.as_str().as_bytes()].concat()
}
