//! A person's visit to the authorization endpoint, page by page.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, Method};

use super::browser::Landing;
use super::outcome::Outcome;
use super::{AuthorizeForm, Harness};
use crate::error::Reason;
use crate::provider::{
    Answer, Approval, Authorize, Denial, Logout, Needs, Next, PendingAuthorization, Provider, Unresumable,
};
use crate::types::{Authentication, Scope, SessionId, Subject};
use crate::wire::{Request, Response};

/// What a visit has come to: the last exchange, and the request if it still waits.
///
/// Every step is an exchange that asserts what [`Harness::exchange`] asserts.
#[must_use]
pub struct Visit<'h> {
    harness: &'h Harness,
    /// The last exchange.
    pub outcome: Outcome,
    pending: Option<PendingAuthorization>,
    needs: Option<Needs>,
}

impl Harness {
    /// The login of a person who has proved just now, by password, who they are. Each has one session.
    ///
    /// # Panics
    /// When the name cannot be a subject.
    #[must_use]
    #[track_caller]
    pub fn login(&self, subject: &str) -> Authentication {
        let session = SessionId::new(format!("session of {subject}")).expect("the name is short");
        Authentication::new(Subject::new(subject).expect("the name is a subject"), self.now())
            .with_amr(["pwd"])
            .with_session(session)
    }

    /// Sends a request to whatever endpoint is at its path, without cookies, while nobody is signed in.
    ///
    /// # Panics
    /// When the endpoint wants a person.
    #[track_caller]
    pub fn answer(&self, request: Request) -> Outcome {
        self.exchange(request, |provider, request| async move {
            match provider.handle(&request).await {
                Authorize::Respond(response) => response,
                Authorize::Interact { pending, .. } => panic!("a person is wanted for {pending:?}"),
                Authorize::VerifyDevice => panic!("the page for devices needs a host"),
                Authorize::LogOut => match provider.logout(&request, None).await {
                    Logout::Respond(response) => response,
                    Logout::Over(ended) => ended.response(),
                    other => panic!("nobody is signed in: {other:?}"),
                },
            }
        })
    }

    /// Asks for the claims of an access token.
    ///
    /// # Panics
    /// When the token cannot stand in a header.
    #[track_caller]
    pub fn userinfo(&self, access_token: &str) -> Outcome {
        let issuer = &self.provider().config().issuer;
        let request = http::Request::get(issuer.endpoint(&self.provider().config().paths.userinfo))
            .header(AUTHORIZATION, format!("Bearer {access_token}"));
        self.answer(request.body(Bytes::new()).expect("the token can stand in a header"))
    }

