//! The protocol once more, slow and plain: what must come of each operation, without the code that does it.
//!
//! Grants are never removed here, and nothing is encoded, hashed or signed. What is received has the same place in a
//! list here as it has in the [world](super::world), which holds the texts.

mod access;
mod authorization;
mod elsewhere;
mod proof;
mod redemption;

use std::collections::{BTreeMap, BTreeSet};

use self::proof::SentProof;
use super::cast::{Answer, Browser, Key, Kind, Party, Person, Place, Set};
use super::operation::Operation;
use crate::error::Reason;
use crate::types::GrantType;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long it is remembered what became of a code, or of a request elsewhere, from its end on.
const RETENTION: i64 = DAY + 30 * MINUTE;

/// How long the next refresh token may wait, at most.
const IDLE: i64 = 14 * DAY;

/// All that has happened, as far as it matters. Times are seconds since the beginning of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model {
    now: i64,
    grants: Vec<Grant>,
    requests: Vec<Request>,
    pushed: Vec<Pushed>,
    codes: Vec<Code>,
    elsewhere: Vec<Elsewhere>,
    access: Vec<Access>,
    refresh: Vec<Refresh>,
    consents: BTreeMap<(Person, Party), Consent>,
    proof: Option<SentProof>,
    gone: BTreeSet<Person>,
    failure: Option<Failure>,
}

/// Where the store fails in an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Before anything is written.
    AtOnce,
    /// After so many writes the next one is done, or not, and not answered; or what is read after it.
    AtWrite { after: usize, done: bool },
}

/// What somebody allowed, and its refresh tokens.
#[derive(Clone, Debug, PartialEq)]
struct Grant {
    client: Party,
    browser: Option<Browser>,
    scope: Set,
    resources: Set,
    /// The key that all of it is bound to.
    key: Option<Key>,
    created_at: i64,
    expires_at: i64,
    keep_until: i64,
    /// It came with the one token that it has.
    with_token: bool,
    is_revoked: bool,
    is_swept: bool,
    family: Option<Family>,
}

/// The newest refresh token of a grant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Family {
    seq: u64,
    first_used_at: Option<i64>,
    rotated_at: Option<i64>,
    idle_until: i64,
}

/// A request that waits in a browser.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    client: Party,
    scope: Set,
    resources: Set,
    key: Option<Key>,
    expires_at: i64,
    /// Who was asked last.
    asked: Option<Person>,
    pushed: Option<usize>,
}

/// A request that was pushed.
#[derive(Clone, Debug, PartialEq)]
struct Pushed {
    client: Party,
    scope: Set,
    resources: Set,
    key: Option<Key>,
    open_until: i64,
    keep_until: i64,
    is_taken: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Code {
    client: Party,
    grant: usize,
    key: Option<Key>,
    expires_at: i64,
    is_used: bool,
    is_swept: bool,
}

/// A request that is answered elsewhere.
#[derive(Clone, Debug, PartialEq)]
struct Elsewhere {
    kind: Kind,
    client: Party,
    /// Whom it is about, where the client says so.
    person: Option<Person>,
    scope: Set,
    resources: Set,
    expires_at: i64,
    /// Until when the store knows of it.
    keep_until: i64,
    interval: i64,
    polled_at: Option<i64>,
    decided: Decided,
    /// Its client never heard of it.
    is_lost: bool,
    is_swept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    Open,
    Approved(usize),
    Denied,
    Redeemed(usize),
}

/// An access token that was received.
#[derive(Clone, Debug, PartialEq)]
struct Access {
    grant: usize,
    scope: Set,
    audience: Set,
    key: Option<Key>,
    expires_at: i64,
    is_revoked: bool,
}

/// A refresh token that was received.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Refresh {
    grant: usize,
    seq: u64,
    key: Option<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Consent {
    scope: Set,
    resources: Set,
    expires_at: i64,
}

/// A grant as a store shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GrantView {
    pub(super) client: Party,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) with_token: bool,
    pub(super) is_revoked: bool,
    /// `seq`, first use, last rotation, idle limit.
    pub(super) head: Option<(u64, Option<i64>, Option<i64>, i64)>,
}

impl Model {
    /// What the operation comes to; `None` where it concerns something that is not there.
    pub(super) fn apply(&mut self, operation: Operation) -> Option<Answer> {
        let outcome = self.outcome(operation).transpose()?;
        Some(outcome.unwrap_or_else(Answer::Refused))
    }

    fn outcome(&mut self, operation: Operation) -> Result<Option<Answer>, Reason> {
        match operation {
            Operation::Account { person, enabled } => Ok(self.set_account(person, enabled)),
            Operation::Answer { request, browser, decision } => self.answer(request, browser, decision),
            Operation::Ask { request, browser } => self.ask(request, browser),
            Operation::Authorize { asked, pushed: None } => self.authorize(asked),
            Operation::Authorize { asked, pushed: Some(nth) } => self.authorize_pushed(asked, nth),
            Operation::Begin { kind, person, asked } => self.begin(kind, person, asked),
            Operation::ClientCredentials { asked, proof } => self.client_credentials(asked, proof),
            Operation::Clock { by } => Ok(self.move_clock(by)),
            Operation::Decide { request, browser, decision } => self.decide(request, browser, decision),
            Operation::Exchange { token, sent } => self.exchange(token, sent),
            Operation::Fault { .. } | Operation::Node => Ok(Some(Answer::Done)),
            Operation::Introspect { token, sender } => self.introspect(token, sender),
            Operation::LogOut { browser, offline_access } => self.log_out(browser, offline_access),
            Operation::Poll { request, sent } => self.poll(request, sent),
            Operation::Push { asked, proof } => self.push(asked, proof),
            Operation::RedeemCode { code, sent, flaw } => self.redeem_code(code, sent, flaw),
            Operation::Refresh { token, sent } => self.refresh(token, sent),
            Operation::Revoke { token, sender } => self.revoke(token, sender),
            Operation::RevokeGrants { person, client, consent } => {
                self.revoke_grants(person, client, consent)
            }
            Operation::Sweep => Ok(self.sweep()),
            Operation::Userinfo { token, proof } => self.userinfo(token, proof),
        }
    }

