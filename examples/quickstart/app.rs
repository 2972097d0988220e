//! The application: a home page, a sign-in, and a page that shows what it got.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use minijinja::context;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::error::BoxError;
use vouchsafe::secret::Secret;
use vouchsafe::types::Params;
use vouchsafe::wire::{Request, Response, form_post, query_or_form, reply};

use crate::provider::Registration;
use crate::relying_party::{Callback, Flow, RelyingParty, Tokens};
use crate::site::cookie::Cookie;
use crate::site::forms::{Form, Forms};
use crate::site::pages::Pages;
use crate::site::rim::{Inbound, Outbound};
use crate::site::sessions::Sessions;

/// The name of the application.
pub(crate) const NAME: &str = "Tea Party Planner";

/// The name of the provider, as people know it.
pub(crate) const PROVIDER: &str = "Looking-Glass ID";

/// How long a person may stay at the provider before they must begin again.
const FLOW_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long a session of the application lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Where the application is, and who it is at which provider.
pub(crate) struct Settings {
    pub origin: String,
    pub issuer: String,
    pub registration: Registration,
}

/// The application and its memory.
pub(crate) struct App {
    settings: Settings,
    relying_party: OnceCell<RelyingParty>,
    pages: Pages,
    forms: Forms,
    flow_cookie: Cookie,
    flows: Sessions<Flow>,
    session_cookie: Cookie,
    sessions: Sessions<Arc<Mutex<Account>>>,
}

/// A person who is signed in, with what the application holds for them.
#[derive(Clone)]
struct Account {
    claims: Map<String, Value>,
    id_claims: Map<String, Value>,
    tokens: Tokens,
    live: bool,
}

impl App {
    /// The application; it asks the provider for its metadata when the first person wants to sign in.
    pub(crate) fn new(settings: Settings) -> Result<Self, BoxError> {
        let pages = Pages::new(
            NAME,
            [
                ("cup.html", include_str!("templates/cup.html")),
                ("home.html", include_str!("templates/home.html")),
                ("account.html", include_str!("templates/account.html")),
                ("problem.html", include_str!("templates/problem.html")),
            ],
        )?;
        let secure = settings.origin.starts_with("https:");
        Ok(Self {
            relying_party: OnceCell::new(),
            pages,
            forms: Forms::new("app_form", &settings.origin)?,
            flow_cookie: Cookie::new("app_flow", secure),
            flows: Sessions::new(FLOW_LIFETIME),
            session_cookie: Cookie::new("app_session", secure),
            sessions: Sessions::new(SESSION_LIFETIME),
            settings,
        })
    }

    /// The pages and where they are.
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/", get(home))
            .route("/sign-in", get(sign_in))
            .route("/callback", get(callback))
            .route("/refresh", post(refresh))
            .route("/revoke", post(revoke))
            .route("/sign-out", post(sign_out))
            .with_state(Arc::new(self))
    }

    async fn relying_party(&self) -> Result<&RelyingParty, BoxError> {
        let Settings { origin, issuer, registration } = &self.settings;
        let redirect_uri = format!("{origin}/callback");
        let discover = || RelyingParty::discover(issuer, registration, redirect_uri);
        self.relying_party.get_or_try_init(discover).await
    }

    fn session(&self, request: &Request) -> Option<(Secret, Arc<Mutex<Account>>)> {
        let cookie = self.session_cookie.read(request)?;
        let account = self.sessions.find(&cookie, SystemClock.now())?;
        Some((cookie, account))
    }

    /// The account that a form was posted for, once the form has proved to be ours.
    fn posted(&self, request: &Request) -> Result<(Secret, Arc<Mutex<Account>>), Box<Response>> {
        let forged = || self.problem(StatusCode::FORBIDDEN, "This form is not from this page, or too old.");
        let params = form_post(request).map_err(|_| Box::new(forged()))?;
        let (cookie, account) = self.session(request).ok_or_else(|| Box::new(reply::redirect("/")))?;
        let token = params.one("form_token").ok().flatten().unwrap_or_default();
        match self.forms.check(request, token, form(&cookie)) {
            Ok(()) => Ok((cookie, account)),
            Err(_) => Err(Box::new(forged())),
        }
    }

    fn problem(&self, status: StatusCode, sentence: &str) -> Response {
        self.pages.show(status, "problem.html", context! { sentence })
    }

    /// What the visitor may know of a failure; the rest is for whoever runs the application.
    fn failed(&self, doing: &str, failure: &BoxError) -> Response {
        eprintln!("could not {doing}: {failure}");
        self.problem(
            StatusCode::BAD_GATEWAY,
            "The sign-in service gave an answer that cannot be used. Try again.",
        )
    }
}

