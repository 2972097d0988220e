//! What the provider adds to the application: what may be said of its users, who is signed in, and consent.

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use vouchsafe::adapters::axum::response;
use vouchsafe::provider::{LoginNeed, PendingAuthorization};
use vouchsafe::{
    AccountQuery, Accounts, Approval, Authentication, BoxError, Claims, Denial, Interaction, Needs, Question,
    Request, SessionId, Subject, async_trait, wire,
};

use crate::bakery::{Bakery, LOGIN_LIFETIME, Login, Site, TOKEN, escape, is_ours, page};

#[async_trait]
impl Accounts for Bakery {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        let customer = Self::customer(query.subject.as_str());
        Ok(customer.map(|customer| {
            let claims = Claims::new().with("name", customer.name);
            claims.with("email", customer.email).with("email_verified", true)
        }))
    }
}

#[async_trait]
impl Interaction for Bakery {
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
        self.login(request.headers()).as_ref().map(authentication).transpose()
    }

    async fn ask(&self, question: Question<'_>) -> Result<wire::Response, BoxError> {
        Ok(match question.needs {
            // There is only one way to sign in here, so asking again would not help.
            Needs::Login(LoginNeed::Acr) => question.deny(Denial::Acr).await,
            Needs::Consent(_) => question.redirect("/consent"),
            _ => question.redirect("/login"),
        })
    }
}

fn authentication(login: &Login) -> Result<Authentication, BoxError> {
    Ok(Authentication::new(Subject::new(login.customer.id)?, login.since)
        .with_amr(["pwd"])
        .with_session(SessionId::new(&*login.name)?)
        .with_session_end(login.since.plus(LOGIN_LIFETIME)))
}

/// The parameters of a page: the sealed authorization request that it is for, or nothing.
#[derive(Deserialize)]
pub(crate) struct For {
    request: Option<String>,
}

pub(crate) async fn login_page(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(query): Query<For>,
) -> Response {
    // A request that cannot go on is refused before anybody enters a password for it.
    if let Some(sealed) = &query.request
        && let Err(refusal) = site.mount.resume(sealed, &Method::GET, &headers).await
    {
        return response(refusal);
    }
    login_form(&headers, query.request.as_deref(), "")
}

fn login_form(headers: &HeaderMap, sealed: Option<&str>, problem: &str) -> Response {
    let request = sealed.map(hidden).unwrap_or_default();
    let form = format!(
        r#"<form method="post" action="/login">{TOKEN}{request}
        <p>{problem}</p>
        <p><label>E-mail <input name="email" type="email" autocomplete="username" required></label></p>
        <p><label>Password <input name="password" type="password" required></label></p>
        <button type="submit" id="login-submit">Sign in</button></form>"#
    );
    page(headers, "Sign in", &form)
}

#[derive(Deserialize)]
pub(crate) struct LoginForm {
    form_token: String,
    request: Option<String>,
    email: String,
    password: String,
}

pub(crate) async fn login(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Response {
    if !is_ours(&headers, &form.form_token) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (login, cookie) = match site.bakery.sign_in(&headers, &form.email, &form.password) {
        Ok(Some(signed_in)) => signed_in,
        Ok(None) => {
            return login_form(&headers, form.request.as_deref(), "That is not right. Try again.");
        }
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let next = match &form.request {
        None => Redirect::to("/").into_response(),
        Some(sealed) => go_on(&site, &headers, sealed, &login).await,
    };
    ([(SET_COOKIE, cookie)], next).into_response()
}

/// Goes on with the authorization request for which somebody has signed in.
async fn go_on(site: &Site, headers: &HeaderMap, sealed: &str, login: &Login) -> Response {
    let Ok(authentication) = authentication(login) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    response(match site.mount.resume(sealed, &Method::POST, headers).await {
        Ok(pending) => site.mount.proceed(pending, Some(&authentication)).await,
        Err(refusal) => refusal,
    })
}

pub(crate) async fn consent_page(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(query): Query<For>,
) -> Response {
    let sealed = query.request.unwrap_or_default();
    let pending = match site.mount.resume(&sealed, &Method::GET, &headers).await {
        Ok(pending) => pending,
        Err(refusal) => return response(refusal),
    };
    match site.bakery.login(&headers) {
        Some(login) => page(&headers, "May they?", &consent_form(&sealed, &pending, &login)),
        None => login_form(&headers, Some(&sealed), ""),
    }
}

/// Shows who asks, for what, from whom, and where the answer goes.
fn consent_form(sealed: &str, pending: &PendingAuthorization, login: &Login) -> String {
    let client = pending.client();
    let name = client.metadata().client_name.as_deref().unwrap_or(client.id().as_str());
    let scope: String =
        pending.request().scope.iter().map(|token| format!("<li>{}", escape(token))).collect();
    format!(
        r#"<p>{}, <b>{}</b> asks for:</p><ul>{scope}</ul><p>You will be sent to {}.</p>
        <form method="post" action="/consent">{TOKEN}{}
        <input type="hidden" name="account" value="{}">
        <button type="submit" name="answer" value="allow" id="consent-allow">Allow</button>
        <button type="submit" name="answer" value="deny" id="consent-deny">Deny</button></form>"#,
        escape(login.customer.name),
        escape(name),
        escape(pending.redirect_uri().as_str()),
        hidden(sealed),
        escape(login.customer.id),
    )
}

#[derive(Deserialize)]
pub(crate) struct ConsentForm {
    form_token: String,
    request: String,
    account: String,
    answer: String,
}

pub(crate) async fn consent(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<ConsentForm>,
) -> Response {
    // Who agrees is who was asked: somebody else may have signed in in another tab meanwhile.
    let login = site.bakery.login(&headers).filter(|login| login.customer.id == form.account);
    let (Some(login), true) = (login, is_ours(&headers, &form.form_token)) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let pending = match site.mount.resume(&form.request, &Method::POST, &headers).await {
        Ok(pending) => pending,
        Err(refusal) => return response(refusal),
    };
    let Ok(authentication) = authentication(&login) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // What is granted is the scope of the sealed request, which is what the page has shown.
    let scope = pending.request().scope.clone();
    response(match form.answer.as_str() {
        "allow" => site.mount.approve(pending, Approval::new(authentication, scope).remembered()).await,
        _ => site.mount.deny(&pending, Denial::Person).await,
    })
}

fn hidden(sealed: &str) -> String {
    format!(r#"<input type="hidden" name="request" value="{}">"#, escape(sealed))
}
