//! What happens in browsers: requests, answers, logouts.

use std::time::Duration;

use bytes::Bytes;
use http::header::{COOKIE, HeaderValue};
use http::{HeaderMap, Method};

use super::build::redirect_uri;
use super::{Answer, HeldCode, Key, Party, Place, Reason, World, nth};
use crate::internal::fuzzing::protocol::cast::Browser;
use crate::internal::fuzzing::protocol::operation::{Asked, Decision, Nth, Proof};
use crate::provider::{
    Approval, Authorize, Denial, GrantFilter, Logout, Next, OfflineAccess, PendingAuthorization,
};
use crate::testing::{CODE_CHALLENGE, Form, Landing, block_on, dpop_keys};
use crate::types::{Authentication, Scope, SessionId, Subject};
use crate::wire::{Request, Response};

impl World {
    pub(super) fn authorize(&mut self, asked: Asked) -> Result<Option<Answer>, Reason> {
        let form = request_form(asked);
        let form = match asked.key {
            Some(key) => form.set("dpop_jkt", thumbprint(key)),
            None => form,
        };
        self.open(&form)
    }

    pub(super) fn authorize_pushed(&mut self, client: Party, which: Nth) -> Result<Option<Answer>, Reason> {
        let Some(request_uri) = nth(&self.pushed, which) else { return Ok(None) };
        let form = Form::new().set("client_id", client.client_id()).set("request_uri", request_uri);
        self.open(&form)
    }

    pub(super) fn push(&mut self, asked: Asked, proof: Proof) -> Result<Option<Answer>, Reason> {
        let head = self.head(Place::Push, proof, None);
        let params = self.params(asked.client, request_form(asked));
        let pushed = block_on(self.node().push(&head, params));
        let pushed = self.settled(pushed)?;
        self.pushed.push(pushed.request_uri);
        Ok(Some(Answer::Waits))
    }

    fn open(&mut self, form: &Form) -> Result<Option<Answer>, Reason> {
        let uri = self.node().config().issuer.endpoint(&self.node().config().paths.authorization);
        let mut request = http::Request::get(format!("{uri}?{}", form.encode()))
            .body(Bytes::new())
            .expect("a form can stand in a URI");
        *request.headers_mut() = self.cookies();
        match block_on(self.node().authorize(&request)) {
            Authorize::Interact { pending, set_cookie } => {
                if let Some(cookie) = set_cookie {
                    let cookie = cookie.to_str().expect("a cookie is printable");
                    self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
                }
                let sealed = self.sealed(&pending)?;
                self.requests.push(sealed);
                Ok(Some(Answer::Waits))
            }
            // Why is in an event.
            Authorize::Respond(_) => Ok(Some(Answer::Done)),
            Authorize::LogOut | Authorize::VerifyDevice => panic!("the authorization endpoint does neither"),
        }
    }

    pub(super) fn ask(&mut self, which: Nth, browser: Browser) -> Result<Option<Answer>, Reason> {
        let Some(at) = which.of(self.requests.len()) else { return Ok(None) };
        let pending = self.resumed(at)?;
        let (client, key) = asked_by(&pending);
        match block_on(self.node().next(pending, Some(&self.login(browser)))) {
            Next::Ask(_, pending) => {
                self.requests[at] = self.sealed(&pending)?;
                Ok(Some(Answer::Asks))
            }
            Next::Respond(response) => Ok(Some(self.answered(&response, client, key))),
        }
    }

    pub(super) fn answer(
        &mut self,
        which: Nth,
        browser: Browser,
        decision: Decision,
    ) -> Result<Option<Answer>, Reason> {
        let Some(at) = which.of(self.requests.len()) else { return Ok(None) };
        let pending = self.resumed(at)?;
        let (client, key) = asked_by(&pending);
        let Some(approval) = approval(self.login(browser), &pending.request().scope, decision) else {
            let response = block_on(self.node().deny(&pending, Denial::Person));
            return Ok(Some(self.answered(&response, client, key)));
        };
        match block_on(self.node().approve(pending, approval)) {
            Ok(response) => Ok(Some(self.answered(&response, client, key))),
            Err(refused) => Err(refused.reason),
        }
    }

