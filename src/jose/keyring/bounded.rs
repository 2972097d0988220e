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

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;

    use super::*;
    use crate::testing::ManualRuntime;

    /// A source that never answers, and notes which of its calls were dropped.
    #[derive(Debug, Default)]
    struct Stuck(Mutex<Vec<&'static str>>);

    impl Stuck {
        async fn hang(&self, call: &'static str) {
            let _noted = Noted { stuck: self, call };
            pending().await
        }
    }

    struct Noted<'a> {
        stuck: &'a Stuck,
        call: &'static str,
    }

    impl Drop for Noted<'_> {
        fn drop(&mut self) {
            self.stuck.0.lock().unwrap().push(self.call);
        }
    }

    #[async_trait]
    impl KeySource for Stuck {
        async fn load(&self) -> Result<SourcedKeys, BoxError> {
            self.hang("load").await;
            Ok(SourcedKeys::default())
        }

        async fn create(&self, _: SigningAlg) -> Result<Option<Arc<dyn Signer>>, BoxError> {
            self.hang("create").await;
            Ok(None)
        }

        async fn save(&self, _: &Revision, _: &[RingKey]) -> Result<Saved, BoxError> {
            self.hang("save").await;
            Ok(Saved::Saved)
        }
    }

    #[test]
    fn every_call_is_dropped_when_its_time_is_over() {
        let runtime = Arc::new(ManualRuntime::new());
        let stuck = Arc::new(Stuck::default());
        let failed = Arc::new(Mutex::new(Vec::new()));
        for call in ["load", "create", "save"] {
            let bounded = Bounded::new(Arc::<Stuck>::clone(&stuck), Arc::<ManualRuntime>::clone(&runtime));
            let failed = Arc::clone(&failed);
            runtime.spawn(Box::pin(async move {
                let outcome = match call {
                    "load" => bounded.load().await.map(drop),
                    "create" => bounded.create(SigningAlg::Es256).await.map(drop),
                    _ => bounded.save(&Revision::default(), &[]).await.map(drop),
                };
                assert!(outcome.is_err(), "{call}");
                failed.lock().unwrap().push(call);
            }));
        }
        let over = |after: Duration, calls: &[&str]| {
            runtime.advance(after - Duration::from_millis(1));
            let before = failed.lock().unwrap().len();
            runtime.advance(Duration::from_millis(1));
            let failed = failed.lock().unwrap();
            assert_eq!(failed[before..], *calls, "after {after:?}");
            assert_eq!(*failed, *stuck.0.lock().unwrap(), "the calls are dropped");
        };
        runtime.run();
        over(ANSWERED_WITHIN, &["load", "save"]);
        over(CREATED_WITHIN - ANSWERED_WITHIN, &["create"]);
    }
}
