//! Rules that hold whatever the model says: of all that was answered, and of all that the store holds.

use std::collections::{BTreeMap, BTreeSet};

use super::cast::{Answer, Browser, Set};
use super::operation::{Held, Operation};
use super::world::World;
use crate::provider::GrantFilter;
use crate::secret::TokenHash;
use crate::store::{Page, StoredGrant, TokenRecord, TokenStore as _};
use crate::testing::block_on;
use crate::types::{GrantId, Scope, SessionId};

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct History {
    grants: BTreeMap<GrantId, Seen>,
    /// Of each access token that was received the grant, once it was seen in the store.
    tokens: Vec<Option<GrantId>>,
    /// The access tokens that may be gone: somebody tried to give them back, or they had expired at some time, though
    /// the clock has been set back since.
    over: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    seq: Option<u64>,
    is_revoked: bool,
}

impl History {
    /// Checks what a store holds after an operation.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(super) fn check(
        &mut self,
        world: &World,
        (operation, answer): (Operation, Option<&Answer>),
        grants: &[StoredGrant],
    ) -> Result<(), String> {
        if let Operation::Revoke { token: Held::Access(nth), .. } = operation {
            self.over.extend(nth.of(world.access.len()));
        }
        let tokens = world.access.iter().enumerate();
        let expired = tokens.filter(|(_, token)| token.expires_at.has_passed(world.now()));
        self.over.extend(expired.map(|(at, _)| at));
        self.check_grants(grants)?;
        let rows = rows(world);
        self.check_new_tokens(world, &rows)?;
        self.check_rows(world, &rows, grants)?;
        self.check_redemptions(world, &rows)?;
        check_proofs(world)?;
        match (operation, answer) {
            (Operation::LogOut { browser, offline_access }, Some(Answer::Done)) => {
                check_session(world, browser, offline_access)
            }
            _ => Ok(()),
        }
    }

    /// Numbers of refresh tokens grow by one at most, and what is revoked stays revoked.
    fn check_grants(&mut self, grants: &[StoredGrant]) -> Result<(), String> {
        for stored in grants {
            let id = stored.record.id;
            let seq = stored.head.as_ref().map(|head| head.seq);
            let now = Seen { seq, is_revoked: stored.revoked_at.is_some() };
            let Some(before) = self.grants.insert(id, now) else { continue };
            let grown = match (before.seq, now.seq) {
                (None, None | Some(0)) => true,
                (Some(before), Some(now)) => now == before || now == before + 1,
                (None, Some(_)) | (Some(_), None) => false,
            };
            if !grown || (before.is_revoked && !now.is_revoked) {
                return Err(format!("grant {id} went from {before:?} to {now:?}"));
            }
        }
        Ok(())
    }

    /// A token permits no more than its grant, and is there when it is received.
    fn check_new_tokens(&mut self, world: &World, rows: &[Option<TokenRecord>]) -> Result<(), String> {
        for (at, row) in rows.iter().enumerate().skip(self.tokens.len()) {
            let grant = row.as_ref().map(|row| row.grant);
            self.tokens.push(grant);
            let Some(id) = grant else { return Err(format!("token {at} was received and is not there")) };
            let listed =
                block_on(world.node().administration().grants(&GrantFilter::Id(id), &Page::first(1)));
            let listed = listed.map_err(|error| format!("grant {id} cannot be listed: {error}"))?;
            let granted = listed.items.first().map(|live| Set::of_scope(live.grant.scope.as_str()));
            if !granted.is_some_and(|granted| granted.contains(world.access[at].scope)) {
                return Err(format!("token {at} permits more than its grant {id}"));
            }
        }
        Ok(())
    }

    /// An active token is of a live grant and of its client, and ends with it. One that is not has expired, or it or
    /// its grant was ended.
    fn check_rows(
        &self,
        world: &World,
        rows: &[Option<TokenRecord>],
        grants: &[StoredGrant],
    ) -> Result<(), String> {
        let now = world.now();
        for (at, row) in rows.iter().enumerate() {
            let of_grant = grants.iter().find(|stored| Some(stored.record.id) == self.tokens[at]);
            let live = of_grant.filter(|stored| stored.is_active(now));
            let sound = match (row, live) {
                (None, None) => true,
                (None, Some(_)) => self.over.contains(&at),
                (Some(_), None) => false,
                (Some(row), Some(grant)) => {
                    row.client == grant.record.client
                        && row.client.as_str() == world.access[at].client.client_id()
                        && row.expires_at <= grant.record.expires_at
                }
            };
            if !sound {
                return Err(format!("token {at} is {row:?} under {of_grant:?}"));
            }
        }
        Ok(())
    }

    /// What can be redeemed once is, and once it was sent again nothing that it brought is active.
    fn check_redemptions(&self, world: &World, rows: &[Option<TokenRecord>]) -> Result<(), String> {
        for (at, redemption) in world.redemptions.iter().enumerate() {
            if redemption.tokens.len() > 1 {
                return Err(format!("redemption {at} brought tokens {:?}", redemption.tokens));
            }
            let grant = redemption.tokens.first().and_then(|token| self.tokens[*token]);
            let active = |row: &TokenRecord| Some(row.grant) == grant;
            if redemption.is_replayed && rows.iter().flatten().any(active) {
                return Err(format!("redemption {at} was replayed, and tokens of it are active"));
            }
        }
        Ok(())
    }
}

/// The rows of all access tokens that were received; `None` where a token is not active.
fn rows(world: &World) -> Vec<Option<TokenRecord>> {
    let row = |key: TokenHash| block_on(world.store.access_token(&key, world.now()));
    world.access.iter().map(|token| row(token.row()).expect("a store in memory answers")).collect()
}

/// No proof is accepted twice.
fn check_proofs(world: &World) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match world.accepted_proofs.iter().position(|proof| !seen.insert(proof)) {
        Some(at) => Err(format!("proof {at} was accepted before")),
        None => Ok(()),
    }
}

/// Nothing of a session that has ended is good for anything but what was meant to outlast it.
fn check_session(world: &World, browser: Browser, offline_access: bool) -> Result<(), String> {
    let session = SessionId::new(browser.session()).expect("the name is short");
    let listed =
        block_on(world.node().administration().grants(&GrantFilter::Session(session), &Page::first(1000)));
    let listed = listed.map_err(|error| format!("the session cannot be listed: {error}"))?;
    let outlasts = |scope: &Scope| !offline_access && scope.contains(Scope::OFFLINE_ACCESS);
    match listed.items.iter().find(|live| !outlasts(&live.grant.scope)) {
        Some(live) => Err(format!("grant {} outlasts its session", live.grant.id)),
        None => Ok(()),
    }
}
