//! What the one who runs the server may ask of it: by plain http on an address of its own, and by signal.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::json;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::jose::{KeyRotation, KeySourceError, Keyring, SigningAlg};
use vouchsafe::provider::{InitialTokenUses, Provider};
use vouchsafe::types::Params;

use crate::ciba::Asked;
use crate::options::{Options, RegisteredBy};
use crate::site::rim::Inbound;
use crate::site::serve;

/// How long an initial access token is good.
const INITIAL_ACCESS_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// What the calls work on.
#[derive(Clone)]
pub(crate) struct Admin {
    pub provider: Provider,
    pub rotating: Rotating,
    pub registered_by: RegisteredBy,
    /// `None` where nobody asks for people who are elsewhere.
    pub asked: Option<Arc<Asked>>,
}

/// The signing keys, and what changes them.
#[derive(Clone)]
pub(crate) struct Rotating {
    pub keyring: Keyring,
    pub rotation: KeyRotation,
    pub algorithms: &'static [SigningAlg],
}

/// Takes the address, which must be this machine's own unless a flag says otherwise: nobody is asked who they are.
///
/// # Errors
/// One sentence that names the flag.
pub(crate) fn listen(address: SocketAddr, options: &Options) -> Result<(TcpListener, SocketAddr), String> {
    if !address.ip().is_loopback() && !options.dangerous_admin_beyond_loopback {
        return Err(format!(
            "--admin-listen {address} is no loopback address: whoever reaches it could rotate the keys"
        ));
    }
    serve::listen(address, "--admin-listen")
}

impl Admin {
    /// The calls, none of which a browser makes.
    pub(crate) fn routes(self) -> Router {
        let mut calls = Router::new().route("/admin/rotate-keys", post(rotate_keys));
        if self.registered_by == RegisteredBy::Token {
            calls = calls.route("/admin/initial-access-token", post(initial_access_token));
        }
        if self.asked.is_some() {
            calls = calls.route("/admin/ciba", post(answer));
        }
        calls.with_state(self).layer(from_fn(refuse_browsers))
    }
}

/// Any page that a browser of this machine shows could post here, and browsers say so with every POST.
async fn refuse_browsers(request: Request, next: Next) -> Response {
    let of_browser = [header::ORIGIN.as_str(), "sec-fetch-site"];
    if of_browser.iter().any(|name| request.headers().contains_key(*name)) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

async fn rotate_keys(State(admin): State<Admin>) -> Response {
    match admin.rotating.rotate().await {
        Ok(kids) => Json(json!({ "kids": kids })).into_response(),
        Err(error) => failed("could not rotate", &error),
    }
}

/// Answers for a person: `auth_req_id`, and `action`, which is `allow` or `deny`, in the form or the address.
async fn answer(State(admin): State<Admin>, Inbound(request): Inbound) -> Response {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let sent = if request.body().is_empty() { query } else { request.body() };
    let params = Params::parse(sent).unwrap_or_default();
    let (auth_req_id, action) = (params.one("auth_req_id"), params.one("action"));
    let (Ok(Some(auth_req_id)), Ok(Some(action @ ("allow" | "deny")))) = (auth_req_id, action) else {
        let problem = "auth_req_id and action, allow or deny, are needed";
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response();
    };
    let Some(asked) = &admin.asked else { return StatusCode::NOT_FOUND.into_response() };
    match asked.answer(&admin.provider, auth_req_id, action == "allow").await {
        Some(Ok(())) => Json(json!({ "answered": action })).into_response(),
        Some(Err(error)) => failed("could not answer", &error),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "nobody is asked for this" }))).into_response(),
    }
}

async fn initial_access_token(State(admin): State<Admin>) -> Response {
    let minted = admin
        .provider
        .administration()
        .mint_initial_access_token(InitialTokenUses::Once, INITIAL_ACCESS_LIFETIME);
    match minted.await {
        Ok(token) => {
            let lifetime = INITIAL_ACCESS_LIFETIME.as_secs();
            Json(json!({ "initial_access_token": token.expose(), "expires_in": lifetime })).into_response()
        }
        Err(error) => failed("could not mint a token", &error),
    }
}

fn failed(what: &'static str, error: &dyn std::error::Error) -> Response {
    tracing::warn!(%error, "{what}");
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": what }))).into_response()
}

impl Rotating {
    /// Lets a new key of each algorithm sign at once, and gives their names; the old ones are still shown.
    async fn rotate(&self) -> Result<Vec<String>, KeySourceError> {
        let mut kids = Vec::new();
        for &alg in self.algorithms {
            let kid = self.rotation.rotate(&self.keyring, alg, SystemClock.now()).await?;
            tracing::info!(%alg, %kid, "another key signs");
            kids.push(kid.to_string());
        }
        Ok(kids)
    }
}

/// Rotates whenever SIGUSR1 arrives.
#[cfg(unix)]
pub(crate) fn rotate_on_signal(rotating: Rotating) -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut told = signal(SignalKind::user_defined1())
        .map_err(|error| format!("could not listen for signals: {error}"))?;
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            if let Err(error) = rotating.rotate().await {
                tracing::warn!(%error, "could not rotate");
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn rotate_on_signal(_: Rotating) -> Result<(), String> {
    Ok(())
}
