//! Requests that a person answers elsewhere than in the client's browser.

use super::{
    Answer, Browser, Decided, Elsewhere, Grant, HOUR, Kind, MINUTE, Model, Person, Place, RETENTION, Reason,
    Set, grant_lifetime,
};
use crate::internal::fuzzing::protocol::operation::{Asked, Decision, Nth, Sent};
use crate::types::GrantType;

/// How long a request is remembered after its end that nobody agreed to.
const SHORT_RETENTION: i64 = 5 * MINUTE;

/// How long a client leaves between two polls at first, and by how much longer after each that came too early.
const INTERVAL: i64 = 5;
const SLOW_DOWN: i64 = 5;

/// The longest that it is told to leave.
const MAX_INTERVAL: i64 = HOUR;

impl Kind {
    const fn lifetime(self) -> i64 {
        match self {
            Self::Backchannel => 5 * MINUTE,
            Self::Device => 10 * MINUTE,
        }
    }
}

impl Model {
    pub(super) fn begin(
        &mut self,
        kind: Kind,
        person: Person,
        asked: Asked,
    ) -> Result<Option<Answer>, Reason> {
        let Asked { client, resources, .. } = asked;
        if !client.allows(&kind.grant_type()) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        client.check(asked.scope, Set::NONE)?;
        client.check_resources(resources)?;
        let person = Some(person).filter(|_| kind == Kind::Backchannel);
        if person.is_some() && !asked.scope.contains(Set::OPENID) {
            return Err(Reason::BackchannelScope);
        }
        let can_refresh = client.allows(&GrantType::RefreshToken);
        let scope = if can_refresh { asked.scope } else { asked.scope.without(Set::OFFLINE_ACCESS) };
        if person.is_some_and(|person| self.gone.contains(&person)) {
            return Err(Reason::BackchannelUserUnknown);
        }
        // One request of a client waits for a person at most.
        let crowded = self.elsewhere.iter().any(|other| {
            person.is_some() && other.person == person && other.client == client && other.waits(self.now)
        });
        self.read()?;
        if crowded {
            return Err(Reason::BackchannelCrowded);
        }
        let waiting = Elsewhere {
            kind,
            client,
            person,
            scope,
            resources,
            expires_at: self.now + kind.lifetime(),
            keep_until: self.now + kind.lifetime() + SHORT_RETENTION,
            interval: INTERVAL,
            polled_at: None,
            decided: Decided::Open,
            is_lost: true,
            is_swept: false,
        };
        let at = self.elsewhere.len();
        self.write(|model| model.elsewhere.push(waiting))?;
        self.elsewhere[at].is_lost = false;
        Ok(Some(Answer::Waits))
    }

    pub(super) fn decide(
        &mut self,
        nth: Nth,
        browser: Browser,
        decision: Decision,
    ) -> Result<Option<Answer>, Reason> {
        let Some(at) = self.nth_elsewhere(nth) else { return Ok(None) };
        self.read()?;
        let waiting = self.elsewhere[at].clone();
        if !waiting.waits(self.now) {
            return Err(match waiting.kind {
                Kind::Backchannel => Reason::DeferredAnswered,
                Kind::Device => Reason::UserCodeUnknown,
            });
        }
        if decision == Decision::Deny {
            self.write(|model| model.elsewhere[at].decided = Decided::Denied)?;
            return Err(Reason::DeniedByUser);
        }
        if waiting.person.is_some_and(|person| person != browser.person()) {
            return Err(Reason::ApprovalOtherSubject);
        }
        let Decision::Approve { scope, remember } = decision else { return Err(Reason::ApprovalExceeds) };
        let agreed = waiting.scope.and(scope);
        if self.gone.contains(&browser.person()) {
            return Err(Reason::ApprovalSubjectGone);
        }
        let done = self.approve_elsewhere(at, browser, agreed)?;
        if remember {
            // The answer stands, whatever becomes of the memory of it.
            let _ = self.remember((browser.person(), waiting.client), agreed, waiting.resources);
        }
        Ok(Some(done))
    }

