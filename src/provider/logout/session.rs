//! What hangs on a login session: the clients that were signed in to, and the grants.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::back_channel::{self, Notice};
use super::pending::{OfflineAccess, PendingLogout};
use crate::error::Result;
use crate::event::EventKind;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::{grants, records};
use crate::store::{Filter, Grant, Page, RevokedGrants, SessionKey, StoredGrant};
use crate::types::{GrantId, Scope, SessionId};

/// Grants that are read at once.
const PAGE_SIZE: u16 = 100;

/// Most times that the grants of a filter are gone through: what is granted meanwhile ends too, but nobody who goes on
/// granting keeps this from its end.
const LOOKS: usize = 3;

/// Pages of one person's grants that are gone through before what was found ends: 1000 grants.
const MAX_PAGES: usize = 10;

/// Sessions that end, as far as clients are concerned.
struct Ending<'a> {
    core: &'a Arc<Core>,
    cx: &'a Context<'a>,
    of: &'a Filter,
    offline_access: OfflineAccess,
    /// Who has been told. It is kept where all grants are one person's; those of a client can be any number.
    told: BTreeSet<Notice>,
    /// The clients whose grants were revoked before: they may be in sessions of their own all the same.
    former: BTreeSet<Notice>,
    revoked: u64,
}

/// What came of a run.
pub(super) struct Ended {
    /// Who was told.
    pub(super) told: BTreeSet<Notice>,
    /// How many grants were revoked, also where it failed halfway.
    pub(super) revoked: u64,
    pub(super) outcome: Result<()>,
}

/// Whether it is the first time that grants are gone through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    First,
    Again,
}

/// What is found at once: a number of pages where the grants are one person's, or else one page.
#[derive(Default)]
struct Found {
    /// Who is told: the clients of every session, also those whose grants are past their limit.
    notices: BTreeSet<Notice>,
    /// The clients whose grants were revoked before.
    former: BTreeSet<Notice>,
    /// The grants that end.
    ending: Vec<GrantId>,
    /// Whether an active grant does not.
    others_stay: bool,
    /// The page that follows.
    next: Option<Page>,
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
    let Ended { told, revoked, outcome } = end_grants(core, cx, &of, pending.offline_access()).await;
    if outcome.is_err() && revoked > 0 {
        emit(EventKind::Revoked);
    }
    outcome?;
    emit(EventKind::SessionEnded);
    Ok(told)
}

/// Tells the clients, then ends the grants, and does both for what is found at once after another. A store that fails
/// halfway has the rest told and ended by another call; were the grants ended first, nobody would know any more whom to
/// tell where the filter names clients.
pub(super) async fn end_grants(
    core: &Arc<Core>,
    cx: &Context<'_>,
    of: &Filter,
    offline_access: OfflineAccess,
) -> Ended {
    let (told, former) = (BTreeSet::new(), BTreeSet::new());
    let mut ending = Ending { core, cx, of, offline_access, told, former, revoked: 0 };
    let outcome = ending.go_on().await;
    Ended { told: ending.told, revoked: ending.revoked, outcome }
}

impl Ending<'_> {
    async fn go_on(&mut self) -> Result<()> {
        let mut look = Look::First;
        for _ in 0..LOOKS {
            if !self.go_through(look).await? {
                break;
            }
            look = Look::Again;
        }
        Ok(())
    }

    /// Goes through the grants, and says whether there may be new ones.
    async fn go_through(&mut self, look: Look) -> Result<bool> {
        let (before, mut page) = (self.revoked, Some(Page::first(PAGE_SIZE)));
        let mut is_first = true;
        while let Some(from) = page {
            let found = self.find(look, from).await?;
            self.tell(&found.notices);
            if is_first && found.next.is_none() && !found.others_stay {
                self.revoke(self.of).await?;
                return Ok(false);
            }
            for id in &found.ending {
                self.revoke(&Filter::Id(*id)).await?;
            }
            (page, is_first) = (found.next, false);
        }
        Ok(self.revoked > before)
    }

    async fn revoke(&mut self, of: &Filter) -> Result<()> {
        Ok(grants::revoke_all(&*self.core.stores.tokens, of, self.cx.now, &mut self.revoked).await?)
    }

    fn tell(&mut self, notices: &BTreeSet<Notice>) {
        let new: Vec<Notice> = notices.difference(&self.told).cloned().collect();
        if is_of_one_person(self.of) {
            self.told.extend(new.iter().cloned());
        }
        back_channel::tell(self.core, self.cx, new);
    }

    async fn find(&mut self, look: Look, from: Page) -> Result<Found> {
        let mut found = Found { next: Some(from), ..Found::default() };
        let revoked = if look == Look::First { revoked_grants(self.of) } else { RevokedGrants::LeftOut };
        let pages = if is_of_one_person(self.of) { MAX_PAGES } else { 1 };
        for _ in 0..pages {
            let Some(page) = found.next.take() else { break };
            let listing = self.core.stores.tokens.grants(self.of, revoked, &page, self.cx.now).await?;
            found.next = page.following(&listing);
            listing.items.iter().for_each(|stored| self.sort(look, stored, &mut found));
        }
        self.remember_former(&mut found);
        Ok(found)
    }

    fn sort(&self, look: Look, stored: &StoredGrant, found: &mut Found) {
        let grant = records::open_grant(self.cx, &stored.record);
        let notice = grant.as_ref().and_then(notice);
        if stored.revoked_at.is_some() {
            return found.former.extend(notice);
        }
        let ends = !outlasts(grant.as_ref(), self.offline_access);
        if ends || look == Look::First {
            found.notices.extend(notice);
        }
        match ends {
            true => found.ending.push(stored.record.id),
            false => found.others_stay |= stored.is_active(self.cx.now),
        }
    }
    /// Adds the clients whose grants were revoked before, in sessions that end now: the one that the filter names, or
    /// those that something else still hangs on, in what was found before too. Others have ended at some time, and were
    /// told of then.
    fn remember_former(&mut self, found: &mut Found) {
        self.former.append(&mut found.former);
        let ends_now: BTreeSet<&SessionId> =
            self.told.iter().chain(&found.notices).map(|told| &told.session).collect();
        let is_named = matches!(self.of, Filter::Session(_));
        let ending = |told: &&Notice| is_named || ends_now.contains(&told.session);
        let former: Vec<Notice> = self.former.iter().filter(ending).cloned().collect();
        found.notices.extend(former);
    }
}

/// Whether all grants of a filter are one person's.
const fn is_of_one_person(of: &Filter) -> bool {
    !matches!(of, Filter::Client(_))
}

/// Whether a listing of what a filter ends must hold revoked grants: where it can show clients that nothing
/// else does.
const fn revoked_grants(of: &Filter) -> RevokedGrants {
    match of {
        Filter::Session(_) | Filter::Subject(_) => RevokedGrants::Included,
        Filter::Client(_) | Filter::Id(_) | Filter::SubjectAndClient(..) => RevokedGrants::LeftOut,
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