    /// Opens the authorization endpoint by GET, in the harness's browser.
    #[track_caller]
    pub fn authorize(&self, form: &AuthorizeForm) -> Visit<'_> {
        self.open_authorization(Method::GET, &format!("?{}", form.encode()), "")
    }

    /// Posts the form to the authorization endpoint, and comes back by GET where it says so.
    #[track_caller]
    pub fn authorize_by_post(&self, form: &AuthorizeForm) -> Visit<'_> {
        let visit = self.open_authorization(Method::POST, "", &form.encode());
        let config = self.provider().config();
        let endpoint = config.issuer.endpoint(&config.paths.authorization);
        let query = visit.outcome.header("location").and_then(|location| location.strip_prefix(&endpoint));
        match query.map(str::to_owned) {
            Some(query) => self.open_authorization(Method::GET, &query, ""),
            None => visit,
        }
    }

    /// Opens the authorization endpoint with a query and a body as they are.
    ///
    /// # Panics
    /// When the query cannot stand in a URI.
    #[track_caller]
    pub fn open_authorization(&self, method: Method, query: &str, body: &str) -> Visit<'_> {
        let uri = format!("{}{query}", self.provider().config().paths.authorization);
        let mut request = http::Request::builder()
            .method(method)
            .uri(self.provider().config().issuer.endpoint(&uri))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body.to_owned()))
            .expect("the query can stand in a URI");
        self.browser().send_cookies(&mut request);
        let visit = self.visit(request, |provider, request| async move {
            match provider.handle(&request).await {
                Authorize::Interact { pending, set_cookie } => {
                    let mut response = Response::default();
                    response.headers_mut().extend(set_cookie.map(|cookie| (SET_COOKIE, cookie)));
                    (response, Some(pending), None)
                }
                Authorize::LogOut | Authorize::VerifyDevice => panic!("this needs a host"),
                Authorize::Respond(response) => (response, None, None),
            }
        });
        self.browser().receive_cookies(&visit.outcome.response);
        visit
    }

    /// Asks what a pending request needs.
    #[track_caller]
    pub fn next(&self, pending: PendingAuthorization, login: Option<&Authentication>) -> Visit<'_> {
        self.visit(Request::default(), |provider, _| async move {
            match provider.next(pending, login).await {
                Next::Ask(needs, pending) => (Response::default(), Some(pending), Some(needs)),
                Next::Respond(response) => (response, None, None),
            }
        })
    }

    /// Approves a pending request.
    #[track_caller]
    pub fn approve(&self, pending: PendingAuthorization, approval: Approval) -> Visit<'_> {
        self.visit(Request::default(), |provider, _| async move {
            match provider.approve(pending, approval).await {
                Ok(response) => (response, None, None),
                Err(refused) => (Response::default(), Some(refused.pending), refused.needs),
            }
        })
    }

    /// Resumes a sealed request in the harness's browser, which opens a page.
    #[track_caller]
    pub fn resume(&self, sealed: &str) -> Visit<'_> {
        let mut request = Request::default();
        self.browser().send_cookies(&mut request);
        self.resume_with(sealed, &Method::GET, request.headers())
    }

    /// Resumes a sealed request that came by this method, with the cookies of these headers.
    #[track_caller]
    pub fn resume_with(&self, sealed: &str, method: &Method, headers: &HeaderMap) -> Visit<'_> {
        self.visit(Request::default(), |provider, _| async move {
            match provider.resume(sealed, method, headers).await {
                Ok(pending) => (Response::default(), Some(pending), None),
                Err(Unresumable { response, .. }) => (response, None, None),
            }
        })
    }

    /// The code that `subject`, who has just signed in, gives a request, agreeing to all of it.
    #[track_caller]
    pub fn code(&self, form: &AuthorizeForm, subject: &str) -> String {
        self.authorize(form).approved_by(subject).code()
    }

    #[track_caller]
    fn visit<F>(&self, request: Request, step: impl FnOnce(Provider, Request) -> F) -> Visit<'_>
    where
        F: Future<Output = (Response, Option<PendingAuthorization>, Option<Needs>)>,
    {
        let left = RefCell::new((None, None));
        let outcome = self.exchange(request, |provider, request| {
            let stepping = step(provider, request);
            async {
                let (response, pending, needs) = stepping.await;
                left.replace((pending, needs));
                response
            }
        });
        let (pending, needs) = left.into_inner();
        Visit { harness: self, outcome, pending, needs }
    }
}

impl<'h> Visit<'h> {
    /// The request, which waits for a person.
    ///
    /// # Panics
    /// When it was answered.
    #[must_use]
    #[track_caller]
    pub fn pending(&self) -> &PendingAuthorization {
        self.pending.as_ref().unwrap_or_else(|| panic!("the request was answered: {:?}", self.outcome))
    }

    /// The request is sound: it waits for a person.
    ///
    /// # Panics
    /// When it was answered.
    #[track_caller]
    pub fn waits(&self) {
        let _ = self.pending();
    }

