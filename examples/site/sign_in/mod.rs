//! The pages between an authorization request and its answer: who are you, and may they have this?
//!
//! The request travels sealed from page to page, so nothing is kept of it here, and no page takes anything of it
//! from anywhere else. Every form carries a token of [`Forms`] for exactly the request that it shows.

mod client;
mod consent;
mod create;
mod device;
mod login;
mod logout;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use minijinja::{Value, context};
use vouchsafe::adapters::axum::router;
use vouchsafe::clock::{Clock as _, SystemClock, Timestamp};
use vouchsafe::entropy::{EntropyError, OsEntropy};
use vouchsafe::error::{BoxError, Reason};
use vouchsafe::provider::{
    Denial, DeviceQuestion, Interaction, LoginNeed, LogoutQuestion, Mount, Needs, Next, PendingAuthorization,
    Provider, Question,
};
use vouchsafe::secret::generate;
use vouchsafe::types::{Authentication, Issuer, Params, SessionId, Subject};
use vouchsafe::wire::{Request, Response};

use self::client::Shown;
use super::cookie::Cookie;
use super::forms::{Forged, Form, Forms};
use super::pages::Pages;
use super::rim::Outbound;
use super::sessions::Sessions;
use super::users::Users;

/// How long a login lasts, used or not.
const LOGIN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What a person is told when a form has no token that fits.
const FORGED: &str = "this form was not shown to this browser, or is too old";

/// What the pages may say beyond what the protocol needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    /// A username and password to show on the login page, where everybody may know them.
    pub(crate) demo: Option<(&'static str, &'static str)>,
    /// The name and address of an application to return to after signing out.
    pub(crate) home: Option<(&'static str, String)>,
}

/// The pages of a sign-in, headed by the name of the service. They are made before the provider, which shows its
/// own refusals on them.
pub(crate) fn pages(service: &str) -> Result<Pages, minijinja::Error> {
    Pages::new(
        service,
        [
            ("client_links.html", include_str!("../templates/client_links.html")),
            ("consent.html", include_str!("../templates/consent.html")),
            ("client_logo.html", include_str!("../templates/client_logo.html")),
            ("create.html", include_str!("../templates/create.html")),
            ("device_answered.html", include_str!("../templates/device_answered.html")),
            ("device_code.html", include_str!("../templates/device_code.html")),
            ("device_consent.html", include_str!("../templates/device_consent.html")),
            ("device_login.html", include_str!("../templates/device_login.html")),
            ("login.html", include_str!("../templates/login.html")),
            ("logout.html", include_str!("../templates/logout.html")),
            ("signed_out.html", include_str!("../templates/signed_out.html")),
        ],
    )
}

/// The endpoints of `provider` and the pages of its sign-in, at the paths that follow from its issuer.
pub(crate) fn routes(
    provider: Provider,
    users: Arc<Users>,
    pages: Arc<Pages>,
    hints: Hints,
) -> Result<Router, EntropyError> {
    let issuer = provider.config().issuer.clone();
    let at = |page: &str| format!("{}{page}", issuer.path());
    let logins = Arc::new(Logins::new(issuer.clone()));
    let host =
        Host { logins: logins.clone(), users: users.clone(), pages: pages.clone(), hints: hints.clone() };
    let mount = Mount::new(provider, Arc::new(host));
    let endpoints = router(mount.clone());
    let forms = Forms::new("op_form", issuer.origin())?;
    let site = SignIn { mount, logins, users, pages, forms, hints };
    let pages = Router::new()
        .route(&at("/login"), get(login::show).post(login::submit))
        .route(&at("/consent"), get(consent::show).post(consent::submit))
        .route(&at("/create"), get(create::show).post(create::submit))
        .route(&at(device::LOGIN), get(device::login).post(device::submit))
        .with_state(Arc::new(site));
    Ok(endpoints.merge(pages))
}

/// What the pages work with.
struct SignIn {
    mount: Mount,
    logins: Arc<Logins>,
    users: Arc<Users>,
    pages: Arc<Pages>,
    forms: Forms,
    hints: Hints,
}

impl SignIn {
    /// The request that a page was asked for with.
    async fn resume(&self, request: &Request, sealed: &str) -> Result<PendingAuthorization, Stop> {
        self.mount.resume(sealed, request.method(), request.headers()).await.map_err(Stop::answered)
    }

    /// What a request still needs of the person, or the answer to it.
    async fn next(
        &self,
        pending: PendingAuthorization,
        login: Option<&Login>,
    ) -> Result<(Needs, PendingAuthorization), Stop> {
        let authentication = login.map(Login::authentication);
        match self.mount.provider().next(pending, authentication.as_ref()).await {
            Next::Ask(needs, pending) => Ok((needs, pending)),
            Next::Respond(response) => Err(Stop::answered(response)),
            _ => Err(Reason::InternalFault.into()),
        }
    }

    /// Goes on with a request: answers it, or leads to the page that asks for what is missing.
    async fn proceed(&self, pending: PendingAuthorization, login: Option<&Login>) -> Response {
        self.mount.proceed(pending, login.map(Login::authentication).as_ref()).await
    }

