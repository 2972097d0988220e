//! The one connection, and how it is replaced.
//!
//! The connection manager of the library is not used: it stays on a connection whose answers do not come any more, and
//! fails for good where a reconnection was refused once, as with too many clients.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, Value};

use super::failure::{corrupt, ends_connection, failed, lacks_script, unavailable};
use super::options::{Checks, RedisOptions};
use super::script::{Call, Effect, FIELDS};
use super::{RedisConnectError, Row, checks};
use crate::error::StoreError;

/// One connection that all verbs share, opened by the first that needs it.
pub(super) struct Connection {
    options: RedisOptions,
    current: Mutex<Current>,
}

/// The connection of now, or the attempt to have one, which all wait for that need it.
#[derive(Default)]
struct Current {
    /// How many have been opened: who has seen one fail must not close the next.
    count: u64,
    opening: Option<Shared<BoxFuture<'static, Opened>>>,
}

/// What came of an attempt.
#[derive(Clone)]
struct Opened(Result<MultiplexedConnection, Arc<RedisConnectError>>);

impl Connection {
    pub(super) fn new(options: RedisOptions) -> Self {
        Self { options, current: Mutex::default() }
    }

    pub(super) const fn replay_window(&self) -> Duration {
        self.options.replay_window
    }

    /// Connects for the first time.
    pub(super) async fn open(&self) -> Result<(), RedisConnectError> {
        let connection = connect(self.options.clone()).await?;
        let mut current = self.current();
        current.count += 1;
        current.opening = Some(std::future::ready(Opened(Ok(connection))).boxed().shared());
        Ok(())
    }

    /// Runs a script, and waits for the replicas where it writes and they are asked for.
    pub(super) async fn run(&self, call: &Call) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (count, mut connection) = self.connection().await?;
        let answer = match ask(&mut connection, &call.by_hash()).await {
            Err(error) if lacks_script(&error) => ask(&mut connection, &call.by_text()).await,
            answer => answer,
        };
        let answer = self.answered(count, answer)?;
        if call.effect() == Effect::Writes && self.options.replicas > 0 {
            self.replicated(count, &mut connection).await?;
        }
        read(answer)
    }

    /// The fields of a row.
    pub(super) async fn fields(&self, key: &str, fields: &[&str]) -> Result<Row, StoreError> {
        self.run(&Call::new(&FIELDS).key(key.to_owned()).args(fields)).await.map(Row::new)
    }

    async fn replicated(&self, count: u64, connection: &mut MultiplexedConnection) -> Result<(), StoreError> {
        // Less than the answer may take, so that it is the server that gives up.
        let patience = u64::try_from(self.options.response_timeout.as_millis() / 2).unwrap_or(u64::MAX);
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.options.replicas).arg(patience.max(1));
        let answer = ask(connection, &wait).await;
        let acknowledged: u64 = read(self.answered(count, answer)?)?;
        if acknowledged < u64::from(self.options.replicas) {
            return Err(unavailable("fewer replicas than asked for have what was written"));
        }
        Ok(())
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), StoreError> {
        let (count, opening) = {
            let mut current = self.current();
            let opening = match &current.opening {
                Some(opening) => opening.clone(),
                None => {
                    let attempt =
                        connect(self.options.clone()).map(|opened| Opened(opened.map_err(Arc::new)));
                    let opening = attempt.boxed().shared();
                    current.count += 1;
                    current.opening = Some(opening.clone());
                    opening
                }
            };
            (current.count, opening)
        };
        match opening.await.0 {
            Ok(connection) => Ok((count, connection)),
            Err(error) => {
                self.give_up(count);
                Err(unavailable(error))
            }
        }
    }

    fn answered(&self, count: u64, answer: Result<Value, RedisError>) -> Result<Value, StoreError> {
        answer.map_err(|error| {
            if ends_connection(&error) {
                self.give_up(count);
            }
            failed(error)
        })
    }

    /// Lets the next verb connect anew. Verbs that wait for an answer on the old connection keep it.
    fn give_up(&self, count: u64) {
        let mut current = self.current();
        if current.count == count {
            current.opening = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> Result<Value, RedisError> {
    command.query_async(connection).await
}

fn read<T: FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    T::from_redis_value(answer).map_err(corrupt)
}

/// A connection to a server that keeps what it is told to keep.
async fn connect(options: RedisOptions) -> Result<MultiplexedConnection, RedisConnectError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connection_timeout))
        .set_response_timeout(Some(options.response_timeout));
    let client: &Client = &options.client;
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut connection = connection.map_err(RedisConnectError::Unreachable)?;
    if options.checks == Checks::Made {
        checks::refuse_unfit(&mut connection).await?;
    }
    Ok(connection)
}
