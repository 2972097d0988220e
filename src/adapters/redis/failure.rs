//! What a failure of the server means to the one who asked.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::error::{BoxError, StoreError, StoreErrorKind};

/// Why a store does not work with the server that it was told of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConnectError {
    /// It may drop keys to make room, and would then take a value that was used for a new one.
    #[error("the server may drop keys: its maxmemory-policy is {policy}, and has to be noeviction")]
    Evicts {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// It does not say whether it may.
    #[error("the server does not tell its maxmemory-policy")]
    EvictionUnknown,
    /// It is a replica, as after a failover: what it does not know may have been written elsewhere.
    #[error("the server is no primary: its role is {role}")]
    NotPrimary {
        /// Its `role`.
        role: String,
    },
    /// It does not say whether it is a primary.
    #[error("the server does not tell its role")]
    RoleUnknown,
    /// It writes snapshots and no log of what comes between, or keeps no log and does not say that it writes none: when
    /// it comes back from one it has forgotten minutes, and nobody notices.
    #[error(
        "the server writes snapshots alone, as far as it tells: it needs appendonly yes, or an empty save"
    )]
    Snapshots,
    /// It could not be reached in time, or refused the connection.
    #[error("could not connect to the server")]
    Unreachable(#[source] RedisError),
    /// It answered the question what it keeps in a way that is not understood.
    #[error("the server's answer about itself could not be read")]
    Unreadable(#[source] RedisError),
    /// The URL is not one of a Redis server, or asks for TLS without looking at the certificate.
    #[error("the URL is not one of a Redis server that may be trusted")]
    Url,
}

/// How the error replies of our scripts and of wrong types begin.
const CORRUPT_CODES: [&str; 2] = ["CORRUPT", "WRONGTYPE"];

/// A command that failed. Whatever the server did not say clearly, the outcome is unknown.
pub(super) fn failed(error: RedisError) -> StoreError {
    let corrupt = error.code().is_some_and(|code| CORRUPT_CODES.contains(&code));
    let kind = if corrupt { StoreErrorKind::Corrupt } else { StoreErrorKind::Unavailable };
    StoreError::new(kind, error)
}

/// A value that no verb of ours writes.
pub(super) fn corrupt(error: impl Into<BoxError>) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, error)
}

/// The server cannot do what was asked, or nobody knows whether it did.
pub(super) fn unavailable(error: impl Into<BoxError>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, error)
}

/// Whether the next verb needs a new connection. Of one that did not answer in time nobody knows whether it ever will:
/// the network may have lost it without a word. One that leads to a server that is no primary any more is left as well.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::ReadOnly
        ),
        ErrorKind::Extension | ErrorKind::UnexpectedReturnType => false,
        _ => true,
    }
}

/// Whether the server does not have the script: it has done nothing then.
pub(super) fn lacks_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