    /// A page of a client with a form, whose token and cookie come from here.
    fn form_page(
        &self,
        request: &Request,
        form: Form<'_>,
        template: &str,
        (client, values): (Shown, Value),
    ) -> Result<Response, Stop> {
        let (form_token, set_cookie) = self.forms.token(request, form).map_err(|_| Reason::InternalFault)?;
        let page = context! { form_token, request => form.request, client => client.values, ..values };
        let page = self.pages.show_allowing(&client.allowed, StatusCode::OK, template, page);
        Ok(with_cookie(page, set_cookie))
    }

    /// What a page says of the person who is signed in.
    fn account(&self, login: &Login) -> Value {
        account(&self.users, &login.subject)
    }

    /// What a page comes to.
    fn finish(&self, outcome: Result<Response, Stop>) -> Outbound {
        Outbound(match outcome {
            Ok(response) => response,
            Err(Stop::Answered(response)) => *response,
            Err(Stop::Forged) => self.pages.rejected(StatusCode::FORBIDDEN, FORGED),
            Err(Stop::Refused(reason)) => self.mount.provider().refusal_page(reason),
        })
    }
}

/// Why a page ends before its end.
enum Stop {
    /// The request is answered already.
    Answered(Box<Response>),
    /// A form has no token that fits.
    Forged,
    /// What was sent is no good.
    Refused(Reason),
}

impl Stop {
    fn answered(response: Response) -> Self {
        Self::Answered(Box::new(response))
    }
}

impl From<Forged> for Stop {
    fn from(_: Forged) -> Self {
        Self::Forged
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

/// One login of one person in one browser.
#[derive(Clone)]
struct Login {
    /// Its stable name, which tokens hang on. It is no secret, and never the value of the cookie.
    id: SessionId,
    subject: Subject,
    auth_time: Timestamp,
    ends: Timestamp,
}

impl Login {
    fn authentication(&self) -> Authentication {
        Authentication::new(self.subject.clone(), self.auth_time)
            .with_amr(["pwd"])
            .with_session(self.id.clone())
            .with_session_end(self.ends)
    }
}

/// Who is signed in, and where the pages are: what the provider wants to know of its host.
struct Logins {
    issuer: Issuer,
    cookie: Cookie,
    sessions: Sessions<Login>,
}

impl Logins {
    fn new(issuer: Issuer) -> Self {
        let cookie = Cookie::new("op_session", issuer.is_https());
        Self { issuer, cookie, sessions: Sessions::new(LOGIN_LIFETIME) }
    }

    /// The address of a page.
    fn address(&self, page: &str) -> String {
        self.issuer.endpoint(page)
    }

    /// Who is signed in.
    fn find(&self, request: &Request) -> Option<Login> {
        self.sessions.find(&self.cookie.read(request)?, SystemClock.now())
    }

    /// Signs a person in under a new cookie value; what the browser brought is over.
    ///
    /// The login's name stays when the same person proves themselves again.
    fn begin(&self, request: &Request, subject: Subject) -> Result<(Login, HeaderValue), EntropyError> {
        let before = self.end(request);
        let now = SystemClock.now();
        let id = match before.filter(|before| before.subject == subject) {
            Some(before) => before.id,
            None => SessionId::new(generate(&OsEntropy, 128)?.expose()).map_err(|_| EntropyError)?,
        };
        let login = Login { id, subject, auth_time: now, ends: self.sessions.end_of(now) };
        let cookie = self.sessions.begin(login.clone(), now)?;
        Ok((login, self.cookie.set(&cookie)))
    }

    /// Signs the browser's person out.
    fn end(&self, request: &Request) -> Option<Login> {
        self.sessions.end(&self.cookie.read(request)?, SystemClock.now())
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins(..)")
    }
}

/// What the provider asks of its host.
#[derive(Debug)]
struct Host {
    logins: Arc<Logins>,
    users: Arc<Users>,
    pages: Arc<Pages>,
    hints: Hints,
}

#[async_trait]
impl Interaction for Host {
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(self.logins.find(request).map(|login| login.authentication()))
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(match question.needs {
            Needs::Consent(_) => question.redirect(&self.logins.address("/consent")),
            Needs::Create => question.redirect(&self.logins.address("/create")),
            // There is only the one way to sign in here: asking again would never end.
            Needs::Login(LoginNeed::Acr) => question.deny(Denial::Acr).await,
            _ => question.redirect(&self.logins.address("/login")),
        })
    }

    async fn verify_device(&self, question: DeviceQuestion<'_>) -> Result<Response, BoxError> {
        Ok(device::show(self, &question))
    }

    async fn confirm_logout(&self, question: LogoutQuestion<'_>) -> Result<Response, BoxError> {
        Ok(logout::ask(self, &question))
    }

    async fn sign_out(&self, request: &Request) -> Result<Vec<HeaderValue>, BoxError> {
        self.logins.end(request);
        Ok(vec![self.logins.cookie.clear()])
    }

    async fn logged_out(&self) -> Result<Response, BoxError> {
        Ok(logout::signed_out(self))
    }
}

/// What a page says of a person.
fn account(users: &Users, subject: &Subject) -> Value {
    let unknown = || (subject.as_str().to_owned(), "you".to_owned());
    let (username, name) = users.names(subject).unwrap_or_else(unknown);
    let initial = name.chars().next().map(String::from);
    context! { username, name, initial }
}

/// One parameter of a page or form; a missing one reads like an empty one, a repeated one is refused.
fn one<'a>(params: &'a Params, name: &str) -> Result<&'a str, Reason> {
    params.one(name).map(Option::unwrap_or_default)
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
