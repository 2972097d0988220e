//! The application as it was: customers, their sessions, and pages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use vouchsafe::clock::{Clock as _, SystemClock, Timestamp};
use vouchsafe::entropy::{EntropyError, OsEntropy};
use vouchsafe::secret::{Secret, TokenHash, generate};
use vouchsafe::{Mount, wire};

/// How long a login lasts.
pub(crate) const LOGIN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Behind https both are called `__Host-…` and are `Secure`.
const SESSION_COOKIE: &str = "bakery_session";
const FORM_COOKIE: &str = "bakery_form";

/// The state of the application's handlers.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) bakery: Arc<Bakery>,
    pub(crate) mount: Mount,
}

/// Who is signed in, by the hash of the cookie: who reads this table cannot use it.
#[derive(Debug, Default)]
pub(crate) struct Bakery(Mutex<HashMap<TokenHash, Login>>);

/// One login of one customer.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) customer: &'static Customer,
    /// Its name for the rest of the world. It is never the cookie.
    pub(crate) name: String,
    pub(crate) since: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) id: &'static str,
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    password: &'static str,
}

/// The customers. A shop of its own would keep Argon2id hashes in a database.
static CUSTOMERS: [Customer; 1] =
    [Customer { id: "c-1", email: "alice@example.org", name: "Alice Liddell", password: "wonderland" }];

impl Bakery {
    /// The customer of this id.
    pub(crate) fn customer(id: &str) -> Option<&'static Customer> {
        CUSTOMERS.iter().find(|customer| customer.id == id)
    }

    /// Who is signed in in this browser.
    pub(crate) fn login(&self, headers: &HeaderMap) -> Option<Login> {
        let cookie = wire::cookie(headers, SESSION_COOKIE)?;
        let login = self.logins().get(&TokenHash::of(&cookie)).cloned()?;
        let ended = login.since.plus(LOGIN_LIFETIME).has_passed(SystemClock.now());
        (!ended).then_some(login)
    }

    /// Checks a password and signs in, under a new cookie: whatever the browser brought is over, so that nobody
    /// can have planted it (session fixation).
    pub(crate) fn sign_in(
        &self,
        headers: &HeaderMap,
        email: &str,
        password: &str,
    ) -> Result<Option<(Login, String)>, EntropyError> {
        let right = |customer: &&Customer| {
            customer.email == email && Secret::new(customer.password) == Secret::new(password)
        };
        let Some(customer) = CUSTOMERS.iter().find(right) else { return Ok(None) };
        self.sign_out(headers);
        let (cookie, name) = (generate(&OsEntropy, 256)?, generate(&OsEntropy, 128)?);
        let login = Login { customer, name: name.expose().to_owned(), since: SystemClock.now() };
        self.logins().insert(TokenHash::of(cookie.expose()), login.clone());
        Ok(Some((login, set_cookie(SESSION_COOKIE, cookie.expose()))))
    }

    pub(crate) fn sign_out(&self, headers: &HeaderMap) {
        if let Some(cookie) = wire::cookie(headers, SESSION_COOKIE) {
            self.logins().remove(&TokenHash::of(&cookie));
        }
    }

    fn logins(&self) -> MutexGuard<'_, HashMap<TokenHash, Login>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn home(State(site): State<Site>, headers: HeaderMap) -> Response {
    let body = match site.bakery.login(&headers) {
        Some(login) => format!(
            r#"<p>Good morning, {}.</p>
            <form method="post" action="/logout">{TOKEN}<button type="submit">Sign out</button></form>"#,
            escape(login.customer.name)
        ),
        None => r#"<p><a href="/login">Sign in</a> to order bread.</p>"#.to_owned(),
    };
    page(&headers, "The bakery", &body)
}

pub(crate) async fn logout(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<LogoutForm>,
) -> Response {
    if !is_ours(&headers, &form.form_token) {
        return StatusCode::FORBIDDEN.into_response();
    }
    site.bakery.sign_out(&headers);
    Redirect::to("/").into_response()
}

/// Stands in a page where a form's token goes.
pub(crate) const TOKEN: &str = "<!--token-->";

#[derive(Deserialize)]
pub(crate) struct LogoutForm {
    form_token: String,
}

/// Whether a form was shown by us: its hidden field repeats a cookie of this browser, which no other site can read.
pub(crate) fn is_ours(headers: &HeaderMap, form_token: &str) -> bool {
    wire::cookie(headers, FORM_COOKIE).is_some_and(|cookie| Secret::new(cookie) == Secret::new(form_token))
}

/// A page, each of its forms with a token. `body` is HTML.
pub(crate) fn page(headers: &HeaderMap, title: &str, body: &str) -> Response {
    let known = wire::cookie(headers, FORM_COOKIE).filter(|token| token.len() == 43);
    let Some(token) = known.or_else(|| Some(generate(&OsEntropy, 256).ok()?.expose().to_owned())) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let field = format!(r#"<input type="hidden" name="form_token" value="{}">"#, escape(&token));
    let html = format!(r#"<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>{body}"#);
    ([(SET_COOKIE, set_cookie(FORM_COOKIE, &token))], Html(html.replace(TOKEN, &field))).into_response()
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")
}
