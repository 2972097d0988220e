//! What a host can list and revoke by itself: grants.

use super::administration::cursor::{self, Of};
use super::context::{Arrival, Context};
use super::core::Core;
use super::records;
use crate::clock::Timestamp;
use crate::error::{Result, StoreError};
use crate::event::{Endpoint, Event, EventKind};
use crate::store::{
    Filter, Grant, Listing, Page, RevokedGrants, SessionKey, StoredGrant, SubjectKey, TokenStore,
};
use crate::types::{ClientId, GrantId, SessionId, Subject};

/// Grants that are revoked in one step of a store.
const BATCH: u16 = 500;

/// Batches after which what is left, if anything, is revoked in one step: 50 million grants.
const MAX_BATCHES: u32 = 100_000;

/// Which grants a listing or a revocation concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantFilter {
    /// All that a client may use.
    Client(ClientId),
    /// One grant.
    Id(GrantId),
    /// All that were given in a login session.
    Session(SessionId),
    /// All that a person gave.
    Subject(Subject),
    /// All that a person gave to a client.
    SubjectAndClient(Subject, ClientId),
}

/// A grant that is neither revoked nor over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveGrant {
    /// The permission.
    pub grant: Grant,
    /// Until when its refresh tokens can be used at the latest, unless used before; `None` where it has none.
    pub refreshable_until: Option<Timestamp>,
}

impl GrantFilter {
    pub(super) fn columns(&self, cx: &Context<'_>) -> Filter {
        let subject = |subject: &Subject| SubjectKey::of(cx.secrets, cx.issuer(), subject);
        match self {
            Self::Client(client) => Filter::Client(client.clone()),
            Self::Id(id) => Filter::Id(*id),
            Self::Session(session) => Filter::Session(SessionKey::of(cx.secrets, cx.issuer(), session)),
            Self::Subject(person) => Filter::Subject(subject(person)),
            Self::SubjectAndClient(person, client) => {
                Filter::SubjectAndClient(subject(person), client.clone())
            }
        }
    }
}

impl GrantFilter {
    /// The event, with whom the filter names.
    pub(super) fn concerned(&self, event: Event) -> Event {
        match self {
            Self::Client(client) => event.with_client(client),
            Self::Id(id) => event.with_grant(*id),
            Self::Session(_) => event,
            Self::Subject(person) => event.with_subject(person),
            Self::SubjectAndClient(person, client) => event.with_subject(person).with_client(client),
        }
    }
}

/// One page of grants. A record that does not open is left out, and is an alarm.
pub(crate) async fn list(core: &Core, of: &GrantFilter, page: &Page) -> Result<Listing<LiveGrant>> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let page = cursor::opened(&cx, Of::Grants(of), page)?;
    let listing = core.stores.tokens.grants(&of.columns(&cx), RevokedGrants::LeftOut, &page, cx.now).await?;
    let live = listing.items.iter().filter(|stored| stored.is_active(cx.now));
    let items = live.filter_map(|stored| opened(&cx, stored)).collect();
    cursor::sealed(&cx, Of::Grants(of), Listing { items, next: listing.next })
}

fn opened(cx: &Context<'_>, stored: &StoredGrant) -> Option<LiveGrant> {
    let grant = records::open_grant(cx, &stored.record)?;
    let refreshable_until = stored.head.as_ref().map(|head| head.idle_until.min(grant.expires_at));
    Some(LiveGrant { grant, refreshable_until })
}

/// Revokes, and says how many were not revoked before.
pub(crate) async fn revoke(core: &Core, of: &GrantFilter) -> Result<u64> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    revoke_and_tell(core, &cx, &of.columns(&cx), of.concerned(cx.event(EventKind::Revoked))).await
}

/// Revokes all grants of a filter, and says how many were not revoked before. The event is emitted also where a store
/// fails after some were revoked.
pub(super) async fn revoke_and_tell(core: &Core, cx: &Context<'_>, of: &Filter, event: Event) -> Result<u64> {
    let mut revoked = 0;
    let outcome = revoke_all(&*core.stores.tokens, of, cx.now, &mut revoked).await;
    if outcome.is_ok() || revoked > 0 {
        cx.emit(&event);
    }
    outcome?;
    Ok(revoked)
}

/// Revokes all grants of a filter, and adds to `revoked` how many were not revoked before, also where it fails halfway.
///
/// A client, a person or a session can have any number of them: those are revoked in batches, so that no step of the
/// store is long. What is granted meanwhile by somebody who never stops granting is left to the next call.
pub(super) async fn revoke_all(
    store: &dyn TokenStore,
    of: &Filter,
    now: Timestamp,
    revoked: &mut u64,
) -> Result<(), StoreError> {
    if !matches!(of, Filter::Id(_)) {
        for _ in 0..MAX_BATCHES {
            let batch = store.revoke_some(of, BATCH, now).await?;
            *revoked += u64::from(batch);
            if batch < BATCH {
                return Ok(());
            }
        }
    }
    // However many are left, none may be left behind.
    *revoked += store.revoke(of, now).await?;
    Ok(())
}
