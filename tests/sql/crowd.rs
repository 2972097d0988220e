//! Verbs that meet, and verbs that are dropped.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use vouchsafe::adapters::sqlx::{Engine, SqlStore};
use vouchsafe::error::{StoreError, StoreErrorKind};

/// How many tasks ask the same at once.
const CROWD: usize = 16;

/// What a verb answers to many that ask at once.
pub(super) async fn crowd<E, T, F>(
    store: &Arc<SqlStore<E>>,
    verb: impl Fn(Arc<SqlStore<E>>) -> F,
) -> Vec<Result<T, StoreErrorKind>>
where
    E: Engine,
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..CROWD).map(|_| tokio::spawn(verb(Arc::clone(store)))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().map_err(|error| error.kind()));
    }
    answers
}

/// Drops a verb when it waits for the last of so many times.
pub(super) async fn drop_after<T>(suspensions: u32, verb: impl Future<Output = T>) {
    let (mut verb, mut left) = (pin!(verb), suspensions);
    poll_fn(|cx| match verb.as_mut().poll(cx) {
        Poll::Pending if left > 0 => {
            left -= 1;
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}
