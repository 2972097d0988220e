//! The connections, and the one place where statements are run.

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool, SqlSafeStr as _, Transaction};

use super::dialect::{ConnectionOf, Dialect};
use super::failure::{Failure, tried};
use super::row::Row;
use super::statements::{Guarded, Text, Upsert};
use super::value::Value;
use crate::error::{StoreError, StoreErrorKind};

/// One pool for verbs that only read and one for those that write; the same where the database has many writers.
pub(super) struct Connections<E: Dialect> {
    readers: Pool<E::Database>,
    writers: Pool<E::Database>,
}

impl<E: Dialect> Clone for Connections<E> {
    fn clone(&self) -> Self {
        Self { readers: self.readers.clone(), writers: self.writers.clone() }
    }
}

/// What a guarded write found.
pub(super) enum Seen<E: Dialect> {
    /// No row of the key.
    Absent,
    /// The row, which was left as it is.
    Left(Row<E>),
    /// The row, which was written.
    Written(Row<E>),
}

impl<E: Dialect> Connections<E> {
    #[allow(dead_code, reason = "not every database has one writer")]
    pub(super) const fn split(readers: Pool<E::Database>, writers: Pool<E::Database>) -> Self {
        Self { readers, writers }
    }

    pub(super) fn shared(pool: Pool<E::Database>) -> Self {
        Self { readers: pool.clone(), writers: pool }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// The rows of a statement that only reads.
    pub(super) async fn read(
        &self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        tried!(self.read_once(text, values))
    }

    async fn read_once(&self, text: &'static Text, values: &[Value<'_>]) -> Result<Vec<Row<E>>, Failure> {
        Lent::of(&self.readers).await?.rows(text, values).await
    }

