//! What an error of the database means to the one who asked.

use sqlx::error::BoxDynError;

use crate::error::{StoreError, StoreErrorKind};

/// A statement that failed. Only a key that exists is known not to have been written; whatever else went wrong, the
/// outcome is unknown.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    let taken = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    let kind = if taken { StoreErrorKind::Conflict } else { StoreErrorKind::Unavailable };
    StoreError::new(kind, error)
}

/// A column that holds what no statement of ours writes.
pub(super) fn corrupt(error: impl Into<BoxDynError>) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, error)
}
