//! Requests in browsers, their answers, and what was pushed before.

use super::{
    Answer, Browser, Code, Consent, DAY, Grant, MINUTE, Model, Party, Person, Place, Pushed, Reason, Request,
    Set, grant_lifetime,
};
use crate::internal::fuzzing::protocol::operation::{Asked, Decision, Nth, Proof};

/// How long a code lives.
const CODE: i64 = MINUTE;

/// How long a browser may come with a reference.
const PUSHED: i64 = MINUTE;

/// How long a request waits in a browser.
const PENDING: i64 = 30 * MINUTE;

/// How long a consent is remembered.
const CONSENT: i64 = 365 * DAY;

impl Model {
    pub(super) fn authorize(&mut self, asked: Asked) -> Result<Option<Answer>, Reason> {
        let Asked { client, scope, resources, key } = asked;
        client.check(scope, resources)?;
        let expires_at = self.now + PENDING;
        let request = Request { client, scope, resources, key, expires_at, asked: None, pushed: None };
        self.requests.push(request);
        Ok(Some(Answer::Waits))
    }

    pub(super) fn authorize_pushed(&mut self, asked: Asked, nth: Nth) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.pushed.len()) else { return Ok(None) };
        self.read()?;
        let Pushed { client, scope, resources, key, open_until, is_taken, .. } = self.pushed[at];
        if is_taken || open_until <= self.now {
            return Err(Reason::PushedRequestUnknown);
        }
        if client != asked.client {
            return Err(Reason::PushedRequestForeign);
        }
        let expires_at = self.now + PENDING;
        let request = Request { client, scope, resources, key, expires_at, asked: None, pushed: Some(at) };
        self.requests.push(request);
        Ok(Some(Answer::Waits))
    }

    pub(super) fn push(&mut self, asked: Asked, proof: Proof) -> Result<Option<Answer>, Reason> {
        let Asked { client, scope, resources, .. } = asked;
        self.note_proof(Place::Push, proof, None);
        let key = self.prove(Place::Push, proof, None)?;
        client.check(scope, resources)?;
        let open_until = self.now + PUSHED;
        let keep_until = open_until + PENDING;
        let pushed = Pushed { client, scope, resources, key, open_until, keep_until, is_taken: false };
        self.write(|_| ())?;
        self.pushed.push(pushed);
        Ok(Some(Answer::Waits))
    }

    pub(super) fn ask(&mut self, nth: Nth, browser: Browser) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.requests.len()) else { return Ok(None) };
        let request = self.requests[at].clone();
        self.check_waits(&request)?;
        self.read()?;
        let consent = self.consents.get(&(browser.person(), request.client));
        let covers = consent.is_some_and(|consent| {
            consent.expires_at > self.now
                && consent.scope.contains(request.scope)
                && consent.resources.contains(request.resources)
        });
        if covers {
            return self.approve(&request, browser, (request.scope, false)).map(Some);
        }
        self.requests[at].asked = Some(browser.person());
        Ok(Some(Answer::Asks))
    }

    pub(super) fn answer(
        &mut self,
        nth: Nth,
        browser: Browser,
        decision: Decision,
    ) -> Result<Option<Answer>, Reason> {
        let Some(at) = nth.of(self.requests.len()) else { return Ok(None) };
        let request = self.requests[at].clone();
        self.check_waits(&request)?;
        if decision == Decision::Deny {
            return Err(Reason::DeniedByUser);
        }
        if request.asked.is_some_and(|asked| asked != browser.person()) {
            return Err(Reason::ApprovalOtherSubject);
        }
        match decision {
            Decision::Approve { scope, remember } => {
                self.approve(&request, browser, (request.scope.and(scope), remember)).map(Some)
            }
            Decision::Deny | Decision::Exceed => Err(Reason::ApprovalExceeds),
        }
    }

    const fn check_waits(&self, request: &Request) -> Result<(), Reason> {
        if request.expires_at <= self.now { Err(Reason::PendingExpired) } else { Ok(()) }
    }

    fn approve(
        &mut self,
        request: &Request,
        browser: Browser,
        (scope, remember): (Set, bool),
    ) -> Result<Answer, Reason> {
        let Request { client, resources, key, .. } = *request;
        if let Some(at) = request.pushed {
            let taken = self.write(|model| model.take(at))?;
            if !taken {
                return Err(Reason::PushedRequestSpent);
            }
        }
        if remember {
            self.remember((browser.person(), client), scope, resources)?;
        }
        let expires_at = self.now + grant_lifetime(client, scope, CODE);
        let grant = Grant {
            scope,
            resources,
            key: key.filter(|_| !client.is_confidential()),
            ..Grant::new(client, Some(browser), (self.now, expires_at))
        };
        let grant = self.write(|model| model.insert_grant(grant))?;
        let expires_at = self.now + CODE;
        if let Err(reason) = self.write(|_| ()) {
            self.grants[grant].is_revoked = true; // nobody will ever have its code
            return Err(reason);
        }
        self.codes.push(Code { client, grant, key, expires_at, is_used: false, is_swept: false });
        Ok(Answer::Code)
    }

    fn take(&mut self, at: usize) -> bool {
        let pushed = &mut self.pushed[at];
        let there = !pushed.is_taken && pushed.keep_until > self.now;
        pushed.is_taken = true;
        there
    }

    /// Consent grows by what is given, and lasts anew.
    pub(super) fn remember(&mut self, of: (Person, Party), scope: Set, resources: Set) -> Result<(), Reason> {
        let now = self.now;
        self.write(|model| {
            let known = model.consents.get(&of).filter(|known| known.expires_at > now).copied();
            let known = known.unwrap_or(Consent { scope: Set::NONE, resources: Set::NONE, expires_at: now });
            let (scope, resources) = (known.scope.or(scope), known.resources.or(resources));
            model.consents.insert(of, Consent { scope, resources, expires_at: now + CONSENT });
        })
    }
}
