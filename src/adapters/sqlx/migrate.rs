//! Bringing the tables to the version of this release.

use super::connections::Connections;
use super::dialect::Dialect;
use super::failure::{Failure, pause};
use super::lent::Writing;
use super::row::Row;
use super::schema::SchemaError;
use crate::error::{StoreError, StoreErrorKind};

/// How often a migration begins again because it has met that of another node.
const MOST_MEETINGS: u32 = 10;

/// Why a migration did not come to its end.
enum Halted {
    Failed(Failure),
    Refused(SchemaError),
}

pub(super) async fn migrate<E: Dialect>(connections: &Connections<E>) -> Result<(), SchemaError> {
    let mut meetings = 0;
    loop {
        match migrate_once(connections).await {
            Ok(()) => return Ok(()),
            Err(Halted::Refused(error)) => return Err(error),
            Err(Halted::Failed(failure)) => {
                // Where two nodes make the same table at once, one is told that it exists.
                let met = failure.kind() == StoreErrorKind::Conflict || failure.is_transient();
                meetings += 1;
                if !met || meetings == MOST_MEETINGS {
                    return Err(SchemaError::Store(failure.into()));
                }
                pause(meetings).await;
            }
        }
    }
}

/// Each step writes its version down, so a node that waited for another finds its steps done.
async fn migrate_once<E: Dialect>(connections: &Connections<E>) -> Result<(), Halted> {
    let mut lent = connections.lend().await?;
    let mut writing = lent.begin().await?;
    for lock in E::LOCK_SCHEMA {
        writing.run(lock).await?;
    }
    let found = found(&mut writing).await?;
    if let Err(error @ SchemaError::Newer { .. }) = SchemaError::check(found, E::MIGRATIONS) {
        return Err(Halted::Refused(error));
    }
    for migration in E::MIGRATIONS.iter().filter(|migration| migration.version > found) {
        writing.run(migration.sql).await?;
    }
    Ok(writing.commit().await?)
}

async fn found<E: Dialect>(writing: &mut Writing<'_, E>) -> Result<i64, Failure> {
    let statements = E::statements();
    match writing.find(&statements.schema_exists, &[]).await? {
        None => Ok(0),
        Some(_) => Ok(version(writing.find(&statements.schema_version, &[]).await?)?),
    }
}

pub(super) async fn check<E: Dialect>(connections: &Connections<E>) -> Result<(), SchemaError> {
    let statements = E::statements();
    let found = match connections.find(&statements.schema_exists, &[]).await? {
        Some(_) => version(connections.find(&statements.schema_version, &[]).await?)?,
        None => 0,
    };
    SchemaError::check(found, E::MIGRATIONS)
}

fn version<E: Dialect>(row: Option<Row<E>>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| row.integer("version"))
}

impl From<Failure> for Halted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
