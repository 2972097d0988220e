//! How often documents are fetched.

use std::sync::Arc;

use async_trait::async_trait;

use crate::client::fetch::Gate;
use crate::clock::Clock;
use crate::limiter::{Admission, LimitPoint, Limiter};
use crate::provider::core::Core;
use crate::types::FetchUrl;

/// Asks the host's limiter before each fetch, by the host that would be asked. Whoever sends a request can cause one, of
/// a URL that nobody has named before.
#[derive(Debug)]
pub(crate) struct DocumentGate {
    limiter: Arc<dyn Limiter>,
    clock: Arc<dyn Clock>,
}

impl DocumentGate {
    /// The gate of a provider that has a limiter.
    pub(crate) fn of(core: &Core) -> Option<Arc<dyn Gate>> {
        let limiter = Arc::clone(core.limiter.as_ref()?);
        Some(Arc::new(Self { limiter, clock: Arc::clone(&core.clock) }))
    }
}

#[async_trait]
impl Gate for DocumentGate {
    async fn admits(&self, url: &FetchUrl) -> bool {
        let host = url.host().unwrap_or_default();
        let admission = self.limiter.admit(LimitPoint::ClientDocument, &host, self.clock.now()).await;
        admission == Admission::Admitted
    }
}
