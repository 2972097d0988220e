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

/// After so many the pauses grow no more.
const MOST_DOUBLINGS: u32 = 4;

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

    /// Nothing was done, and will be when it is tried again.
    pub(super) fn passing() -> Self {
        Self { error: StoreErrorKind::Unavailable.into(), transient: true }
    }

    /// The same, but not to be tried again.
    pub(super) fn lasting(self) -> Self {
        Self { transient: false, ..self }
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
        pause(self.0).await;
        true
    }
}

/// Waits before the repetition of this number, counted from one.
pub(super) async fn pause(repetition: u32) {
    // Without entropy all wait for the longest time.
    let share = random::<1>(&OsEntropy).map_or(u8::MAX, |[share]| share);
    let longest = PAUSE * (1 << repetition.saturating_sub(1).min(MOST_DOUBLINGS));
    tokio::time::sleep(longest * (u32::from(share) + 1) / 256).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 320: what passes is tried three times in all.
    #[tokio::test]
    async fn what_passes_is_tried_three_times() {
        let mut tries = Tries::default();
        let mut again = Vec::new();
        for _ in 0..4 {
            again.push(tries.again(&Failure::passing()).await);
        }
        assert_eq!(again, [true, true, false, false]);
    }

    /// attack 315: what may have happened is not tried again.
    #[tokio::test]
    async fn what_may_have_happened_is_not_tried_again() {
        for kind in [StoreErrorKind::Conflict, StoreErrorKind::Corrupt, StoreErrorKind::Unavailable] {
            assert!(!Tries::default().again(&kind.into()).await, "{kind:?}");
        }
        assert!(!Tries::default().again(&Failure::passing().lasting()).await);
    }
}
