//! Where records are kept, and taking out those that have had their time.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use vouchsafe::adapters::redis::RedisStore;
use vouchsafe::adapters::sqlx::{Engine, MysqlStore, PostgresStore, SchemaError, SqlStore, SqliteStore};
use vouchsafe::async_trait;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::error::{BoxError, StoreError};
use vouchsafe::secret::Secret;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{
    ClientRegistry, ClientStore, CodeStore, ConsentStore, DeferredStore, KeySetStore, ReplayStore, Reseal,
    Stores, Sweep, TicketStore, TokenStore,
};

use crate::options::{Database, Options};

/// How often the records are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Most records that one step of a sweep takes out.
const SWEEP_STEP: u16 = 500;

/// A database that keeps everything. Of the clients, those that registered are among it; the others come from a file.
#[async_trait]
trait Keeping:
    ClientRegistry
    + CodeStore
    + ConsentStore
    + DeferredStore
    + KeySetStore
    + ReplayStore
    + Reseal
    + Sweep
    + TicketStore
    + TokenStore
{
    /// Lets what is under way end, and closes the connections.
    async fn close(&self);
}

#[async_trait]
impl Keeping for MemoryStore {
    async fn close(&self) {}
}

#[async_trait]
impl<E: Engine> Keeping for SqlStore<E> {
    async fn close(&self) {
        Self::close(self).await;
    }
}

/// The records of the provider.
#[derive(Clone)]
pub(crate) struct Records {
    lasting: Arc<dyn Keeping>,
    /// Has what lives for minutes, where that is not in the database.
    passing: Option<RedisStore>,
}

impl Records {
    /// Opens what the flags name, and brings the tables to what this release needs.
    ///
    /// # Errors
    /// One sentence that names the database.
    pub(crate) async fn open(options: &Options) -> Result<Self, String> {
        let lasting = match &options.database {
            Database::Memory => Ok(Arc::new(MemoryStore::new()) as _),
            Database::Mysql(url) => migrated(MysqlStore::connect(url.expose()).await).await,
            Database::Postgres(url) => migrated(PostgresStore::connect(url.expose()).await).await,
            Database::Sqlite(path) => migrated(SqliteStore::connect(path).await).await,
        };
        let lasting =
            lasting.map_err(|error| format!("could not open {}: {}", options.database, whole(&error)))?;
        let passing = match &options.short_lived {
            Some(url) => {
                let opened = redis(url, options).await;
                Some(opened.map_err(|error| format!("--short-lived: {}", whole(&*error)))?)
            }
            None => None,
        };
        Ok(Self { lasting, passing })
    }

    /// The records as a provider uses them.
    pub(crate) fn stores(&self, clients: Arc<dyn ClientStore>) -> Stores {
        let lasting = || Arc::clone(&self.lasting);
        let stores = match &self.passing {
            None => Stores::new(clients, lasting(), lasting(), lasting())
                .with_deferred(lasting())
                .with_replays(lasting())
                .with_tickets(lasting()),
            Some(passing) => {
                let passing = Arc::new(passing.clone());
                Stores::new(clients, passing.clone(), lasting(), lasting())
                    .with_deferred(passing.clone())
                    .with_replays(passing.clone())
                    .with_tickets(passing)
            }
        };
        stores.with_registry(lasting()).with_key_sets(lasting()).with_reseal(lasting())
    }

    /// Where proofs that were used are remembered.
    pub(crate) fn replays(&self) -> Arc<dyn ReplayStore> {
        match &self.passing {
            Some(passing) => Arc::new(passing.clone()),
            None => Arc::clone(&self.lasting) as _,
        }
    }

    /// Where the signing keys are that all nodes share.
    pub(crate) fn key_sets(&self) -> Arc<dyn KeySetStore> {
        Arc::clone(&self.lasting) as _
    }

    /// Sweeps for as long as the process runs. A sweep that fails is tried again at its next time.
    pub(crate) async fn keep_swept(self) {
        let mut times = tokio::time::interval(SWEEP_EVERY);
        loop {
            times.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "could not sweep");
            }
        }
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        // What is in Redis ends by itself.
        while self.lasting.sweep(SWEEP_STEP, SystemClock.now()).await? == SWEEP_STEP {}
        Ok(())
    }

    /// Lets what is under way end, and closes the database.
    pub(crate) async fn close(&self) {
        self.lasting.close().await;
    }
}

/// What was connected, with the tables that this release needs.
async fn migrated<E: Engine>(
    connected: Result<SqlStore<E>, SchemaError>,
) -> Result<Arc<dyn Keeping>, SchemaError> {
    let store = connected?;
    store.migrate().await?;
    match store.lossy_settings().await {
        Ok(lossy) => lossy
            .iter()
            .for_each(|setting| tracing::warn!(%setting, "the database may lose what it has acknowledged")),
        Err(error) => tracing::warn!(error = whole(&error), "could not read how safe the database is"),
    }
    Ok(Arc::new(store))
}

async fn redis(url: &Secret, options: &Options) -> Result<RedisStore, BoxError> {
    let store = RedisStore::connect(url.expose()).await?;
    if options.short_lived_is_new && !store.initialize().await? {
        tracing::warn!("--short-lived-is-new changes nothing: the database was used before");
    }
    Ok(store)
}

/// An error with what is behind it, in one line. Some say themselves what that is.
fn whole(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.map(ToString::to_string).fold(error.to_string(), |told, cause| {
        if told.ends_with(&cause) { told } else { format!("{told}: {cause}") }
    })
}
