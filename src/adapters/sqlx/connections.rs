//! The connections, and what verbs run on them.

use super::dialect::Dialect;
use super::failure::{Failure, tried};
use super::lender::Lender;
use super::lent::{Lent, written};
use super::row::Row;
use super::statements::{Guarded, Text, Upsert};
use super::value::Value;
use crate::error::{StoreError, StoreErrorKind};

/// One pool for verbs that only read and one for those that write; the same where the database has many writers.
pub(super) struct Connections<E: Dialect> {
    readers: Lender<E>,
    writers: Lender<E>,
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
    pub(super) const fn split(readers: Lender<E>, writers: Lender<E>) -> Self {
        Self { readers, writers }
    }

    pub(super) fn of(lender: Lender<E>) -> Self {
        Self { readers: lender.clone(), writers: lender }
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
        tried!(self.readers.rows(text, values))
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
        tried!(self.writers.write(text, values))
    }

    /// The rows of a statement that only reads, of a connection that writes: a session may have settings of its own.
    pub(super) async fn read_as_writer(
        &self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        tried!(self.writers.rows(text, values))
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
        Ok(self.writers.rows(text, values).await?.pop())
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
                let row = self.readers.rows(look, values).await?.pop();
                Ok(row.map_or(Seen::Absent, Seen::Left))
            }
            Guarded::Counted { write, look } => {
                let mut lent = self.lend().await?;
                let written = lent.write(write, values).await? == 1;
                let rows = lent.rows(look, values).await;
                // A second try of what was written would find it written.
                let row = rows.map_err(|failure| if written { failure.lasting() } else { failure })?.pop();
                self.take_back(lent);
                match row {
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
        self.take_back(lent);
        Ok(Seen::Written(row))
    }

    /// A connection that may write.
    pub(super) async fn lend(&self) -> Result<Lent<E>, Failure> {
        self.writers.lend().await
    }

    /// Takes back one that may write, whose last statement was answered.
    pub(super) fn take_back(&self, lent: Lent<E>) {
        self.writers.take_back(lent);
    }
}
