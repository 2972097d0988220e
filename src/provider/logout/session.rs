//! What hangs on a login session.

use super::pending::{OfflineAccess, PendingLogout};
use crate::error::Result;
use crate::event::EventKind;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::records;
use crate::store::{Filter, Page, SessionKey, StoredGrant};
use crate::types::Scope;

/// Grants that are read at once.
const PAGE_SIZE: u16 = 100;

/// Ends the grants of a session, but for those that outlast it.
pub(super) async fn end(core: &Core, cx: &Context<'_>, pending: &PendingLogout) -> Result<()> {
    if let Some(session) = pending.session() {
        let of = Filter::Session(SessionKey::of(cx.secrets, cx.issuer(), session));
        let grants = all(core, cx, &of).await?;
        revoke(core, cx, (&of, &grants), pending.offline_access()).await?;
    }
    cx.emit(&cx.event(EventKind::SessionEnded).with_subject(pending.subject()));
    Ok(())
}

/// The grants of a filter that are kept, also those past their limit.
async fn all(core: &Core, cx: &Context<'_>, of: &Filter) -> Result<Vec<StoredGrant>> {
    let mut grants = Vec::new();
    let mut page = Some(Page::first(PAGE_SIZE));
    while let Some(asked) = page {
        let listing = core.stores.tokens.grants(of, &asked, cx.now).await?;
        page = asked.following(&listing);
        grants.extend(listing.items);
    }
    Ok(grants)
}

async fn revoke(
    core: &Core,
    cx: &Context<'_>,
    (of, grants): (&Filter, &[StoredGrant]),
    offline_access: OfflineAccess,
) -> Result<()> {
    let active: Vec<_> = grants.iter().filter(|stored| stored.is_active(cx.now)).collect();
    let outlasts = |stored: &StoredGrant| {
        let grant = records::open_grant(cx, &stored.record);
        offline_access == OfflineAccess::Kept
            && grant.is_some_and(|grant| grant.scope.contains(Scope::OFFLINE_ACCESS))
    };
    let ending: Vec<_> = active.iter().filter(|stored| !outlasts(stored)).collect();
    if ending.len() == active.len() {
        core.stores.tokens.revoke(of, cx.now).await?;
        return Ok(());
    }
    for stored in ending {
        core.stores.tokens.revoke(&Filter::Id(stored.record.id), cx.now).await?;
    }
    Ok(())
}