    /// The one row, if there is one, of a statement that only reads by a key.
    pub(super) async fn find(
        &self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Option<Row<E>>, StoreError> {
        Ok(self.read(text, values).await?.pop())
    }

    /// Runs a statement that writes, as a transaction of its own, and says how many rows it wrote.
    pub(super) async fn write(&self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, StoreError> {
        tried!(self.write_once(text, values))
    }

    async fn write_once(&self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        self.lend().await?.write(text, values).await
    }

    /// Runs a statement that writes and answers with one row.
    pub(super) async fn write_returning(
        &self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Option<Row<E>>, StoreError> {
        tried!(self.write_returning_once(text, values))
    }

    pub(super) async fn write_returning_once(
        &self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Option<Row<E>>, Failure> {
        Ok(self.lend().await?.rows(text, values).await?.pop())
    }

    /// Writes a row where there is none, or over one that the statement may write over, and says whether it did.
    pub(super) async fn upsert(
        &self,
        text: &'static Upsert,
        values: &[Value<'_>],
    ) -> Result<bool, StoreError> {
        match text {
            Upsert::AtOnce(text) => Ok(self.write(text, values).await? == 1),
            // A row that is neither to be inserted nor to be written over is there, or was removed in between: then
            // the second insertion succeeds.
            Upsert::InsertOrUpdate { insert, update } => Ok(self.insert(insert, values).await?
                || self.write(update, values).await? == 1
                || self.insert(insert, values).await?),
        }
    }

    /// Inserts a row, and says whether there was none of its key.
    pub(super) async fn insert(&self, text: &'static Text, values: &[Value<'_>]) -> Result<bool, StoreError> {
        match self.write(text, values).await {
            Err(error) if error.kind() == StoreErrorKind::Conflict => Ok(false),
            written => written.map(|_| true),
        }
    }

    /// Writes the row of a key if it is as the statement demands, and tells of it.
    pub(super) async fn guarded(
        &self,
        text: &'static Guarded,
        values: &[Value<'_>],
    ) -> Result<Seen<E>, StoreError> {
        tried!(self.guarded_once(text, values))
    }

    async fn guarded_once(&self, text: &'static Guarded, values: &[Value<'_>]) -> Result<Seen<E>, Failure> {
        match text {
            Guarded::AtOnce(text) => match self.write_returning_once(text, values).await? {
                None => Ok(Seen::Absent),
                Some(row) if row.integer("won")? == 1 => Ok(Seen::Written(row)),
                Some(row) => Ok(Seen::Left(row)),
            },
            Guarded::Returning { write, look } => {
                if let Some(row) = self.write_returning_once(write, values).await? {
                    return Ok(Seen::Written(row));
                }
                let row = self.read_once(look, values).await?.pop();
                Ok(row.map_or(Seen::Absent, Seen::Left))
            }
            Guarded::Counted { write, look } => {
                let mut lent = self.lend().await?;
                let written = lent.write(write, values).await? == 1;
                let rows = lent.rows(look, values).await;
                // A second try of what was written would find it written.
                match rows.map_err(|failure| if written { failure.lasting() } else { failure })?.pop() {
                    Some(row) if written => Ok(Seen::Written(row)),
                    Some(row) => Ok(Seen::Left(row)),
                    None if written => Err(StoreErrorKind::Unavailable.into()),
                    None => Ok(Seen::Absent),
                }
            }
            Guarded::Locked { look, write } => self.locked(look, write, values).await,
        }
    }

    async fn locked(
        &self,
        look: &'static Text,
        write: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Seen<E>, Failure> {
        let mut lent = self.lend().await?;
        let mut writing = lent.begin().await?;
        let Some(row) = writing.find(look, values).await? else {
            writing.roll_back().await?;
            return Ok(Seen::Absent);
        };
        if row.integer("won")? != 1 {
            writing.roll_back().await?;
            return Ok(Seen::Left(row));
        }
        written(writing.write(write, values).await?)?;
        writing.commit().await?;
        Ok(Seen::Written(row))
    }

    /// A connection that may write.
    pub(super) async fn lend(&self) -> Result<Lent<E>, Failure> {
        Lent::of(&self.writers).await
    }
}

/// A row that must have been written, in a transaction that has seen to it.
pub(super) fn written(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreErrorKind::Unavailable.into()) }
}

/// A connection for one verb.
pub(super) struct Lent<E: Dialect> {
    connection: PoolConnection<E::Database>,
    under_way: UnderWay,
}

/// What is known of a connection when it is given back.
#[derive(Default)]
struct UnderWay {
    /// A statement has been sent whose answer has not been read to its end.
    waiting: bool,
    /// It leads to a server that does not write: the next one may lead to another.
    only_reads: bool,
}

impl UnderWay {
    /// Waits for `statement`; who drops this on the way leaves the mark behind.
    async fn wait<E: Dialect, T>(
        &mut self,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Failure> {
        self.waiting = true;
        let answer = statement.await;
        self.waiting = false;
        answer.map_err(|error| {
            self.only_reads |= E::only_reads(&error);
            Failure::of::<E>(error)
        })
    }
}

impl<E: Dialect> Lent<E> {
    async fn of(pool: &Pool<E::Database>) -> Result<Self, Failure> {
        let connection = pool.acquire().await.map_err(Failure::of::<E>)?;
        Ok(Self { connection, under_way: UnderWay::default() })
    }

    pub(super) async fn rows(
        &mut self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<Row<E>>, Failure> {
        let rows = self.under_way.wait::<E, _>(E::rows(&mut self.connection, text, values)).await?;
        Ok(rows.into_iter().map(Row::of).collect())
    }

    pub(super) async fn write(&mut self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        self.under_way.wait::<E, _>(E::execute(&mut self.connection, text, values)).await
    }

    /// Begins a transaction. Where there is one writer at a time it holds the lock from its first moment, so that no
    /// other can write between its statements, and none of them fails for having read too early.
    ///
    /// A transaction that is dropped, with the future that holds it or by an early return, is rolled back.
    pub(super) async fn begin(&mut self) -> Result<Writing<'_, E>, Failure> {
        let Self { connection, under_way } = self;
        let connection: &mut ConnectionOf<E> = connection;
        let transaction = under_way.wait::<E, _>(connection.begin_with(E::BEGIN.into_sql_str())).await?;
        Ok(Writing { transaction, under_way })
    }
}

impl<E: Dialect> Drop for Lent<E> {
    fn drop(&mut self) {
        let left = self.under_way.waiting && E::CLOSES_WHAT_IS_DROPPED;
        if left || self.under_way.only_reads {
            self.connection.close_on_drop();
        }
    }
}

/// A transaction.
pub(super) struct Writing<'c, E: Dialect> {
    transaction: Transaction<'c, E::Database>,
    under_way: &'c mut UnderWay,
}

impl<E: Dialect> Writing<'_, E> {
    pub(super) async fn write(&mut self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        self.under_way.wait::<E, _>(E::execute(&mut self.transaction, text, values)).await
    }

    pub(super) async fn find(
        &mut self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Option<Row<E>>, Failure> {
        let rows = self.under_way.wait::<E, _>(E::rows(&mut self.transaction, text, values)).await?;
        Ok(rows.into_iter().map(Row::of).next_back())
    }

    /// Runs the statements of a text, for migrations.
    pub(super) async fn run(&mut self, text: &'static str) -> Result<(), Failure> {
        self.under_way.wait::<E, _>(E::run(&mut self.transaction, text)).await
    }

    /// Commits. That it failed to for a conflict with another is known; of every other failure the outcome is not.
    pub(super) async fn commit(self) -> Result<(), Failure> {
        let Self { transaction, under_way } = self;
        under_way.wait::<E, _>(transaction.commit()).await
    }

    pub(super) async fn roll_back(self) -> Result<(), Failure> {
        let Self { transaction, under_way } = self;
        under_way.wait::<E, _>(transaction.rollback()).await
    }
}
