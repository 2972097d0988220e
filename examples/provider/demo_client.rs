//! A client to look at a provider with: it asks by every response type and mode, and shows whatever it is sent.
//!
//! It keeps nothing of what it asks, checks nothing and believes nobody, as no other client must do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::HOST as HOST_HEADER;
use http::uri::Authority;
use http::{Method, StatusCode};
use minijinja::{Value, context};
use url::Url;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::secret::generate;
use vouchsafe::types::{Issuer, Params, ResponseMode, ResponseType};
use vouchsafe::wire::{Request, Response, form_post, query_or_form};

use crate::site::pages::{Allowed, Pages};
use crate::site::rim::{Inbound, Outbound};

/// Where a provider leads a browser back to. A host below `localhost` is this machine, and is another site than the
/// provider's own address, as a client is; a token may be sent there, unlike to a loopback address.
const HOST: &str = "demo.localhost";

/// Most logouts that are shown.
const MAX_TOLD: usize = 20;

/// Shows the parameters of a fragment, which no server is sent.
const SCRIPT: &str = "\
const shown = [...new URLSearchParams(location.hash.slice(1))].map(([name, value]) => `${name}\\n${value}\\n`);
if (shown.length) document.getElementById('fragment').textContent = shown.join('\\n');";

struct Demo {
    pages: Pages,
    authorization_endpoint: String,
    redirect_uri: String,
    told: Mutex<VecDeque<String>>,
}

/// The pages of a client of `issuer`, which has the usual paths.
///
/// # Errors
/// What keeps the pages from being made.
pub(crate) fn routes(issuer: &Issuer) -> Result<Router, String> {
    let pages = Pages::new(
        "Demo client",
        [
            ("demo.html", include_str!("templates/demo.html")),
            ("demo_answer.html", include_str!("templates/demo_answer.html")),
        ],
    );
    let demo = Demo {
        pages: pages.map_err(|error| error.to_string())?,
        authorization_endpoint: issuer.endpoint("/authorize"),
        redirect_uri: redirect_uri(issuer).ok_or("--demo-client: the issuer has no host to name")?,
        told: Mutex::default(),
    };
    Ok(Router::new()
        .route("/demo", get(home))
        .route("/demo/callback", get(callback).post(callback))
        .route("/demo/front-channel-logout", get(front_channel_logout))
        .route_layer(from_fn(at_its_own_host))
        // A server calls this, under whatever name it knows of this one, and is shown nothing.
        .route("/demo/back-channel-logout", post(back_channel_logout))
        .with_state(Arc::new(demo)))
}

/// Answers at the client's own host alone: a page at the provider's would be of the provider's origin.
async fn at_its_own_host(request: axum::extract::Request, next: Next) -> axum::response::Response {
    let named = request.headers().get(HOST_HEADER).and_then(|host| host.to_str().ok()?.parse().ok());
    let authority: Option<Authority> = request.uri().authority().cloned().or(named);
    if authority.is_none_or(|authority| !authority.host().eq_ignore_ascii_case(HOST)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

fn redirect_uri(issuer: &Issuer) -> Option<String> {
    let mut url = Url::parse(issuer.as_str()).ok()?;
    url.set_host(Some(HOST)).ok()?;
    url.set_path("/demo/callback");
    Some(url.into())
}

/// A link for each way to ask, once the client is known.
async fn home(State(demo): State<Arc<Demo>>, Inbound(request): Inbound) -> Outbound {
    Outbound(match query_or_form(&request).and_then(|params| demo.home(&params)) {
        Ok(response) => response,
        Err(reason) => demo.refused(reason),
    })
}

async fn callback(State(demo): State<Arc<Demo>>, Inbound(request): Inbound) -> Outbound {
    Outbound(demo.answer(&request).unwrap_or_else(|reason| demo.refused(reason)))
}

async fn back_channel_logout(State(demo): State<Arc<Demo>>, Inbound(request): Inbound) -> Outbound {
    let token =
        form_post(&request).and_then(|form| Ok(form.one("logout_token")?.unwrap_or_default().to_owned()));
    Outbound(match token {
        Ok(token) => {
            demo.hear(format!("back channel: {}", claims(&token)));
            Response::default()
        }
        Err(reason) => demo.refused(reason),
    })
}

async fn front_channel_logout(State(demo): State<Arc<Demo>>, Inbound(request): Inbound) -> Outbound {
    demo.hear(format!("front channel: {}", request.uri().query().unwrap_or_default()));
    Outbound(Response::default())
}

impl Demo {
    fn home(&self, params: &Params) -> Result<Response, Reason> {
        let client_id = params.one("client_id")?.unwrap_or_default();
        let types = ResponseType::ALL.into_iter();
        let ways = if client_id.is_empty() {
            Vec::new()
        } else {
            types.flat_map(modes).map(|way| self.way(client_id, way)).collect::<Result<Vec<_>, _>>()?
        };
        let told: Vec<String> = self.told().iter().cloned().collect();
        let values = context! { client_id, ways, told, redirect_uri => &self.redirect_uri };
        Ok(self.pages.show(StatusCode::OK, "demo.html", values))
    }

    /// One way to ask: its name, and where its link leads.
    fn way(&self, client_id: &str, way: (ResponseType, ResponseMode)) -> Result<Value, Reason> {
        let (response_type, mode) = (way.0.as_str(), way.1.as_str());
        let random = || generate(&OsEntropy, 128).map_err(|_| Reason::InternalFault);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_type", response_type)
            .append_pair("response_mode", mode)
            .append_pair("scope", "openid profile email")
            .append_pair("state", random()?.expose())
            .append_pair("nonce", random()?.expose());
        let href = format!("{}?{}", self.authorization_endpoint, query.finish());
        let id = format!("{response_type} {mode}").replace(' ', "-");
        Ok(context! { id, response_type, mode, href })
    }

    /// What came back: the parameters of a query or a form, and by script those of a fragment.
    fn answer(&self, request: &Request) -> Result<Response, Reason> {
        let params = query_or_form(request)?;
        let said: Vec<Value> = params.iter().map(|(name, value)| context! { name, value }).collect();
        let by = if request.method() == Method::POST { "form_post" } else { "query" };
        let allowed = Allowed { picture: None, script: Some(SCRIPT) };
        let values = context! { by, said, script => SCRIPT };
        Ok(self.pages.show_allowing(&allowed, StatusCode::OK, "demo_answer.html", values))
    }

    fn refused(&self, reason: Reason) -> Response {
        self.pages.rejected(StatusCode::BAD_REQUEST, &reason.description())
    }

    fn hear(&self, what: String) {
        let mut told = self.told();
        told.truncate(MAX_TOLD - 1);
        told.push_front(what);
    }

    fn told(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The modes that a response type may be answered in: a token never in a query.
fn modes(response_type: ResponseType) -> Vec<(ResponseType, ResponseMode)> {
    let all = [ResponseMode::Query, ResponseMode::Fragment, ResponseMode::FormPost];
    let in_query = !response_type.has_front_channel_token();
    let fit = all.into_iter().filter(|mode| in_query || *mode != ResponseMode::Query);
    fit.map(|mode| (response_type, mode)).collect()
}

/// What a JWT says, whoever signed it.
fn claims(token: &str) -> String {
    let claims = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    claims.and_then(|claims| String::from_utf8(claims).ok()).unwrap_or_else(|| "no token".to_owned())
}
