//! Where records are kept, and taking out those that have had their time.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{ClientStore, ReplayStore, Stores, Sweep};

use crate::options::Database;

/// How often the records are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Most records that one step of a sweep takes out.
const SWEEP_STEP: u16 = 500;

/// The records of the provider. Of the clients, those that registered are among
/// them; the others come from a file.
#[derive(Clone)]
pub(crate) enum Records {
    Memory(Arc<MemoryStore>),
    Sqlite(Arc<SqliteStore>),
}

impl Records {
    /// Opens a database, and brings its tables to what this release needs.
    ///
    /// # Errors
    /// One sentence that names the database.
    pub(crate) async fn open(database: &Database) -> Result<Self, String> {
        let Database::Sqlite(path) = database else { return Ok(Self::Memory(Arc::default())) };
        let opened = async {
            let store = SqliteStore::connect(path).await?;
            store.migrate().await.map(|()| store)
        };
        let store = opened.await.map_err(|error| format!("could not open {database}: {error}"))?;
        Ok(Self::Sqlite(Arc::new(store)))
    }

    /// The records as a provider uses them.
    pub(crate) fn stores(&self, clients: Arc<dyn ClientStore>) -> Stores {
        match self.clone() {
            Self::Memory(store) => Stores::new(clients, store.clone(), store.clone(), store.clone())
                .with_registry(store.clone())
                .with_replays(store.clone())
                .with_deferred(store.clone())
                .with_tickets(store),
            Self::Sqlite(store) => Stores::new(clients, store.clone(), store.clone(), store.clone())
                .with_registry(store.clone())
                .with_replays(store.clone())
                .with_deferred(store.clone())
                .with_tickets(store),
        }
    }

    /// Where proofs that were used are remembered.
    pub(crate) fn replays(&self) -> Arc<dyn ReplayStore> {
        match self.clone() {
            Self::Memory(store) => store,
            Self::Sqlite(store) => store,
        }
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

    async fn sweep(&self) -> Result<(), vouchsafe::error::StoreError> {
        let store: &dyn Sweep = match self {
            Self::Memory(store) => &**store,
            Self::Sqlite(store) => &**store,
        };
        while store.sweep(SWEEP_STEP, SystemClock.now()).await? == SWEEP_STEP {}
        Ok(())
    }

    /// Lets what is under way end, and closes the database.
    pub(crate) async fn close(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Sqlite(store) => store.close().await,
        }
    }
}