    /// The code of a response; where it has none, an event says why.
    fn answered(&mut self, response: &Response, client: Party, key: Option<Key>) -> Answer {
        let code =
            Landing::of(response).and_then(|landing| landing.params.one("code").ok()?.map(str::to_owned));
        let Some(text) = code else { return Answer::Done };
        self.codes.push(HeldCode { client, key, text });
        Answer::Code
    }

    pub(super) fn log_out(
        &mut self,
        browser: Browser,
        offline_access: bool,
    ) -> Result<Option<Answer>, Reason> {
        let login = self.login(browser);
        if offline_access {
            let session = SessionId::new(browser.session()).expect("the name is short");
            let of = GrantFilter::Session(session);
            self.settled(block_on(self.node().administration().end_sessions(&of, OfflineAccess::Ended)))?;
            return Ok(Some(Answer::Done));
        }
        let uri = self.node().config().issuer.endpoint(&self.node().config().paths.end_session);
        let request: Request = http::Request::get(uri).body(Bytes::new()).expect("the URI is sound");
        let pending = match block_on(self.node().logout(&request, Some(&login))) {
            Logout::Confirm { pending, .. } => pending,
            other => panic!("a person is asked whether to sign out: {other:?}"),
        };
        drop(self.settled(block_on(self.node().carry_out_logout(&pending)))?);
        Ok(Some(Answer::Done))
    }

    /// Somebody who has just signed in.
    pub(super) fn login(&self, browser: Browser) -> Authentication {
        let subject = Subject::new(browser.person().subject()).expect("the name is a subject");
        let session = SessionId::new(browser.session()).expect("the name is short");
        let login = Authentication::new(subject, self.now()).with_session(session);
        match browser.lasts() {
            Some(lasts) => login.with_session_end(self.now().plus(Duration::from_secs(lasts.unsigned_abs()))),
            None => login,
        }
    }

    fn cookies(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.cookie.is_empty() {
            headers.insert(COOKIE, HeaderValue::from_str(&self.cookie).expect("a cookie is printable"));
        }
        headers
    }

    fn sealed(&self, pending: &PendingAuthorization) -> Result<String, Reason> {
        self.settled(block_on(self.node().seal(pending)))
    }

    fn resumed(&self, at: usize) -> Result<PendingAuthorization, Reason> {
        let cookies = self.cookies();
        let resumed = block_on(self.node().resume(&self.requests[at], &Method::GET, &cookies));
        resumed.map_err(|unresumable| unresumable.reason)
    }
}

/// Who made a request, and the key that its code is bound to.
fn asked_by(pending: &PendingAuthorization) -> (Party, Option<Key>) {
    let id = pending.client().id().as_str();
    let client = Party::ALL.into_iter().find(|party| party.client_id() == id).expect("the client is known");
    let thumbprints = [Key::First, Key::Second].map(|key| (key, thumbprint(key)));
    let bound = pending.request().dpop_jkt.map(|jkt| jkt.to_string());
    let key = thumbprints.into_iter().find(|(_, known)| Some(known) == bound.as_ref());
    (client, key.map(|(key, _)| key))
}

/// What a person says to what was asked; `None` is a no.
pub(super) fn approval(login: Authentication, asked: &Scope, decision: Decision) -> Option<Approval> {
    Some(match decision {
        Decision::Approve { scope, remember } => {
            let scope = Scope::parse(&scope.scope()).expect("the scope is sound").intersection(asked);
            let approval = Approval::new(login, scope);
            if remember { approval.remembered() } else { approval }
        }
        Decision::Deny => return None,
        Decision::Exceed => {
            Approval::new(login, asked.union(&Scope::parse("profile").expect("the constant is a scope")))
        }
    })
}

fn request_form(asked: Asked) -> Form {
    let form = Form::new()
        .set("response_type", "code")
        .set("client_id", asked.client.client_id())
        .set("redirect_uri", redirect_uri(asked.client))
        .set("scope", asked.scope.scope())
        .set("code_challenge", CODE_CHALLENGE)
        .set("code_challenge_method", "S256");
    asked.resources.resources().fold(form, |form, resource| form.also("resource", resource))
}

fn thumbprint(key: Key) -> String {
    dpop_keys()[key.index()].public_key().thumbprint()
}
