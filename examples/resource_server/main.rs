//! An API in a process of its own, protected by the tokens of an OpenID provider: `cargo run --example resource_server --
//! --help`.
//!
//! `GET /me` takes any token for this API, `GET /notes` needs the scope `notes`, and `POST /payments` a login of the last
//! five minutes (RFC 9470). Its metadata is at `/.well-known/oauth-protected-resource` (RFC 9728).

#[expect(dead_code, reason = "the provider uses all of it")]
#[path = "../provider/mutual_tls.rs"]
mod mutual_tls;
mod options;
#[path = "../site/serve.rs"]
mod serve;
mod setup;
#[path = "../provider/tls.rs"]
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::Handle;
use bytes::Bytes;
use clap::Parser as _;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use vouchsafe::clock::Timestamp;
use vouchsafe::resource::{Access, Refused, Requirement};
use vouchsafe::wire;

use self::mutual_tls::MutualTlsAcceptor;
use self::options::Options;
use self::setup::Api;
use self::tls::{Served, Suites};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("resource_server: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let acceptor = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            let served = Served { certificate, key, suites: Suites::Recommended };
            Some(MutualTlsAcceptor::read(served, None)?)
        }
        _ => None,
    };
    let (listener, bound) = serve::listen(options.listen, "--listen")?;
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    let resource = options.resource.clone().unwrap_or_else(|| format!("{scheme}://{bound}"));
    let api = setup::api(&options, &resource).await?;
    let app = routes(api);
    let handle = Handle::new();
    let stopped = serve::stop_on_signal(vec![handle.clone()]);
    tokio::spawn(stopped.map_err(|error| format!("could not listen for signals: {error}"))?);
    println!("listening on {scheme}://{bound}");
    answer(listener, acceptor, app, handle).await.map_err(|error| format!("could not serve: {error}"))
}

async fn answer(
    listener: TcpListener,
    acceptor: Option<MutualTlsAcceptor>,
    app: Router,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let server = axum_server::from_tcp(listener)?.handle(handle);
    match acceptor {
        // It asks for the certificates of clients, to which their tokens may be bound (RFC 8705 section 3).
        Some(acceptor) => server.acceptor(acceptor).serve(app.into_make_service()).await,
        None => server.serve(app.into_make_service()).await,
    }
}

fn routes(api: Api) -> Router {
    let described = api.verifier.metadata().path();
    Router::new()
        .route("/me", get(me))
        .route("/notes", get(notes))
        .route("/payments", post(payments))
        .route(&described, get(describe))
        .with_state(api)
}

async fn me(State(api): State<Api>, request: Request) -> Response {
    guarded(api.verifier.verify(&request, &Requirement::any()).await, told)
}

async fn notes(State(api): State<Api>, request: Request) -> Response {
    let notes = |access: &Access| json!({ "of": access.subject(), "notes": ["buy milk"] });
    guarded(api.verifier.verify(&request, &api.notes).await, notes)
}

async fn payments(State(api): State<Api>, request: Request) -> Response {
    let paid = |access: &Access| json!({ "paid_by": access.subject() });
    guarded(api.verifier.verify(&request, &api.payments).await, paid)
}

/// The answer to a request that is let through, or the refusal.
fn guarded(verified: Result<Access, Refused>, answer: impl FnOnce(&Access) -> Value) -> Response {
    match verified {
        Ok(access) => {
            let mut response = Json(answer(&access)).into_response();
            access.tell(response.headers_mut());
            response
        }
        Err(refused) => refused.into_response().map(Body::from),
    }
}

fn told(access: &Access) -> Value {
    json!({
        "sub": access.subject(),
        "client_id": access.client_id(),
        "scope": access.scope(),
        "exp": access.expires_at().map(Timestamp::unix),
    })
}

async fn describe(State(api): State<Api>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    api.verifier.metadata().answer(&wire::Request::from_parts(head, Bytes::new())).map(Body::from)
}