async fn home(State(app): State<Arc<App>>, Inbound(request): Inbound) -> Outbound {
    let done =
        query_or_form(&request).ok().and_then(|params| params.one("done").ok().flatten().map(str::to_owned));
    let notice = done.as_deref().and_then(notice);
    let Some((cookie, account)) = app.session(&request) else {
        return Outbound(app.pages.show(
            StatusCode::OK,
            "home.html",
            context! { notice, provider => PROVIDER },
        ));
    };
    let Ok((form_token, set_cookie)) = app.forms.token(&request, form(&cookie)) else {
        return Outbound(app.problem(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment."));
    };
    let account = held(&account).clone();
    let name =
        account.claims.get("given_name").or_else(|| account.claims.get("name")).and_then(Value::as_str);
    let Tokens { access, refresh, id, expires_in, scope, .. } = &account.tokens;
    let expires_in = expires_in.map(|left| left.as_secs());
    let page = context! {
        notice, form_token,
        provider => PROVIDER,
        name => name.unwrap_or("there"),
        claims => rows(&account.claims),
        id_claims => rows(&account.id_claims),
        live => account.live,
        tokens => context! { access, refresh, id, expires_in, scope },
    };
    Outbound(with_cookie(app.pages.show(StatusCode::OK, "account.html", page), set_cookie))
}

async fn sign_in(State(app): State<Arc<App>>) -> Outbound {
    let relying_party = match app.relying_party().await {
        Ok(relying_party) => relying_party,
        Err(failure) => return Outbound(app.failed("reach the provider", &failure)),
    };
    let (url, flow) = relying_party.begin();
    Outbound(match app.flows.begin(flow, SystemClock.now()) {
        Ok(cookie) => with_cookie(reply::redirect(&url), Some(app.flow_cookie.set(&cookie))),
        Err(_) => app.problem(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment."),
    })
}

async fn callback(State(app): State<Arc<App>>, Inbound(request): Inbound) -> Outbound {
    let now = SystemClock.now();
    let flow = app.flow_cookie.read(&request).and_then(|cookie| app.flows.end(&cookie, now));
    let (Some(flow), Ok(params)) = (flow, query_or_form(&request)) else {
        return Outbound(
            app.problem(StatusCode::BAD_REQUEST, "This sign-in was begun elsewhere, or is over."),
        );
    };
    let response = match redeem(&app, flow, &params).await {
        Ok(Some(account)) => begin_session(&app, &request, account),
        Ok(None) => reply::redirect("/?done=denied"),
        Err(failure) => app.failed("finish a sign-in", &failure),
    };
    Outbound(with_cookie(response, Some(app.flow_cookie.clear())))
}

async fn redeem(app: &App, flow: Flow, params: &Params) -> Result<Option<Account>, BoxError> {
    let one = |name| params.one(name).map_err(|_| BoxError::from("the answer has a parameter twice"));
    let callback =
        Callback { code: one("code")?, error: one("error")?, state: one("state")?, iss: one("iss")? };
    let relying_party = app.relying_party().await?;
    let Some((tokens, id_claims)) = relying_party.finish(flow, callback).await? else { return Ok(None) };
    let claims = relying_party.userinfo(&tokens, &id_claims).await?;
    Ok(Some(Account { claims, id_claims, tokens, live: true }))
}

/// Signs the person in under a new cookie; whatever the browser was before is over.
fn begin_session(app: &App, request: &Request, account: Account) -> Response {
    let now = SystemClock.now();
    if let Some(before) = app.session_cookie.read(request) {
        app.sessions.end(&before, now);
    }
    match app.sessions.begin(Arc::new(Mutex::new(account)), now) {
        Ok(cookie) => with_cookie(reply::redirect("/"), Some(app.session_cookie.set(&cookie))),
        Err(_) => app.problem(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment."),
    }
}

async fn refresh(State(app): State<Arc<App>>, Inbound(request): Inbound) -> Outbound {
    let account = match app.posted(&request) {
        Ok((_, account)) => account,
        Err(response) => return Outbound(*response),
    };
    let tokens = held(&account).tokens.clone();
    let renewed = async { app.relying_party().await?.refresh(&tokens).await };
    Outbound(match renewed.await {
        Ok(tokens) => {
            held(&account).tokens = tokens;
            reply::redirect("/?done=refreshed")
        }
        Err(failure) => app.failed("refresh", &failure),
    })
}

async fn revoke(State(app): State<Arc<App>>, Inbound(request): Inbound) -> Outbound {
    let account = match app.posted(&request) {
        Ok((_, account)) => account,
        Err(response) => return Outbound(*response),
    };
    let tokens = held(&account).tokens.clone();
    let revoked = async { app.relying_party().await?.revoke(&tokens).await };
    Outbound(match revoked.await {
        Ok(()) => {
            held(&account).live = false;
            reply::redirect("/?done=revoked")
        }
        Err(failure) => app.failed("revoke", &failure),
    })
}

/// Forgets the person here, hands their tokens back, and leads them to where they can sign out of the provider.
async fn sign_out(State(app): State<Arc<App>>, Inbound(request): Inbound) -> Outbound {
    let (cookie, account) = match app.posted(&request) {
        Ok(posted) => posted,
        Err(response) => return Outbound(*response),
    };
    app.sessions.end(&cookie, SystemClock.now());
    let tokens = held(&account).tokens.clone();
    let revoked = async { app.relying_party().await?.revoke(&tokens).await };
    if let Err(failure) = revoked.await {
        eprintln!("could not revoke at sign-out: {failure}");
    }
    let provider = reply::redirect(&format!("{}/logout", app.settings.issuer));
    Outbound(with_cookie(provider, Some(app.session_cookie.clear())))
}

/// What is held for a person; the lock is for a moment, never across an answer of the provider.
fn held(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

fn form(cookie: &Secret) -> Form<'_> {
    Form { name: "account", request: "", session: cookie.expose() }
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "denied" => Some("You were not signed in: access was denied."),
        "refreshed" => Some("The tokens are new."),
        "revoked" => Some("The tokens are revoked."),
        _ => None,
    }
}

fn rows(claims: &Map<String, Value>) -> Vec<minijinja::Value> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(parts) => {
            parts.values().filter_map(Value::as_str).next().unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    };
    claims.iter().map(|(name, value)| context! { name, value => text(value) }).collect()
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
