//! The login page.

use std::sync::Arc;

use axum::extract::State;
use minijinja::context;
use vouchsafe::error::Reason;
use vouchsafe::provider::{Answer, Denial, LoginNeed, Needs, PendingAuthorization};
use vouchsafe::wire::{Request, Response, form_post, query_or_form};

use super::super::forms::Form;
use super::super::rim::{Inbound, Outbound};
use super::{Login, SignIn, Stop, client, one, with_cookie};

/// The same sentence whichever of the two was wrong.
const WRONG: &str = "The username or the password is wrong.";

/// What the page says when somebody else is signed in than when it was last shown.
const CHANGED: &str = "Another account has been signed in since. Please choose again.";

/// Most bytes that could be a username.
const MAX_USERNAME_BYTES: usize = 255;

/// Shows the login page, unless the request needs no login any more.
pub(super) async fn show(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(visit(&site, &request).await)
}

async fn visit(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = query_or_form(request)?;
    let field = |name| one(&params, name);
    let sealed = field("request")?;
    let pending = site.resume(request, sealed).await?;
    let shown = Shown { request, sealed, pending: &pending };
    if !field("another")?.is_empty() {
        return shown.page(site, Asking::default());
    }
    let login = site.logins.find(request);
    let (needs, _) = site.next(pending.clone(), login.as_ref()).await?;
    let username = pending.request().login_hint.clone().filter(|hint| hint.len() <= MAX_USERNAME_BYTES);
    match needs {
        Needs::Login(LoginNeed::Acr) | Needs::Consent(_) => Ok(site.proceed(pending, login.as_ref()).await),
        Needs::Login(need) => shown.page(site, Asking { username, problem: problem(need), login: None }),
        _ => shown.page(site, Asking { username, problem: None, login }),
    }
}

/// Takes what was entered.
pub(super) async fn submit(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(answer(&site, &request).await)
}

async fn answer(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = form_post(request)?;
    let field = |name| one(&params, name);
    let (sealed, token) = (field("request")?, field("form_token")?);
    site.forms.check(request, token, form(sealed))?;
    let pending = site.resume(request, sealed).await?;
    match field("action")? {
        "cancel" => Ok(site.mount.deny(&pending, Denial::Person).await),
        "continue" => {
            // Who goes on is who was named on the page, whoever has signed in in another tab since.
            let named = field("login")?;
            match site.logins.find(request) {
                Some(login) if login.id.as_str() != named => {
                    let asking = Asking { problem: Some(CHANGED), login: Some(login), ..Asking::default() };
                    Shown { request, sealed, pending: &pending }.page(site, asking)
                }
                login => Ok(site.proceed(pending.answered(Answer::Select), login.as_ref()).await),
            }
        }
        _ => {
            let (username, password) = (field("username")?, field("password")?);
            let Some(subject) = site.users.sign_in(username, password) else {
                let username = Some(username.to_owned()).filter(|name| name.len() <= MAX_USERNAME_BYTES);
                let asking = Asking { username, problem: Some(WRONG), login: None };
                return Shown { request, sealed, pending: &pending }.page(site, asking);
            };
            let begun = site.logins.begin(request, subject);
            let (login, cookie) = begun.map_err(|_| Reason::InternalFault)?;
            Ok(with_cookie(site.proceed(pending, Some(&login)).await, Some(cookie)))
        }
    }
}

/// The request that a page is shown for.
struct Shown<'a> {
    request: &'a Request,
    sealed: &'a str,
    pending: &'a PendingAuthorization,
}

/// What the page says beside its fields.
#[derive(Default)]
struct Asking {
    username: Option<String>,
    problem: Option<&'static str>,
    /// Who may go on without a password.
    login: Option<Login>,
}

impl Shown<'_> {
    fn page(&self, site: &SignIn, asking: Asking) -> Result<Response, Stop> {
        let Asking { username, problem, login } = asking;
        let account = login.as_ref().map(|login| site.account(login));
        let values = context! {
            action => site.logins.address("/login"),
            demo => site.hints.demo.map(|(username, password)| context! { username, password }),
            username, problem, account,
            login => login.as_ref().map(|login| login.id.as_str()),
        };
        let client = client::shown(self.pending.client(), &self.pending.request().ui_locales);
        site.form_page(self.request, form(self.sealed), "login.html", (client, values))
    }
}

const fn form(sealed: &str) -> Form<'_> {
    Form { name: "login", request: sealed, session: "" }
}

const fn problem(need: LoginNeed) -> Option<&'static str> {
    match need {
        LoginNeed::OtherSubject => Some("The application asks for another account than the one signed in."),
        LoginNeed::Requested | LoginNeed::TooOld => Some("Please sign in again to go on."),
        _ => None,
    }
}
