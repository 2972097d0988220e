//! Whether a server keeps what it is told to keep: it is asked whenever it is connected.

use std::collections::HashMap;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Value};

use super::RedisConnectError;
use super::connection::ask;
use super::failure::ends_connection;

/// The policy under which no key is dropped before its time.
const NO_EVICTION: &str = "noeviction";

/// The role of a server that is no replica.
const PRIMARY: &str = "master";

/// What the server tells of itself; nothing, where it does not.
struct Info(String);

impl Info {
    /// The value of a line.
    fn value(&self, name: &str) -> Option<String> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    }
}

/// # Errors
/// What is wrong with the server, or that it cannot be asked.
pub(super) async fn refuse_unfit(connection: &mut MultiplexedConnection) -> Result<(), RedisConnectError> {
    let info = Info(told(connection, &redis::cmd("INFO")).await?.unwrap_or_default());
    refuse_replica(connection, &info).await?;
    refuse_eviction(connection, &info).await?;
    refuse_snapshots(connection, &info).await
}

/// attack 316: a replica has not heard of all that was used, and one that may be written to keeps what it is told to
/// itself.
async fn refuse_replica(
    connection: &mut MultiplexedConnection,
    info: &Info,
) -> Result<(), RedisConnectError> {
    let role = match info.value("role") {
        Some(role) => Some(role),
        None => role(connection).await?,
    };
    match role {
        None => Err(RedisConnectError::RoleUnknown),
        Some(role) if role != PRIMARY => Err(RedisConnectError::NotPrimary { role }),
        Some(_) => Ok(()),
    }
}

/// attack 316: a server that drops keys would forget what was used.
async fn refuse_eviction(
    connection: &mut MultiplexedConnection,
    info: &Info,
) -> Result<(), RedisConnectError> {
    let policy = match info.value("maxmemory_policy") {
        Some(policy) => Some(policy),
        None => setting(connection, "maxmemory-policy").await?,
    };
    match policy {
        None => Err(RedisConnectError::EvictionUnknown),
        Some(policy) if policy != NO_EVICTION => Err(RedisConnectError::Evicts { policy }),
        Some(_) => Ok(()),
    }
}

/// attack 316: a server that comes back from a snapshot has forgotten what was used since, and has the mark by which
/// it would be noticed. One that comes back with nothing has not. One that tells neither by `CONFIG` nor by `INFO`
/// whether it keeps a log is taken at its word.
async fn refuse_snapshots(
    connection: &mut MultiplexedConnection,
    info: &Info,
) -> Result<(), RedisConnectError> {
    let appends = match setting(connection, "appendonly").await? {
        Some(appends) => Some(appends != "no"),
        None => info.value("aof_enabled").map(|enabled| enabled != "0"),
    };
    if appends != Some(false) {
        return Ok(());
    }
    match setting(connection, "save").await? {
        Some(save) if save.trim().is_empty() => Ok(()),
        Some(_) | None => Err(RedisConnectError::Snapshots),
    }
}

/// A setting, where the server tells it: as an array of names and values, or with RESP3 as a map.
async fn setting(
    connection: &mut MultiplexedConnection,
    name: &str,
) -> Result<Option<String>, RedisConnectError> {
    let told: Option<HashMap<String, String>> =
        told(connection, redis::cmd("CONFIG").arg("GET").arg(name)).await?;
    Ok(told.and_then(|mut told| told.remove(name)))
}

/// The role by the command for it, where the server tells it.
async fn role(connection: &mut MultiplexedConnection) -> Result<Option<String>, RedisConnectError> {
    let told: Option<Vec<Value>> = told(connection, &redis::cmd("ROLE")).await?;
    told.and_then(|told| told.into_iter().next()).map(read).transpose()
}

/// The answer to a command that the server may refuse. An answer that is not understood is not a refusal.
async fn told<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> Result<Option<T>, RedisConnectError> {
    match ask(connection, command).await {
        Ok(answer) => read(answer).map(Some),
        Err(error) if ends_connection(&error) => Err(RedisConnectError::Unreachable(error)),
        Err(_) => Ok(None),
    }
}

fn read<T: FromRedisValue>(answer: Value) -> Result<T, RedisConnectError> {
    T::from_redis_value(answer).map_err(|error| RedisConnectError::Unreadable(error.into()))
}