    /// What the request needs.
    ///
    /// # Panics
    /// When it was answered, or not asked.
    #[must_use]
    #[track_caller]
    pub fn needs(&self) -> &Needs {
        self.needs.as_ref().unwrap_or_else(|| panic!("nothing is needed: {:?}", self.outcome))
    }

    /// Asks what the request needs while `login` is signed in.
    #[track_caller]
    pub fn next(&self, login: Option<&Authentication>) -> Self {
        self.harness.next(self.pending().clone(), login)
    }

    /// Answers a need that no login shows.
    #[track_caller]
    pub fn answered(mut self, answer: Answer) -> Self {
        self.pending = Some(self.pending().clone().answered(answer));
        self
    }

    /// `subject`, who has just signed in, agrees to all that was asked.
    #[track_caller]
    pub fn approved_by(&self, subject: &str) -> Self {
        self.approved(Approval::new(self.harness.login(subject), self.pending().request().scope.clone()))
    }

    /// As [`approved_by`](Visit::approved_by), and it is remembered.
    #[track_caller]
    pub fn remembered_by(&self, subject: &str) -> Self {
        let scope = self.pending().request().scope.clone();
        self.approved(Approval::new(self.harness.login(subject), scope).remembered())
    }

    /// `subject`, who has just signed in, agrees to this scope.
    #[track_caller]
    pub fn approved_in_part_by(&self, subject: &str, scope: &str) -> Self {
        let scope = Scope::parse(scope).expect("the scope is sound");
        self.approved(Approval::new(self.harness.login(subject), scope))
    }

    /// Carries out an approval.
    #[track_caller]
    pub fn approved(&self, approval: Approval) -> Self {
        self.harness.approve(self.pending().clone(), approval)
    }

    /// Denies the request.
    #[track_caller]
    pub fn denied(&self, denial: Denial) -> Self {
        let pending = self.pending();
        self.harness.visit(Request::default(), |provider, _| async move {
            (provider.deny(pending, denial).await, None, None)
        })
    }

    /// Seals the request.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    #[track_caller]
    pub fn sealed(&self) -> String {
        super::block_on(self.harness.provider().seal(self.pending())).expect("the request can be sealed")
    }

    /// Seals the request, lets time pass, and resumes it.
    #[track_caller]
    pub fn resumed_after(&self, by: Duration) -> Self {
        let sealed = self.sealed();
        self.harness.advance(by);
        self.harness.resume(&sealed)
    }

    /// Where the response leads.
    #[must_use]
    #[track_caller]
    pub fn landing(&self) -> Landing {
        self.outcome.landing()
    }

    /// The code in the response.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn code(&self) -> String {
        let code = self.landing().params.one("code").ok().flatten().map(str::to_owned);
        code.unwrap_or_else(|| panic!("there is no code: {:?}", self.outcome))
    }

    /// The refusal was shown; nothing was set and nothing stored (`PAGE400` of the attack table).
    #[track_caller]
    pub fn shown(self, reason: Reason) {
        let outcome = self.outcome.shown(reason).unchanged();
        assert_eq!(outcome.header("set-cookie"), None, "a page that refuses sets no cookie");
    }

    /// The refusal was returned; nothing was stored (`REDIR` of the attack table). Gives where it went.
    #[track_caller]
    pub fn returned(self, reason: Reason) -> Landing {
        self.outcome.unchanged().returned(reason)
    }

    /// An approval was refused: one event, nothing stored, and the request still waits.
    #[track_caller]
    pub fn refused(self, reason: Reason) -> Self {
        assert_eq!(super::refusals(&self.outcome.events), [reason]);
        let outcome = self.outcome.unchanged();
        let visit = Self { outcome, ..self };
        assert!(visit.pending.is_some(), "the request still waits");
        visit
    }
}

impl std::fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { outcome, pending, needs, .. } = self;
        f.debug_struct("Visit")
            .field("outcome", outcome)
            .field("pending", pending)
            .field("needs", needs)
            .finish_non_exhaustive()
    }
}
