//! What an error of the database means to the one who asked, and when a statement is tried again.

use std::time::Duration;

use sqlx::error::BoxDynError;

use super::dialect::Dialect;
use crate::entropy::{OsEntropy, random};
use crate::error::{StoreError, StoreErrorKind};

/// How often a verb is tried in all, when what it meets passes.
const MOST_TRIES: u32 = 3;

/// The longest pause before the first repetition; each later one may be twice as long.
const PAUSE: Duration = Duration::from_millis(20);

/// A statement that failed.
#[derive(Debug)]
pub(super) struct Failure {
    error: StoreError,
    transient: bool,
}

impl Failure {
    /// Only a key that exists, a serialisation failure and a deadlock are known not to have been written. Whatever else
    /// went wrong, a lost connection above all, the outcome is unknown.
    pub(super) fn of<E: Dialect>(error: sqlx::Error) -> Self {
        let transient = E::is_transient(&error);
        Self { error: failed(error), transient }
    }

    pub(super) const fn kind(&self) -> StoreErrorKind {
        self.error.kind()
    }

    pub(super) const fn is_transient(&self) -> bool {
        self.transient
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, transient: false }
    }
}

impl From<StoreErrorKind> for Failure {
    fn from(kind: StoreErrorKind) -> Self {
        StoreError::from(kind).into()
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// An error of the driver where no verb is under way.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    let taken = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    let kind = if taken { StoreErrorKind::Conflict } else { StoreErrorKind::Unavailable };
    StoreError::new(kind, error)
}

/// A column that holds what no statement of ours writes.
pub(super) fn corrupt(error: impl Into<BoxDynError>) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, error)
}

/// The tries of one verb.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Whether a verb that failed is to be tried again. Waits for a moment that differs from one caller to the next,
    /// so that those who met do not meet again.
    pub(super) async fn again(&mut self, failure: &Failure) -> bool {
        self.0 += 1;
        if !failure.transient || self.0 >= MOST_TRIES {
            return false;
        }
        let Ok([share]) = random::<1>(&OsEntropy) else { return false };
        let longest = PAUSE * (1 << (self.0 - 1));
        tokio::time::sleep(longest * (u32::from(share) + 1) / 256).await;
        true
    }
}

/// Tries a verb until it answers, or fails in a way that stays.
macro_rules! tried {
    ($verb:expr) => {{
        let mut tries = $crate::adapters::sqlx::failure::Tries::default();
        loop {
            match $verb.await {
                Err(failure) if tries.again(&failure).await => {}
                answer => break answer.map_err($crate::error::StoreError::from),
            }
        }
    }};
}

pub(super) use tried;