    /// The store fails from here on, as this says.
    pub(super) const fn fail(&mut self, failure: Option<Failure>) {
        self.failure = failure;
    }

    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    /// The grants that a store shows, in order.
    pub(super) fn grants(&self) -> Vec<GrantView> {
        let kept = self.grants.iter().filter(|grant| grant.is_kept(self.now));
        let mut views: Vec<_> = kept.map(Grant::view).collect();
        views.sort_unstable();
        views
    }

    /// Which of the access tokens that were received are active.
    pub(super) fn active(&self) -> Vec<bool> {
        self.access.iter().map(|token| self.is_active(token)).collect()
    }

    fn is_active(&self, token: &Access) -> bool {
        !token.is_revoked && token.expires_at > self.now && self.grants[token.grant].is_active(self.now)
    }

    /// Writes, or fails as is planned.
    fn write<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> Result<T, Reason> {
        match &mut self.failure {
            None => Ok(write(self)),
            Some(Failure::AtWrite { after: 0, done }) => {
                if *done {
                    write(self);
                }
                self.failure = None;
                Err(Reason::StoreUnavailable)
            }
            Some(Failure::AtWrite { after, .. }) => {
                *after -= 1;
                Ok(write(self))
            }
            Some(Failure::AtOnce) => Err(Reason::StoreUnavailable),
        }
    }

    /// The first read.
    const fn read(&self) -> Result<(), Reason> {
        match self.failure {
            Some(Failure::AtOnce) => Err(Reason::StoreUnavailable),
            Some(Failure::AtWrite { .. }) | None => Ok(()),
        }
    }

    fn set_account(&mut self, person: Person, enabled: bool) -> Option<Answer> {
        let _changed = if enabled { self.gone.remove(&person) } else { self.gone.insert(person) };
        Some(Answer::Done)
    }

    fn check_person(&self, grant: &Grant, otherwise: Reason) -> Result<(), Reason> {
        match grant.browser {
            Some(browser) if self.gone.contains(&browser.person()) => Err(otherwise),
            _ => Ok(()),
        }
    }

    fn move_clock(&mut self, by: i64) -> Option<Answer> {
        self.now += by;
        Some(Answer::Done)
    }

    fn sweep(&mut self) -> Option<Answer> {
        let now = self.now;
        for token in &mut self.access {
            // The row of a token that brought its grant along is the grant's.
            token.is_revoked |= token.expires_at <= now && !self.grants[token.grant].with_token;
        }
        self.grants.iter_mut().for_each(|grant| grant.is_swept |= grant.keep_until <= now);
        self.codes.iter_mut().for_each(|code| code.is_swept |= code.expires_at + RETENTION <= now);
        self.elsewhere.iter_mut().for_each(|of| of.is_swept |= of.keep_until <= now);
        self.pushed.iter_mut().for_each(|pushed| pushed.is_taken |= pushed.keep_until <= now);
        self.consents.retain(|_, consent| consent.expires_at > now);
        self.proof = self.proof.map(|proof| proof.swept(now));
        Some(Answer::Done)
    }

    fn insert_grant(&mut self, grant: Grant) -> usize {
        self.grants.push(grant);
        self.grants.len() - 1
    }
}

impl Grant {
    fn new(client: Party, browser: Option<Browser>, (now, expires_at): (i64, i64)) -> Self {
        let lasts = browser.and_then(Browser::lasts).map_or(expires_at, |lasts| now + lasts);
        Self {
            client,
            browser,
            scope: Set::NONE,
            resources: Set::NONE,
            key: None,
            created_at: now,
            expires_at,
            keep_until: lasts.max(expires_at),
            with_token: false,
            is_revoked: false,
            is_swept: false,
            family: None,
        }
    }

    const fn is_kept(&self, now: i64) -> bool {
        !self.is_swept && self.keep_until > now
    }

    const fn is_active(&self, now: i64) -> bool {
        self.is_kept(now) && !self.is_revoked && self.expires_at > now
    }

    fn view(&self) -> GrantView {
        let head = self.family.map(|head| (head.seq, head.first_used_at, head.rotated_at, head.idle_until));
        let Self { client, created_at, expires_at, with_token, is_revoked, .. } = *self;
        GrantView { client, created_at, expires_at, with_token, is_revoked, head }
    }

    /// The resources, or the default audience.
    const fn audience(&self) -> Set {
        if self.resources.is_empty() { Set::API } else { self.resources }
    }
}

/// How long an access token for these lives: JWTs are shorter-lived.
const fn lifetime(audience: Set) -> i64 {
    if audience.contains(Set::FILES) { 10 * MINUTE } else { HOUR }
}

/// How long what a person gives lasts: with refresh tokens long, otherwise as long as an access token could.
fn grant_lifetime(client: Party, scope: Set, redeemed_within: i64) -> i64 {
    if !(scope.contains(Set::OFFLINE_ACCESS) && client.allows(&GrantType::RefreshToken)) {
        redeemed_within + DAY
    } else if client.is_confidential() {
        365 * DAY
    } else {
        90 * DAY
    }
}
