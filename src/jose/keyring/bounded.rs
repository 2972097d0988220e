//! A source of keys that is given up when it does not answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::super::{Signer, SigningAlg};
use super::{KeySource, Revision, RingKey, Saved, SourcedKeys};
use crate::error::BoxError;
use crate::runtime::{Runtime, within};

/// How long a source may take to give its keys, or to save them.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// How long a source may take to make a key: a slow device makes an RSA key in tens of seconds.
const CREATED_WITHIN: Duration = Duration::from_secs(120);

/// A source whose calls are dropped when their time is over: a network that swallows what is sent keeps nobody waiting
/// for ever.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    source: Arc<dyn KeySource>,
    runtime: Arc<dyn Runtime>,
}

impl Bounded {
    pub(super) fn new(source: Arc<dyn KeySource>, runtime: Arc<dyn Runtime>) -> Self {
        Self { source, runtime }
    }

    async fn within<T: Send>(
        &self,
        bound: Duration,
        call: impl Future<Output = Result<T, BoxError>> + Send + Unpin,
    ) -> Result<T, BoxError> {
        let answer = within(&*self.runtime, bound, call).await;
        answer.unwrap_or_else(|| Err("the source of the keys did not answer in its time".into()))
    }
}

#[async_trait]
impl KeySource for Bounded {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.within(ANSWERED_WITHIN, self.source.load()).await
    }

    async fn create(&self, alg: SigningAlg) -> Result<Option<Arc<dyn Signer>>, BoxError> {
        self.within(CREATED_WITHIN, self.source.create(alg)).await
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        self.within(ANSWERED_WITHIN, self.source.save(seen, keys)).await
    }
}
