//! A source of keys that is given up when it does not answer.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;

use super::super::{Signer, SigningAlg};
use super::{KeySource, Revision, RingKey, Saved, SourcedKeys};
use crate::error::BoxError;
use crate::runtime::Runtime;

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
        mut call: impl Future<Output = Result<T, BoxError>> + Send + Unpin,
    ) -> Result<T, BoxError> {
        let mut sleep = self.runtime.sleep(bound);
        poll_fn(|cx| {
            if let Poll::Ready(answer) = Pin::new(&mut call).poll(cx) {
                return Poll::Ready(answer);
            }
            sleep.as_mut().poll(cx).map(|()| Err("the source of the keys did not answer in its time".into()))
        })
        .await
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
