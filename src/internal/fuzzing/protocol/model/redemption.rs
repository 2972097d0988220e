//! The token endpoint: what is redeemed, and what is issued for it.

use super::{
    Access, Answer, Code, DAY, Family, Grant, IDLE, Key, MINUTE, Model, Party, Place, RETENTION, Reason,
    Refresh, Set, lifetime,
};
use crate::internal::fuzzing::protocol::cast::Tokens;
use crate::internal::fuzzing::protocol::operation::{Asked, Flaw, Held, Nth, Proof, Sent};
use crate::types::GrantType;

/// How long the predecessor of the refresh token of a public client is answered without a key.
const GRACE: i64 = 30;

/// What becomes of a refresh token.
enum Use {
    /// It stays, or the next one takes its place.
    Head { rotates: bool },
    /// The response that was lost is given again.
    Retry,
}

impl Model {
    pub(super) fn redeem_code(&mut self, nth: Nth, sent: Sent, flaw: Flaw) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.codes.len()) else { return Ok(None) };
        let Code { client, grant, key: bound, .. } = self.codes[at];
        self.note_proof(Place::Token, sent.proof, bound);
        let sender = sent.sender.or(client);
        if !sender.allows(&GrantType::AuthorizationCode) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        let key = self.prove(Place::Token, sent.proof, bound)?;
        if bound.is_some() && key.is_none() {
            return Err(Reason::ConfirmationMissing);
        }
        self.consume(at, sender)?;
        let weighed = self.weigh_code((grant, bound), key, flaw).and_then(|()| {
            let resources = self.narrowed_resources(grant, sent.resources)?;
            self.check_person(&self.grants[grant], Reason::SubjectGone).map(|()| resources)
        });
        let resources = self.or_revoke(grant, weighed)?;
        let scope = self.grants[grant].scope;
        self.issue_first(grant, (scope, resources), key).map(Some)
    }

    /// Uses a code up. One that was used before ends its grant.
    fn consume(&mut self, at: usize, sender: Party) -> Result<(), Reason> {
        self.read()?;
        let now = self.now;
        let Code { client, grant, expires_at, is_used, is_swept, .. } = self.codes[at];
        if is_swept || expires_at + RETENTION <= now {
            return Err(Reason::CodeUnknown);
        }
        if client != sender {
            return Err(Reason::CodeForeign);
        }
        if is_used {
            self.write(|model| model.grants[grant].revoke(now))?;
            return Err(Reason::CodeReplayed);
        }
        if expires_at <= now {
            return Err(Reason::CodeExpired);
        }
        self.write(|model| model.codes[at].is_used = true)
    }

    fn weigh_code(
        &self,
        (grant, bound): (usize, Option<Key>),
        key: Option<Key>,
        flaw: Flaw,
    ) -> Result<(), Reason> {
        debug_assert!(grant < self.grants.len(), "a code has a grant");
        if bound.is_some() && bound != key {
            return Err(Reason::ConfirmationMismatch);
        }
        match flaw {
            Flaw::None => Ok(()),
            Flaw::RedirectUri => Err(Reason::CodeRedirectUriMismatch),
            Flaw::VerifierMissing => Err(Reason::PkceVerifierMissing),
            Flaw::VerifierWrong => Err(Reason::PkceMismatch),
        }
    }

    /// What is spent on a request that is refused is good for nothing more.
    pub(super) fn or_revoke<T>(&mut self, grant: usize, weighed: Result<T, Reason>) -> Result<T, Reason> {
        if weighed.is_err() {
            let now = self.now;
            self.write(|model| model.grants[grant].revoke(now))?;
        }
        weighed
    }

    pub(super) fn check_unrevoked(&self, grant: usize) -> Result<(), Reason> {
        let grant = &self.grants[grant];
        if !grant.is_kept(self.now) {
            return Err(Reason::GrantUnknown);
        }
        if grant.is_revoked { Err(Reason::GrantRevoked) } else { Ok(()) }
    }

    pub(super) fn narrowed_resources(&self, grant: usize, asked: Set) -> Result<Set, Reason> {
        let grant = &self.grants[grant];
        match asked.is_empty() {
            true => Ok(grant.audience()),
            false if grant.audience().contains(asked) => Ok(asked),
            false => Err(Reason::ResourceNotGranted),
        }
    }

    /// The first tokens of a grant that a person gave.
    pub(super) fn issue_first(
        &mut self,
        grant: usize,
        (scope, audience): (Set, Set),
        key: Option<Key>,
    ) -> Result<Answer, Reason> {
        let now = self.now;
        let Grant { client, expires_at, key: bound, .. } = self.grants[grant];
        if bound.is_some() && bound != key {
            return Err(Reason::ConfirmationMismatch);
        }
        self.check_unrevoked(grant)?;
        if expires_at <= now {
            return Err(Reason::GrantUnknown);
        }
        let refreshed = scope.contains(Set::OFFLINE_ACCESS) && client.allows(&GrantType::RefreshToken);
        let idle_until = expires_at.min(now + IDLE);
        let family = Family { seq: 0, first_used_at: None, rotated_at: None, idle_until };
        self.write(|model| model.grants[grant].family = Some(family).filter(|_| refreshed))?;
        let refresh_token = refreshed.then(|| {
            let key = key.filter(|_| !client.is_confidential());
            self.receive(Refresh { grant, seq: 0, key })
        });
        Ok(self.received(grant, (scope, audience, key), refresh_token))
    }

    pub(super) fn refresh(&mut self, nth: Nth, sent: Sent) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.refresh.len()) else { return Ok(None) };
        let token = self.refresh[at];
        let Refresh { grant, key: bound, .. } = token;
        self.note_proof(Place::Token, sent.proof, bound);
        let client = self.grants[grant].client;
        let sender = sent.sender.or(client);
        if !sender.allows(&GrantType::RefreshToken) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        let key = self.prove(Place::Token, sent.proof, bound)?;
        self.read()?;
        self.check_family(grant, sender)?;
        match (bound, key) {
            (Some(_), None) => return Err(Reason::ConfirmationMissing),
            (Some(bound), Some(key)) if bound != key => return Err(Reason::ConfirmationMismatch),
            _ => {}
        }
        self.check_person(&self.grants[grant], Reason::SubjectGone)?;
        let used = match self.weigh_refresh(token) {
            Err(Reason::RefreshTokenReplayed) => {
                let now = self.now;
                self.write(|model| model.grants[grant].revoke(now))?;
                return Err(Reason::RefreshTokenReplayed);
            }
            weighed => weighed?,
        };
        let granted = self.grants[grant].scope;
        let scope = if sent.scope.is_empty() { granted } else { sent.scope };
        if !granted.contains(scope) {
            return Err(Reason::ScopeNotGranted);
        }
        let audience = self.narrowed_resources(grant, sent.resources)?;
        if self.grants[grant].key.is_some_and(|bound| Some(bound) != key) {
            return Err(Reason::ConfirmationMismatch);
        }
        let now = self.now;
        let seq = self.write(|model| model.grants[grant].use_refresh_token(&used, now))?;
        let refresh_token = self.receive(Refresh { seq, ..token });
        Ok(Some(self.received(grant, (scope, audience, key), Some(refresh_token))))
    }

    fn check_family(&self, grant: usize, sender: Party) -> Result<(), Reason> {
        let grant = &self.grants[grant];
        if !grant.is_kept(self.now) {
            return Err(Reason::RefreshTokenUnknown);
        }
        if grant.client != sender {
            return Err(Reason::RefreshTokenForeign);
        }
        if grant.is_revoked { Err(Reason::GrantRevoked) } else { Ok(()) }
    }

    /// What a refresh token of a grant that is not revoked is good for.
    fn weigh_refresh(&self, token: Refresh) -> Result<Use, Reason> {
        let grant = &self.grants[token.grant];
        let Some(head) = grant.family else { return Err(Reason::RefreshTokenUnknown) };
        if grant.expires_at <= self.now || head.idle_until <= self.now {
            return Err(Reason::RefreshTokenExpired);
        }
        let unbound = !grant.client.is_confidential() && token.key.is_none();
        if token.seq == head.seq {
            return Ok(Use::Head { rotates: unbound });
        }
        if token.seq > head.seq {
            return Err(Reason::RefreshTokenAhead);
        }
        let lost = token.seq + 1 == head.seq && head.first_used_at.is_none();
        let recent = head.rotated_at.is_some_and(|at| !unbound || self.now <= at + GRACE);
        if lost && recent { Ok(Use::Retry) } else { Err(Reason::RefreshTokenReplayed) }
    }

    /// Whether a refresh token would be answered.
    pub(super) fn is_good(&self, token: Refresh) -> bool {
        self.check_unrevoked(token.grant).is_ok() && self.weigh_refresh(token).is_ok()
    }

    pub(super) fn client_credentials(
        &mut self,
        asked: Asked,
        proof: Proof,
    ) -> Result<Option<Answer>, Reason> {
        let Asked { client, scope, resources, .. } = asked;
        self.note_proof(Place::Token, proof, None);
        if !client.allows(&GrantType::ClientCredentials) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        let key = self.prove(Place::Token, proof, None)?;
        client.check(scope, resources)?;
        let scope = scope.without(Set::PERSONAL);
        let grant = Grant { scope, resources, key, ..Grant::new(client, None, (self.now, i64::MAX)) };
        self.issue_with_grant(grant).map(Some)
    }

    pub(super) fn exchange(&mut self, held: Held, sent: Sent) -> Result<Option<Answer>, Reason> {
        let subject = match held {
            Held::Access(nth) => nth.of(self.access.len()).map(|at| Ok(self.access[at].clone())),
            Held::Refresh(nth) => nth.of(self.refresh.len()).map(|at| Err(self.refresh[at])),
        };
        let Some(subject) = subject else { return Ok(None) };
        let (grant, bound) = match &subject {
            Ok(access) => (access.grant, access.key),
            Err(refresh) => (refresh.grant, refresh.key.or(self.grants[refresh.grant].key)),
        };
        self.note_proof(Place::Token, sent.proof, bound);
        let Grant { client: owner, browser, .. } = self.grants[grant];
        let sender = sent.sender.or(owner);
        if !sender.allows(&GrantType::TokenExchange) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        let key = self.prove(Place::Token, sent.proof, bound)?;
        self.read()?;
        let (scope, audience, ends) = self.verified_subject(subject, sender)?;
        if bound.is_some() && bound != key {
            return Err(Reason::SubjectTokenBound);
        }
        self.check_person(&self.grants[grant], Reason::SubjectTokenGone)?;
        if browser.is_none() && sender != owner {
            return Err(Reason::SubjectTokenOfClient);
        }
        let scope = exchanged_scope(sender, (scope, sent.scope), browser.is_some())?;
        sender.check_resources(sent.resources)?;
        let resources = if sent.resources.is_empty() { audience } else { sent.resources };
        let grant = Grant { scope, resources, key, ..Grant::new(sender, browser, (self.now, ends)) };
        self.issue_with_grant(grant).map(Some)
    }

    /// What a subject token is good for: scope, audience, and its end.
    fn verified_subject(
        &self,
        subject: Result<Access, Refresh>,
        sender: Party,
    ) -> Result<(Set, Set, i64), Reason> {
        match subject {
            Ok(access) if self.is_active(&access) => Ok((access.scope, access.audience, access.expires_at)),
            Ok(_) => Err(Reason::SubjectTokenInvalid),
            Err(refresh) => {
                let grant = &self.grants[refresh.grant];
                if !grant.is_kept(self.now) {
                    return Err(Reason::SubjectTokenInvalid);
                }
                if grant.client != sender {
                    return Err(Reason::SubjectTokenForeign);
                }
                let head = grant.family.ok_or(Reason::SubjectTokenInvalid)?;
                match head.seq == refresh.seq && self.is_good(refresh) {
                    true => Ok((grant.scope, grant.resources, head.idle_until.min(grant.expires_at))),
                    false => Err(Reason::SubjectTokenInvalid),
                }
            }
        }
    }

    /// A token with a grant of its own, which ends with it.
    fn issue_with_grant(&mut self, mut grant: Grant) -> Result<Answer, Reason> {
        let (scope, audience, key) = (grant.scope, grant.audience(), grant.key);
        let lasts = grant.browser.and_then(super::Browser::lasts).map_or(i64::MIN, |lasts| self.now + lasts);
        grant.expires_at = grant.expires_at.min(self.now + lifetime(audience));
        grant.keep_until = grant.expires_at.max(lasts);
        grant.with_token = true;
        let grant = self.write(|model| model.insert_grant(grant))?;
        Ok(self.received(grant, (scope, audience, key), None))
    }

    /// Notes an access token that was received.
    fn received(
        &mut self,
        grant: usize,
        (scope, audience, key): (Set, Set, Option<Key>),
        refresh_token: Option<usize>,
    ) -> Answer {
        let Grant { browser, expires_at, .. } = self.grants[grant];
        let expires_at = expires_at.min(self.now + lifetime(audience));
        let access = Access { grant, scope, audience, key, expires_at, is_revoked: false };
        self.access.push(access);
        let id_token = browser.is_some() && scope.contains(Set::OPENID) && !self.grants[grant].with_token;
        Answer::Tokens(Tokens { scope, expires_in: expires_at - self.now, key, id_token, refresh_token })
    }

    /// The place of a refresh token among those that were received.
    fn receive(&mut self, token: Refresh) -> usize {
        let known = self.refresh.iter().position(|held| held.grant == token.grant && held.seq == token.seq);
        known.unwrap_or_else(|| {
            self.refresh.push(token);
            self.refresh.len() - 1
        })
    }
}

