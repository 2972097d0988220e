//! What all scenarios share, and the stage that each is given: two nodes of its own in a part of the database of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use tokio::time::sleep;
use vouchsafe::entropy::{Entropy as _, OsEntropy};
use vouchsafe::jose::JoseSigner;
use vouchsafe::testing::SeededEntropy;
use vouchsafe::{BoxError, Keyring, SigningAlg, SystemSecrets};

use crate::checker::{self, Allowed, Violation};
use crate::database;
use crate::history::{Answer, Text};
use crate::node::orders::{Orders, Setup};
use crate::nodes::{Node, free_port};
use crate::options::Options;
use crate::peer::{Login, Peer};
use crate::postgres::Postgres;
use crate::proxy::{Proxy, Way};
use crate::rows::{self, Rows};

/// Most connections of a node to the database.
const CONNECTIONS: u32 = 10;

/// The same, where they are to be scarce.
const FEW_CONNECTIONS: u32 = 2;

/// How long the server may take to tell its processes of a setting.
const RELOAD: Duration = Duration::from_millis(300);

/// How many access tokens are asked about at once at the end.
const AUDIT_AT_ONCE: usize = 16;

/// What all scenarios share.
pub(crate) struct Lab {
    pub(crate) options: Options,
    pub(crate) postgres: Postgres,
    pub(crate) proxy: Proxy,
    /// A way to the database that no fault is on.
    pub(crate) pool: PgPool,
    pub(crate) secrets: SystemSecrets,
    /// Whether the database may be unable to take writes.
    read_only: AtomicBool,
    chances: SeededEntropy,
    signing_keys: String,
    client_key: Arc<JoseSigner>,
    client_secret: Text,
}

impl Lab {
    /// Starts the database and what stands before it, and makes keys and tables.
    pub(crate) async fn open(options: Options, seed: u64) -> Result<Self, BoxError> {
        let postgres = Postgres::start(free_port()?).await?;
        let proxy = Proxy::start(postgres.port()).await?;
        let url = Postgres::url(postgres.port());
        database::open(&url, 1).await?.migrate().await?;
        Ok(Self {
            pool: rows::direct(&url).await?,
            options,
            postgres,
            proxy,
            secrets: SystemSecrets::generate(&OsEntropy)?,
            read_only: AtomicBool::new(false),
            chances: SeededEntropy::new(seed),
            signing_keys: Keyring::generate(&[SigningAlg::Rs256, SigningAlg::Es256])?
                .export()
                .expose()
                .to_owned(),
            client_key: Arc::new(JoseSigner::generate(SigningAlg::Es256)?),
            client_secret: vouchsafe::secret::generate(&OsEntropy, 256)?.expose().into(),
        })
    }

    /// So many in a short run, so many in a long one.
    pub(crate) const fn usual(&self, short: u64, long: u64) -> u64 {
        if self.options.short { short } else { long }
    }

    /// The same, scaled as the flags say; at least one. Of things in things only one is scaled.
    pub(crate) fn count(&self, short: u64, long: u64) -> u64 {
        ((self.usual(short, long) as f64 * self.options.scale) as u64).max(1)
    }

    /// A chance below `bound`.
    pub(crate) fn chance(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        // It fails when it is told to, and nobody does.
        let _ = self.chances.fill(&mut bytes);
        u64::from_be_bytes(bytes) % bound.max(1)
    }

    /// Lets the database take writes, or not.
    pub(crate) async fn takes_writes(&self, taken: bool) -> Result<(), BoxError> {
        if !taken {
            // First: whoever fails on the way leaves it to the next scenario.
            self.read_only.store(true, Ordering::SeqCst);
        }
        let setting = if taken { "off" } else { "on" };
        let statement = format!("ALTER SYSTEM SET default_transaction_read_only TO {setting}");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&self.pool).await?;
        sqlx::query("SELECT pg_reload_conf()").execute(&self.pool).await?;
        // The server tells its processes in its own time.
        sleep(RELOAD).await;
        if taken {
            self.read_only.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    /// A time of at most so many milliseconds.
    pub(crate) fn moment(&self, milliseconds: u64) -> Duration {
        Duration::from_micros(self.chance(milliseconds * 1000))
    }
}

/// What a scenario wants of its nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// Two connections to the database for each.
    FewConnections,
    /// Transactions that are serializable.
    Serializable,
    /// Nothing that differs.
    Usual,
}

/// What one scenario is given.
pub(crate) struct Stage<'l> {
    pub(crate) lab: &'l Lab,
    pub(crate) nodes: [Node; 2],
    pub(crate) peer: Peer,
    pub(crate) allowed: Allowed,
    namespace: String,
    /// Faults that nodes and proxy do not count.
    faults: u64,
    proxy_faults_before: u64,
    found: Mutex<Vec<Violation>>,
}

/// What came of a scenario.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) operations: u64,
    pub(crate) faults: u64,
    pub(crate) violations: Vec<Violation>,
}

