//! What the stores ask of a database: the driver, the texts, and where one differs from another.

use std::fmt::Debug;

use sqlx::encode::Encode;
use sqlx::query::Query;
use sqlx::{Database, IntoArguments, Type};

use super::schema::Migration;
use super::statements::{Statements, Text};
use super::value::Value;

/// A database that the stores know: a parameter of [`SqlStore`](super::SqlStore). No other crate can add one.
#[expect(private_bounds, reason = "sealed: what a dialect is made of may change with every release")]
pub trait Engine: Dialect {}

impl<E: Dialect> Engine for E {}

/// A connection to the database of `E`.
pub(super) type ConnectionOf<E> = <<E as Dialect>::Database as Database>::Connection;

/// A row as the driver of `E` gives it.
pub(super) type RowOf<E> = <<E as Dialect>::Database as Database>::Row;

/// One database.
///
/// The functions that run statements are the same few lines for each driver. They stand in each dialect because
/// the bounds that sqlx asks for can only be written for a driver that is named.
pub(super) trait Dialect: Sized + Debug + Send + Sync + 'static {
    type Database: Database;

    /// The store's name in logs.
    const STORE: &'static str;

    /// The steps to the tables of this release.
    const MIGRATIONS: &'static [Migration];

    /// How a transaction that writes begins.
    const BEGIN: &'static str;

    /// Whether a connection is closed when the future that uses it is dropped in the middle of a statement: where its
    /// driver cannot tell the rest of an answer from the next one, or where the server may be gone, and the pool would
    /// wait for it.
    const CLOSES_WHAT_IS_DROPPED: bool;

    /// What is run at the beginning of a migration, one after the other, so that only one node migrates at a time.
    const LOCK_SCHEMA: &'static [&'static str];

    fn statements() -> &'static Statements;

    /// Whether a failed statement is known not to have happened and may succeed when it is tried again: a
    /// serialisation failure or a deadlock.
    fn is_transient(error: &sqlx::Error) -> bool;

    /// Whether the server refused to write because it only reads, as one does that is no longer the primary.
    fn only_reads(error: &sqlx::Error) -> bool;

    /// The rows of a statement. All are fetched, also where there is one at most: a statement commits when it comes
    /// to its end, and an error on the way there must be seen before anybody is told that a row is theirs.
    fn rows(
        connection: &mut ConnectionOf<Self>,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<RowOf<Self>>, sqlx::Error>> + Send;

    /// Runs a statement and says how many rows it concerned.
    fn execute(
        connection: &mut ConnectionOf<Self>,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs the statements of a text that takes no values.
    fn run(
        connection: &mut ConnectionOf<Self>,
        text: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    fn text<'r>(row: &'r RowOf<Self>, column: &str) -> Result<&'r str, sqlx::Error>;

    fn bytes<'r>(row: &'r RowOf<Self>, column: &str) -> Result<Option<&'r [u8]>, sqlx::Error>;

    fn integer(row: &RowOf<Self>, column: &str) -> Result<Option<i64>, sqlx::Error>;
}

/// A statement with its values, for the driver of `DB`. It is prepared once on each connection.
pub(super) fn bound<'q, DB>(text: &'static Text, values: &[Value<'q>]) -> Query<'q, DB, DB::Arguments>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    Option<&'q str>: Encode<'q, DB> + Type<DB>,
    Option<&'q [u8]>: Encode<'q, DB> + Type<DB>,
    Option<i64>: Encode<'q, DB> + Type<DB>,
    bool: Encode<'q, DB> + Type<DB>,
{
    let query = sqlx::query(text.sql());
    text.order(values).fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Integer(integer) => query.bind(integer),
        Value::Flag(flag) => query.bind(flag),
    })
}