impl Grant {
    /// A grant that is not there any more is none to revoke.
    pub(super) const fn revoke(&mut self, now: i64) {
        self.is_revoked |= self.is_kept(now);
    }

    /// Gives the number of the newest refresh token then.
    fn use_refresh_token(&mut self, used: &Use, now: i64) -> u64 {
        let limit = self.expires_at.min(now + IDLE);
        let Some(head) = &mut self.family else { return 0 };
        match used {
            Use::Retry => {}
            Use::Head { rotates: true } => {
                let seq = head.seq + 1;
                *head = Family { seq, first_used_at: None, rotated_at: Some(now), idle_until: limit };
            }
            Use::Head { rotates: false } => {
                head.first_used_at = head.first_used_at.or(Some(now));
                head.idle_until = limit;
            }
        }
        head.seq
    }
}

/// No more than the subject token permits, and the client may have.
fn exchanged_scope(sender: Party, (permitted, asked): (Set, Set), of_person: bool) -> Result<Set, Reason> {
    if !permitted.contains(asked) {
        return Err(Reason::ScopeNotGranted);
    }
    let asked = if asked.is_empty() { permitted.and(sender.scope()) } else { asked };
    let asked = asked.without(Set::OFFLINE_ACCESS);
    if !sender.scope().contains(asked) {
        return Err(Reason::ScopeNotAllowed);
    }
    Ok(if of_person { asked } else { asked.without(Set::OPENID) })
}

/// A code is remembered for longer than any token of it lives.
const _: () = assert!(RETENTION > DAY && GRACE < MINUTE);