    fn approve_elsewhere(&mut self, at: usize, browser: Browser, scope: Set) -> Result<Answer, Reason> {
        let Elsewhere { client, resources, expires_at, .. } = self.elsewhere[at];
        let expires_at = self.now + grant_lifetime(client, scope, expires_at - self.now);
        let grant = Grant { scope, resources, ..Grant::new(client, Some(browser), (self.now, expires_at)) };
        let grant = self.write(|model| model.insert_grant(grant))?;
        let decided = self.write(|model| {
            let approved = &mut model.elsewhere[at];
            approved.decided = Decided::Approved(grant);
            approved.keep_until = approved.expires_at + RETENTION;
        });
        if decided.is_err() {
            self.grants[grant].is_revoked = true; // whatever became of the decision, it leads to nothing
        }
        decided.map(|()| Answer::Done)
    }

    pub(super) fn poll(&mut self, nth: Nth, sent: Sent) -> Result<Option<Answer>, Reason> {
        let Some(at) = self.nth_elsewhere(nth) else { return Ok(None) };
        self.note_proof(Place::Token, sent.proof, None);
        let sender = sent.sender.or(self.elsewhere[at].client);
        if !sender.allows(&self.elsewhere[at].kind.grant_type()) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        let key = self.prove(Place::Token, sent.proof, None)?;
        let (now, is_owner) = (self.now, sender == self.elsewhere[at].client);
        let polled = self.write(|model| model.elsewhere[at].poll(is_owner, now))?;
        let grant = match polled {
            Ok(grant) => grant,
            Err((reason, revoked)) => {
                if let Some(grant) = revoked {
                    self.write(|model| model.grants[grant].revoke(now))?;
                }
                return Err(reason);
            }
        };
        let refused = self.check_unrevoked(grant).and_then(|()| {
            let resources = self.narrowed_resources(grant, sent.resources)?;
            self.check_person(&self.grants[grant], Reason::SubjectGone).map(|()| resources)
        });
        let resources = self.or_revoke(grant, refused)?;
        let scope = self.grants[grant].scope;
        self.issue_first(grant, (scope, resources), key).map(Some)
    }

    fn nth_elsewhere(&self, nth: Nth) -> Option<usize> {
        let known: Vec<_> = (0..self.elsewhere.len()).filter(|at| !self.elsewhere[*at].is_lost).collect();
        Some(known[nth.of(known.len())?])
    }
}

impl Elsewhere {
    fn waits(&self, now: i64) -> bool {
        self.decided == Decided::Open && self.expires_at > now && !self.is_swept
    }

    /// The grant that was approved, once; otherwise why there is none, and the grant that ends with that.
    fn poll(&mut self, is_owner: bool, now: i64) -> Result<usize, (Reason, Option<usize>)> {
        if self.is_swept || self.keep_until <= now {
            return Err((Reason::DeferredUnknown, None));
        }
        if !is_owner {
            return Err((Reason::DeferredForeign, None));
        }
        match self.decided {
            Decided::Redeemed(grant) => return Err((Reason::DeferredReplayed, Some(grant))),
            Decided::Denied => return Err((Reason::DeferredDenied, None)),
            Decided::Open | Decided::Approved(_) if self.expires_at <= now => {
                return Err((Reason::DeferredExpired, None));
            }
            Decided::Approved(grant) => {
                self.decided = Decided::Redeemed(grant);
                return Ok(grant);
            }
            Decided::Open => {}
        }
        let early = self.polled_at.is_some_and(|last| now < last + self.interval);
        self.polled_at = Some(now);
        if !early {
            return Err((Reason::DeferredPending, None));
        }
        self.interval = (self.interval + SLOW_DOWN).min(MAX_INTERVAL);
        Err((Reason::DeferredTooEarly, None))
    }
}
