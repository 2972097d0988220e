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
use crate::store::{Filter, Grant, Page, RevokedGrants, SessionKey};
use crate::types::{GrantId, Scope, SessionId};

/// Grants that are read at once.
const PAGE_SIZE: u16 = 100;

/// What a filter finds.
#[derive(Default)]
struct Found {
    /// Who is told: the clients of every session, also those whose grants are past their limit.
    notices: BTreeSet<Notice>,
    /// The clients whose grants were revoked before: they may be in sessions of their own all the same.
    former: BTreeSet<Notice>,
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
    let emit = |kind| cx.emit(&cx.event(kind).with_subject(pending.subject()));
    let Some(session) = pending.session() else {
        emit(EventKind::SessionUnnamed);
        return Ok(BTreeSet::new());
    };
    let of = Filter::Session(SessionKey::of(cx.secrets, cx.issuer(), session));
    let (notices, _) = end_grants(core, cx, &of, pending.offline_access()).await?;
    emit(EventKind::SessionEnded);
    Ok(notices)
}

/// Tells the clients, then ends the grants. A store that fails halfway has the rest told and ended by another
/// call; were the grants ended first, nobody would know any more whom to tell where the filter names clients.
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
    let (revoked, mut page) = (revoked_grants(of), Some(Page::first(PAGE_SIZE)));
    while let Some(asked) = page {
        let listing = core.stores.tokens.grants(of, revoked, &asked, cx.now).await?;
        page = asked.following(&listing);
        for stored in &listing.items {
            let grant = records::open_grant(cx, &stored.record);
            let before = stored.revoked_at.is_some();
            let told = if before { &mut found.former } else { &mut found.notices };
            told.extend(grant.as_ref().and_then(notice));
            match stored.is_active(cx.now) {
                true if outlasts(grant.as_ref(), offline_access) => found.others_stay = true,
                true => found.ending.push(stored.record.id),
                false => {}
            }
        }
    }
    found.remember_former(of);
    Ok(found)
}

/// Whether a listing of what a filter ends must hold revoked grants: where it can show clients that nothing
/// else does.
const fn revoked_grants(of: &Filter) -> RevokedGrants {
    match of {
        Filter::Session(_) | Filter::Subject(_) => RevokedGrants::Included,
        Filter::Client(_) | Filter::Id(_) | Filter::SubjectAndClient(..) => RevokedGrants::LeftOut,
    }
}

impl Found {
    /// Adds the clients whose grants were revoked before, in sessions that end now: the one that the filter
    /// names, or those that something else still hangs on. Others have ended at some time, and were told of
    /// then.
    fn remember_former(&mut self, of: &Filter) {
        let ends_now: BTreeSet<SessionId> = self.notices.iter().map(|told| told.session.clone()).collect();
        let former = std::mem::take(&mut self.former);
        let ending = |told: &Notice| matches!(of, Filter::Session(_)) || ends_now.contains(&told.session);
        self.notices.extend(former.into_iter().filter(ending));
    }
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
