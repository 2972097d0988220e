//! What hangs on a login session: the clients that were signed in to, and the grants.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::back_channel::{self, Notice};
use super::pending::{OfflineAccess, PendingLogout};
use crate::error::Result;
use crate::event::EventKind;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::records;
use crate::store::{Filter, Grant, Page, SessionKey};
use crate::types::{GrantId, Scope};

/// Grants that are read at once.
const PAGE_SIZE: u16 = 100;

/// What a filter finds.
#[derive(Default)]
struct Found {
    /// Who is told: the clients of every session, also those whose grants are past their limit.
    notices: BTreeSet<Notice>,
    /// The active grants that end.
    ending: Vec<GrantId>,
    /// Whether an active grant does not.
    others_stay: bool,
}

/// Ends the session of a logout, and says whose it was at which clients.
pub(super) async fn end(
    core: &Arc<Core>,
    cx: &Context<'_>,
    pending: &PendingLogout,
) -> Result<BTreeSet<Notice>> {
    let mut notices = BTreeSet::new();
    if let Some(session) = pending.session() {
        let of = Filter::Session(SessionKey::of(cx.secrets, cx.issuer(), session));
        (notices, _) = end_grants(core, cx, &of, pending.offline_access()).await?;
    }
    cx.emit(&cx.event(EventKind::SessionEnded).with_subject(pending.subject()));
    Ok(notices)
}

/// Tells the clients, then ends the grants. A store that fails halfway has the rest told and ended by another call;
/// were the grants ended first, nobody would know any more whom to tell.
pub(super) async fn end_grants(
    core: &Arc<Core>,
    cx: &Context<'_>,
    of: &Filter,
    offline_access: OfflineAccess,
) -> Result<(BTreeSet<Notice>, u64)> {
    let found = find(core, cx, of, offline_access).await?;
    back_channel::tell(core, cx, found.notices.iter().cloned());
    if !found.others_stay {
        let revoked = core.stores.tokens.revoke(of, cx.now).await?;
        return Ok((found.notices, revoked));
    }
    let mut revoked = 0;
    for id in found.ending {
        revoked += core.stores.tokens.revoke(&Filter::Id(id), cx.now).await?;
    }
    Ok((found.notices, revoked))
}

async fn find(core: &Core, cx: &Context<'_>, of: &Filter, offline_access: OfflineAccess) -> Result<Found> {
    let mut found = Found::default();
    let mut page = Some(Page::first(PAGE_SIZE));
    while let Some(asked) = page {
        let listing = core.stores.tokens.grants(of, &asked, cx.now).await?;
        page = asked.following(&listing);
        for stored in &listing.items {
            let grant = records::open_grant(cx, &stored.record);
            found.notices.extend(grant.as_ref().and_then(notice));
            match stored.is_active(cx.now) {
                true if outlasts(grant.as_ref(), offline_access) => found.others_stay = true,
                true => found.ending.push(stored.record.id),
                false => {}
            }
        }
    }
    Ok(found)
}

fn notice(grant: &Grant) -> Option<Notice> {
    let authentication = grant.authentication.as_ref()?;
    let (session, subject) = (authentication.session.clone()?, authentication.subject.clone());
    Some(Notice { client: grant.client.clone(), session, subject })
}

/// Whether a grant goes on without its session. One that does not open goes with it.
fn outlasts(grant: Option<&Grant>, offline_access: OfflineAccess) -> bool {
    let Some(grant) = grant else { return false };
    grant.authentication.is_none()
        || (offline_access == OfflineAccess::Kept && grant.scope.contains(Scope::OFFLINE_ACCESS))
}
