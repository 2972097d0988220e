//! Bringing the tables to the version of this release.

use super::connections::Connections;
use super::row::Row;
use super::statements;
use crate::adapters::sqlx::schema::{Migration, SchemaError};
use crate::error::StoreError;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "stores", sql: include_str!("../migrations/sqlite/0001_stores.sql") },
    Migration { version: 2, name: "deferred", sql: include_str!("../migrations/sqlite/0002_deferred.sql") },
    Migration { version: 3, name: "keys", sql: include_str!("../migrations/sqlite/0003_keys.sql") },
];

pub(super) async fn migrate(connections: &Connections) -> Result<(), SchemaError> {
    let mut writing = connections.begin().await?;
    let there = writing.find(sqlx::query(statements::SCHEMA_EXISTS)).await?;
    let found = match there {
        Some(_) => version(writing.find(sqlx::query(statements::SCHEMA_VERSION)).await?)?,
        None => 0,
    };
    if let Err(error @ SchemaError::Newer { .. }) = SchemaError::check(found, MIGRATIONS) {
        return Err(error);
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        writing.run(migration.sql).await?;
    }
    Ok(writing.commit().await?)
}

pub(super) async fn check(connections: &Connections) -> Result<(), SchemaError> {
    let there = connections.find(sqlx::query(statements::SCHEMA_EXISTS)).await?;
    let found = match there {
        Some(_) => version(connections.find(sqlx::query(statements::SCHEMA_VERSION)).await?)?,
        None => 0,
    };
    SchemaError::check(found, MIGRATIONS)
}

fn version(row: Option<Row>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| row.integer("version"))
}
