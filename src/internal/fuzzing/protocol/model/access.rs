//! The use of tokens, and their end.

use super::{Answer, Browser, Model, Party, Person, Reason, Set};
use crate::internal::fuzzing::protocol::operation::{Held, Nth, Proof, Sender};

/// Most ways in which the end of a session can be half done.
const MAX_WAYS: usize = 64;

impl Model {
    pub(super) fn introspect(&mut self, held: Held, sender: Sender) -> Result<Option<Answer>, Reason> {
        let Some(grant) = self.grant_of(held) else { return Ok(None) };
        let owner = self.grants[grant].client;
        let caller = sender.or(owner);
        if !caller.is_confidential() {
            return Err(Reason::ClientNotConfidential);
        }
        self.read()?;
        match held {
            Held::Access(nth) => self.describe_access(nth, (caller, owner)),
            Held::Refresh(nth) => self.describe_refresh(nth, (caller, owner)),
        }
    }

    fn describe_access(&self, nth: Nth, (caller, owner): (Party, Party)) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.access.len()) else { return Ok(None) };
        let token = &self.access[at];
        if !self.is_active(token) {
            return Err(Reason::TokenUnknown);
        }
        let serves = caller == Party::Api && token.audience.contains(Set::API);
        if caller != owner && !serves {
            return Err(Reason::TokenForeign);
        }
        let (scope, audience, key, expires_at) = (token.scope, token.audience, token.key, token.expires_at);
        Ok(Some(Answer::Active { scope, audience, key, expires_at }))
    }

    fn describe_refresh(&self, nth: Nth, (caller, owner): (Party, Party)) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.refresh.len()) else { return Ok(None) };
        let token = self.refresh[at];
        let grant = &self.grants[token.grant];
        if !grant.is_kept(self.now) {
            return Err(Reason::TokenUnknown);
        }
        if caller != owner {
            return Err(Reason::TokenForeign);
        }
        let head = grant.family.filter(|_| self.is_good(token)).ok_or(Reason::TokenUnknown)?;
        let expires_at = head.idle_until.min(grant.expires_at);
        let (scope, audience) = (grant.scope, Set::NONE);
        Ok(Some(Answer::Active { scope, audience, key: token.key, expires_at }))
    }

    pub(super) fn userinfo(&mut self, nth: Nth, proof: Proof) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.access.len()) else { return Ok(None) };
        self.read()?;
        let token = self.access[at].clone();
        if !self.is_active(&token) {
            return Err(Reason::AccessTokenInvalid);
        }
        let proved = match proof {
            Proof::AsBound => token.key,
            Proof::Fresh(key) => Some(key),
            Proof::None | Proof::Replayed => None,
        };
        match (token.key, proved) {
            (None, None) => {}
            (Some(_), None) => return Err(Reason::AccessTokenBound),
            (None, Some(_)) => return Err(Reason::AccessTokenUnbound),
            (Some(bound), Some(proved)) if bound != proved => return Err(Reason::AccessTokenKeyMismatch),
            (Some(_), Some(_)) => self.write(|_| ())?,
        }
        let browser = self.grants[token.grant].browser.filter(|_| token.scope.contains(Set::OPENID));
        let person = browser.map(Browser::person).ok_or(Reason::AccessTokenScope)?;
        match self.gone.contains(&person) {
            true => Err(Reason::AccessTokenSubjectGone),
            false => Ok(Some(Answer::Claims(person))),
        }
    }

    pub(super) fn revoke(&mut self, held: Held, sender: Sender) -> Result<Option<Answer>, Reason> {
        let Some(grant) = self.grant_of(held) else { return Ok(None) };
        self.read()?;
        let owner = self.grants[grant].client;
        let there = match held {
            Held::Access(nth) => nth.of(self.access.len()).is_some_and(|at| self.is_active(&self.access[at])),
            Held::Refresh(_) => self.grants[grant].is_kept(self.now),
        };
        if !there {
            return Err(Reason::TokenUnknown);
        }
        if sender.or(owner) != owner {
            return Err(Reason::TokenForeign);
        }
        let now = self.now;
        self.write(|model| match held {
            Held::Access(nth) if !model.grants[grant].with_token => {
                if let Some(at) = nth.of(model.access.len()) {
                    model.access[at].is_revoked = true;
                }
            }
            Held::Access(_) | Held::Refresh(_) => model.grants[grant].revoke(now),
        })?;
        Ok(Some(Answer::Done))
    }

    fn grant_of(&self, held: Held) -> Option<usize> {
        Some(match held {
            Held::Access(nth) => self.access[nth.of(self.access.len())?].grant,
            Held::Refresh(nth) => self.refresh[nth.of(self.refresh.len())?].grant,
        })
    }

    pub(super) fn revoke_grants(
        &mut self,
        person: Option<Person>,
        client: Option<Party>,
        consent: bool,
    ) -> Result<Option<Answer>, Reason> {
        if let (true, Some(person), Some(client)) = (consent, person, client) {
            self.write(|model| model.consents.remove(&(person, client)))?;
        }
        let now = self.now;
        let revoked = self.write(|model| {
            let ending = model.grants.iter_mut().filter(|grant| {
                let by = grant.browser.map(Browser::person);
                let of_person = person.is_none() || by == person;
                of_person && client.is_none_or(|client| grant.client == client)
            });
            ending.map(|grant| grant.end(now)).filter(|ended| *ended).count()
        })?;
        Ok(Some(Answer::Revoked(revoked)))
    }

    pub(super) fn log_out(
        &mut self,
        browser: Browser,
        offline_access: bool,
    ) -> Result<Option<Answer>, Reason> {
        self.read()?;
        let ending = self.ending(browser, offline_access);
        let now = self.now;
        for at in ending {
            self.write(|model| model.grants[at].revoke(now))?;
        }
        Ok(Some(Answer::Done))
    }

    /// Every way in which the end of a session can be half done: its grants end one by one, in whatever order. `None`
    /// where there are too many to tell.
    pub(in crate::internal::fuzzing::protocol) fn half_logged_out(
        &self,
        browser: Browser,
        offline_access: bool,
    ) -> Option<Vec<Self>> {
        let ending = self.ending(browser, offline_access);
        let ways = 1_usize << ending.len();
        (ways <= MAX_WAYS).then(|| {
            let half = |way: usize| {
                let mut model = self.clone();
                let ended = ending.iter().enumerate().filter(|(at, _)| way >> at & 1 == 1);
                ended.for_each(|(_, grant)| model.grants[*grant].revoke(model.now));
                model
            };
            (0..ways).map(half).collect()
        })
    }

    /// The grants that end with a session: all of it, unless one stays that is still good for something.
    pub(super) fn ending(&self, browser: Browser, offline_access: bool) -> Vec<usize> {
        let of_session = |at: &usize| {
            let grant = &self.grants[*at];
            grant.browser == Some(browser) && grant.is_kept(self.now) && !grant.is_revoked
        };
        let all: Vec<usize> = (0..self.grants.len()).filter(of_session).collect();
        let outlasts = |at: &usize| !offline_access && self.grants[*at].scope.contains(Set::OFFLINE_ACCESS);
        let one_stays = all.iter().any(|at| outlasts(at) && self.grants[*at].is_active(self.now));
        all.into_iter().filter(|at| !(one_stays && outlasts(at))).collect()
    }
}

impl super::Grant {
    /// Whether it ends by this.
    const fn end(&mut self, now: i64) -> bool {
        let ends = self.is_kept(now) && !self.is_revoked;
        self.revoke(now);
        ends
    }
}
