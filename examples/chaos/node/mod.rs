//! A node: a process with a provider over the database, and a door through which it is told how to misbehave.
//!
//! It is this executable once more, started by the hidden subcommand `node`.

pub(crate) mod clients;
pub(crate) mod faults;
mod host;
pub(crate) mod orders;

use std::io::BufRead as _;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::clock::Clock as _;
use vouchsafe::store::{Stores, Sweep as _};
use vouchsafe::{BoxError, Config, Keyring, Provider, SystemSecrets};

use self::faults::Faults;
use self::host::Host;
use self::orders::{Orders, Setup, Told};
use crate::database::{self, Store};

/// How long opaque access tokens live: as long as they may, since all of them are asked about at the end of a scenario, which
/// can take hours.
pub(crate) const OPAQUE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Rows that one step of a sweep takes out.
const SWEEP_STEP: u16 = 100;

/// Rows that are moved to another system secret at once, and how long it is waited then.
const RESEAL_STEP: u16 = 100;
const RESEAL_PAUSE: Duration = Duration::from_millis(1);

/// How often it is looked whether to sweep.
const TICK: Duration = Duration::from_millis(20);

/// Runs a node until its standard input ends, which it does when whoever started it is gone.
pub(crate) async fn run() -> Result<(), BoxError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let setup: Setup = serde_json::from_str(&line)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, setup.port)).await?;
    let node = Arc::new(Node::new(setup).await?);
    tokio::spawn(Arc::clone(&node).sweep());
    let app = Router::new().route("/chaos", post(obey)).fallback(answer).with_state(node);
    println!("listening");
    let gone = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().for_each(drop));
    tokio::select! {
        served = axum::serve(listener, app).into_future() => Ok(served?),
        _ = gone => Ok(()),
    }
}

/// A provider, and its routes.
#[derive(Clone)]
struct Serving {
    provider: Provider,
    app: Router,
}

/// What a node is made of.
struct Node {
    setup: Setup,
    store: Arc<Store>,
    faults: Faults,
    swept: AtomicU64,
    resealed: AtomicU64,
    /// What answers now; another one after the system secrets have changed.
    serving: RwLock<Serving>,
}

impl Node {
    async fn new(setup: Setup) -> Result<Self, BoxError> {
        let store = database::open(&setup.database, setup.connections).await?.namespace(&setup.namespace);
        let (store, faults) = (Arc::new(store), Faults::default());
        let serving = RwLock::new(serving(&setup, &setup.system_secrets, &store, &faults)?);
        Ok(Self { setup, store, faults, swept: AtomicU64::new(0), resealed: AtomicU64::new(0), serving })
    }

    async fn obey(&self, orders: Orders) -> Result<Told, BoxError> {
        if let Some(secrets) = &orders.system_secrets {
            let changed = serving(&self.setup, secrets, &self.store, &self.faults)?;
            *self.serving.write().unwrap_or_else(PoisonError::into_inner) = changed;
        }
        let reseals = orders.reseals;
        self.faults.obey(orders);
        if reseals {
            let (Serving { provider, .. }, runtime) = (self.serving(), TokioRuntime::current()?);
            let moved = provider.administration().reseal_all(RESEAL_STEP, RESEAL_PAUSE, &runtime).await?;
            if moved.unreadable > 0 {
                return Err("rows do not open".into());
            }
            self.resealed.fetch_add(moved.moved, Ordering::SeqCst);
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Ok(Told { swept: count(&self.swept), resealed: count(&self.resealed), ..self.faults.told() })
    }

    fn serving(&self) -> Serving {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn sweep(self: Arc<Self>) {
        let mut waited = 0;
        loop {
            tokio::time::sleep(TICK).await;
            waited += TICK.as_millis();
            let every = u128::from(self.faults.orders().sweeps_every_ms);
            if every == 0 || waited < every {
                continue;
            }
            waited = 0;
            let swept = self.store.sweep(SWEEP_STEP, self.faults.now()).await;
            self.swept.fetch_add(swept.unwrap_or_default().into(), Ordering::SeqCst);
        }
    }
}

/// The provider under these system secrets, and what is around it.
fn serving(
    setup: &Setup,
    system_secrets: &str,
    store: &Arc<Store>,
    faults: &Faults,
) -> Result<Serving, BoxError> {
    let secrets = SystemSecrets::import(system_secrets)?;
    // The secrets of clients are hashed under a pepper, which does not rotate here.
    let clients = Arc::new(clients::clients(setup, &secrets)?);
    let (codes, tokens, consents) = (Arc::clone(store), Arc::clone(store), Arc::clone(store));
    let stores = Stores::new(clients, codes, tokens, consents)
        .with_replays(Arc::<Store>::clone(store))
        .with_tickets(Arc::<Store>::clone(store))
        .with_reseal(Arc::<Store>::clone(store));
    let config = Config::new(setup.issuer.parse()?)
        .with_default_audience([clients::AUDIENCE])
        .with_opaque_lifetime(OPAQUE_LIFETIME);
    let keyring = Keyring::import(&setup.signing_keys)?;
    let provider = Provider::builder(config, stores.around(Arc::new(faults.clone())), keyring, secrets)
        .accounts(Arc::new(Host))
        .clock(Arc::new(faults.clone()))
        .entropy(Arc::new(faults.clone()))
        .runtime(Arc::new(TokioRuntime::current()?))
        .with_authorization_code()
        .with_refresh_token()
        .with_client_credentials()
        .with_private_key_jwt()
        .with_introspection()
        .with_revocation()
        .with_rp_initiated_logout()
        .build()?;
    Ok(Serving { app: host::routes(provider.clone(), faults), provider })
}

/// The door for orders.
async fn obey(State(node): State<Arc<Node>>, Json(orders): Json<Orders>) -> Result<Json<Told>, StatusCode> {
    node.obey(orders).await.map(Json).map_err(|_| StatusCode::BAD_REQUEST)
}

/// Everything else is the provider's.
async fn answer(
    State(node): State<Arc<Node>>,
    request: axum::extract::Request,
) -> Result<axum::response::Response, std::convert::Infallible> {
    node.serving().app.oneshot(request).await
}
