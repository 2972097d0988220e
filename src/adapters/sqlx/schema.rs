//! The versions of the tables.

use super::failure::failed;
use crate::error::StoreError;

/// One step from a version of the tables to the next, for hosts that migrate with tools of their own.
///
/// Its text writes the version down too, so that a database migrated elsewhere is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// The version that it leads to, counted from 1.
    pub version: i64,
    /// What it is about, in one word.
    pub name: &'static str,
    /// The statements, to be run in one transaction. In MySQL, where a table is made outside of any, they are run one after
    /// the other, and may be run again after some of them failed.
    pub sql: &'static str,
}

/// Why a store was not opened, or does not work with the tables that it found. No password of a URL is in it or in its
/// sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The URL cannot be read, or the database cannot be reached or opened, or refuses whom the URL names.
    #[error("could not connect to the database")]
    Connect(#[source] StoreError),
    /// The tables are of a later release: this one must not touch them.
    #[error("the database has tables of version {found}, and this release knows {known} and those before")]
    Newer {
        /// The version of the tables.
        found: i64,
        /// The version that this release writes.
        known: i64,
    },
    /// The tables are of an earlier release, or not there: they have to be migrated first.
    #[error("the database has tables of version {found} and has to be migrated to {known}")]
    Older {
        /// The version of the tables; 0 where there are none.
        found: i64,
        /// The version that this release writes.
        known: i64,
    },
    /// The database could not be asked, or could not change the tables.
    #[error("could not read or change the tables")]
    Store(#[from] StoreError),
}

impl SchemaError {
    /// An error of the driver before there was a store.
    pub(super) fn connecting(error: sqlx::Error) -> Self {
        Self::Connect(failed(error))
    }

    /// Compares the version found with the one that the last of `migrations` leads to.
    pub(super) fn check(found: i64, migrations: &[Migration]) -> Result<(), Self> {
        let known = migrations.last().map_or(0, |last| last.version);
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(Self::Older { found, known }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(Self::Newer { found, known }),
        }
    }
}