impl<'l> Stage<'l> {
    /// Two nodes with a part of the database of their own, and the settings that a scenario wants.
    pub(crate) async fn set(lab: &'l Lab, namespace: &str, wanted: Wanted) -> Result<Self, BoxError> {
        let database = Postgres::url(lab.proxy.port());
        let (connections, database) = match wanted {
            Wanted::FewConnections => (FEW_CONNECTIONS, database),
            Wanted::Serializable => (CONNECTIONS, Postgres::serializable(&database)),
            Wanted::Usual => (CONNECTIONS, database),
        };
        // The scenario before may have ended badly.
        lab.proxy.goes(Way::Open);
        if lab.read_only.load(Ordering::SeqCst) {
            lab.takes_writes(true).await?;
        }
        let (port, other) = (free_port()?, free_port()?);
        let issuer = format!("http://127.0.0.1:{port}");
        let public = lab.client_key.public_key().to_value();
        let setup = |port| Setup {
            issuer: issuer.clone(),
            port,
            database: database.clone(),
            connections,
            namespace: namespace.to_owned(),
            system_secrets: lab.secrets.export().expose().to_owned(),
            signing_keys: lab.signing_keys.clone(),
            client_secret: (*lab.client_secret).to_owned(),
            client_keys: json!({ "keys": [public] }),
        };
        Ok(Self {
            lab,
            nodes: [Node::start(setup(port)).await?, Node::start(setup(other)).await?],
            peer: Peer::new(&issuer, &lab.client_secret, Arc::<JoseSigner>::clone(&lab.client_key))?,
            allowed: Allowed::default(),
            namespace: namespace.to_owned(),
            faults: 0,
            proxy_faults_before: lab.proxy.faults(),
            found: Mutex::default(),
        })
    }

    /// The addresses of the nodes.
    pub(crate) fn urls(&self) -> [String; 2] {
        [self.nodes[0].url(), self.nodes[1].url()]
    }

    /// The address of a node, in turn.
    pub(crate) fn url(&self, turn: u64) -> String {
        self.nodes[usize::from(!turn.is_multiple_of(2))].url()
    }

    /// Gives both nodes the same orders.
    pub(crate) async fn order(&mut self, orders: &Orders) -> Result<(), BoxError> {
        for node in &mut self.nodes {
            node.order(orders).await?;
        }
        Ok(())
    }

    /// Counts faults that neither nodes nor the proxy count.
    pub(crate) const fn count_faults(&mut self, faults: u64) {
        self.faults += faults;
    }

    /// Notes something that must not be, if it is.
    pub(crate) fn expect(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push(Violation::new(0, what()));
        }
    }

    /// A code that has to be had: no fault is on now.
    pub(crate) async fn code(&self, turn: u64) -> Result<Text, BoxError> {
        match self.peer.code([&self.url(turn), &self.url(turn + 1)], Login::ALICE).await {
            Answer::Code(code) => Ok(code),
            answer => Err(format!("a sign-in without faults was answered {answer:?}").into()),
        }
    }

    /// A refresh token that has to be had: no fault is on now.
    pub(crate) async fn family(&self, turn: u64) -> Result<Text, BoxError> {
        let code = self.code(turn).await?;
        match self.peer.redeem(&self.url(turn), "spa", &code).await {
            Answer::Tokens(tokens) => tokens.refresh.ok_or_else(|| "a family without a refresh token".into()),
            answer => Err(format!("a redemption without faults was answered {answer:?}").into()),
        }
    }

    /// Mends everything, asks about every token that a client was given, and checks what was seen.
    pub(crate) async fn clear(mut self) -> Result<Outcome, BoxError> {
        self.lab.proxy.goes(Way::Open);
        let mut faults = self.faults + self.lab.proxy.faults() - self.proxy_faults_before;
        let mut urls = Vec::new();
        for node in &mut self.nodes {
            node.revive().await?;
            faults += node.order(&Orders::default()).await?.faults + node.deaths;
            urls.push(node.url());
        }
        self.audit(&urls).await;
        let operations = self.peer.history().len();
        let rows = Rows::read(&self.lab.pool, &self.namespace).await?;
        let mut violations = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        violations.extend(checker::check(&self.peer.history().take(), &rows, self.allowed));
        Ok(Outcome { operations, faults, violations })
    }

    /// Asks about every opaque access token that a client was given.
    async fn audit(&self, urls: &[String]) {
        let given = self.peer.history().collect(|entry| match &entry.answer {
            Answer::Tokens(tokens) if tokens.access.starts_with("vs_at_") => Some(tokens.access.clone()),
            _ => None,
        });
        for some in given.chunks(AUDIT_AT_ONCE) {
            let asked =
                some.iter().zip(urls.iter().cycle()).map(|(token, url)| self.peer.introspect(url, token));
            futures_util::future::join_all(asked).await;
        }
    }
}
