//! The application around the provider of a node: it signs everybody in who says who they are.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use vouchsafe::adapters::axum::{response, router};
use vouchsafe::clock::{Clock as _, Timestamp};
use vouchsafe::types::SessionId;
use vouchsafe::{
    AccountQuery, Accounts, Approval, Authentication, BoxError, Claims, Denial, Interaction, Mount, Provider,
    Question, Request, Subject, async_trait, wire,
};

use super::faults::Faults;

/// The cookie that says who is signed in, in plain text: whoever comes is a load of tests.
const LOGIN: &str = "chaos_login";

/// What stands in the form of [`login`].
#[derive(Debug, Deserialize)]
struct SignIn {
    request: String,
    subject: String,
    session: String,
}

/// The endpoints of `provider` and the sign-in.
pub(crate) fn routes(provider: Provider, faults: &Faults) -> Router {
    let mount = Mount::new(provider, Arc::new(Host));
    let login = Router::new().route("/login", post(login)).with_state((mount.clone(), faults.clone()));
    router(mount).merge(login)
}

/// Signs in whoever is named, who agrees to everything.
async fn login(
    State((mount, faults)): State<(Mount, Faults)>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<SignIn>,
) -> Response {
    let pending = match mount.resume(&form.request, &Method::POST, &headers).await {
        Ok(pending) => pending,
        Err(refused) => return response(refused),
    };
    let cookie = format!("{}.{}.{}", form.subject, form.session, faults.now().unix());
    let Some(login) = read(&cookie) else {
        return response(mount.deny(&pending, Denial::Login).await);
    };
    let scope = pending.request().scope.clone();
    let mut answer = response(mount.approve(pending, Approval::new(login, scope)).await);
    if let Ok(cookie) = HeaderValue::try_from(format!("{LOGIN}={cookie}; Path=/")) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

/// Who a cookie says is signed in.
fn read(cookie: &str) -> Option<Authentication> {
    let mut parts = cookie.split('.');
    let (subject, session, since) = (parts.next()?, parts.next()?, parts.next()?);
    let since = Timestamp::from_unix(since.parse().ok()?);
    let login = Authentication::new(Subject::new(subject).ok()?, since);
    Some(login.with_session(SessionId::new(session).ok()?))
}

#[derive(Debug)]
pub(crate) struct Host;

#[async_trait]
impl Accounts for Host {
    async fn claims(&self, _: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        Ok(Some(Claims::new()))
    }
}

#[async_trait]
impl Interaction for Host {
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(wire::cookie(request.headers(), LOGIN).and_then(|cookie| read(&cookie)))
    }

    async fn ask(&self, question: Question<'_>) -> Result<vouchsafe::Response, BoxError> {
        Ok(question.redirect("/login"))
    }

    async fn sign_out(&self, _: &Request) -> Result<Vec<HeaderValue>, BoxError> {
        Ok(vec![HeaderValue::from_static("chaos_login=; Path=/; Max-Age=0")])
    }
}
