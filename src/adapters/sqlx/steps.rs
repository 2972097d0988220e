//! Tokens and families where the database cannot do it all in one statement, and why a grant took nothing.

use super::dialect::Engine;
use super::failure::{Failure, tried};
use super::grant::stored;
use super::lent::{Writing, written};
use super::statements::Steps;
use super::store::SqlStore;
use super::value::{Value, values};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::{Advance, Insertion, Issued, RefreshUse, Refreshed, StoredGrant};
use crate::types::GrantId;

/// Whether a grant would take tokens.
pub(super) async fn nothing_to_insert<E: Engine>(
    store: &SqlStore<E>,
    id: &GrantId,
    now: Timestamp,
) -> Result<Insertion, StoreError> {
    match grant(store, id, now).await? {
        Some(grant) if grant.is_active(now) => Ok(Insertion::Inserted),
        Some(grant) if grant.revoked_at.is_some() => Ok(Insertion::GrantRevoked),
        Some(_) | None => Ok(Insertion::GrantAbsent),
    }
}

/// What is to be inserted under a grant.
pub(super) struct Addition<'a> {
    pub(super) grant: &'a GrantId,
    pub(super) issued: &'a Issued,
    pub(super) values: &'a [Value<'a>],
    pub(super) now: Timestamp,
}

/// Inserts all of `issued` if the grant takes it, and says why if it does not.
pub(super) async fn insert_in_steps<E: Engine>(
    store: &SqlStore<E>,
    steps: &'static Steps,
    addition: &Addition<'_>,
) -> Result<Insertion, StoreError> {
    let Addition { grant, issued, values, now } = *addition;
    let inserted = match (&issued.access, &issued.family) {
        (Some(_), Some(_)) => tried!(insert_both(store, steps, values))?,
        (None, _) => store.connections.write(&steps.begin_family, values).await? == 1,
        (Some(_), None) => store.connections.write(&steps.insert_token, values).await? == 1,
    };
    if inserted { Ok(Insertion::Inserted) } else { refused_insertion(store, grant, issued, now).await }
}

async fn insert_both<E: Engine>(
    store: &SqlStore<E>,
    steps: &'static Steps,
    values: &[Value<'_>],
) -> Result<bool, Failure> {
    let mut lent = store.connections.lend().await?;
    let mut writing = lent.begin().await?;
    if writing.write(&steps.begin_family, values).await? != 1 {
        writing.roll_back().await?;
        return Ok(false);
    }
    written(writing.write(&steps.add_token, values).await?)?;
    writing.commit().await?;
    store.connections.take_back(lent);
    Ok(true)
}

/// Why a grant took nothing.
pub(super) async fn refused_insertion<E: Engine>(
    store: &SqlStore<E>,
    id: &GrantId,
    issued: &Issued,
    now: Timestamp,
) -> Result<Insertion, StoreError> {
    match grant(store, id, now).await? {
        Some(grant) if grant.revoked_at.is_some() => Ok(Insertion::GrantRevoked),
        Some(grant) if grant.is_active(now) && grant.head.is_some() && issued.family.is_some() => {
            Err(StoreErrorKind::Conflict.into())
        }
        // Absent or past its limit; or it was inserted after it was looked for.
        Some(_) | None => Ok(Insertion::GrantAbsent),
    }
}

async fn grant<E: Engine>(
    store: &SqlStore<E>,
    id: &GrantId,
    now: Timestamp,
) -> Result<Option<StoredGrant>, StoreError> {
    let values = values![store.tenant(), id, now];
    store.connections.find(&E::statements().grant, &values).await?.as_ref().map(stored).transpose()
}

/// One use of a refresh token: what is presented, and what is inserted if it is good.
pub(super) struct Use<'a> {
    pub(super) used: &'a RefreshUse,
    pub(super) with_token: bool,
    pub(super) values: &'a [Value<'a>],
    pub(super) now: Timestamp,
}

/// Moves the head if it was presented; otherwise looks at the row and does what `RefreshUse::outcome` says.
pub(super) async fn refresh_in_steps<E: Engine>(
    store: &SqlStore<E>,
    steps: &'static Steps,
    refresh: &Use<'_>,
) -> Result<Refreshed, Failure> {
    let mut lent = store.connections.lend().await?;
    let mut writing = lent.begin().await?;
    let outcome = match move_head(&mut writing, steps, refresh).await? {
        Some(moved) => moved,
        None => look(&mut writing, steps, refresh).await?,
    };
    let good = matches!(outcome, Refreshed::Kept | Refreshed::Rotated | Refreshed::Retried { .. });
    if good && refresh.with_token {
        written(writing.write(&steps.add_token, refresh.values).await?)?;
    }
    writing.commit().await?;
    store.connections.take_back(lent);
    Ok(outcome)
}

/// Uses the head, if that is what was presented and everything it hangs on is in its time.
async fn move_head<E: Engine>(
    writing: &mut Writing<'_, E>,
    steps: &'static Steps,
    refresh: &Use<'_>,
) -> Result<Option<Refreshed>, Failure> {
    let (text, outcome) = match refresh.used.advance {
        Advance::Keep => (&steps.keep, Refreshed::Kept),
        Advance::Rotate => (&steps.rotate, Refreshed::Rotated),
    };
    let moved = writing.write(text, refresh.values).await? == 1;
    Ok(moved.then_some(outcome))
}

/// What becomes of a token that did not move the head. From here on nobody else writes to the row.
async fn look<E: Engine>(
    writing: &mut Writing<'_, E>,
    steps: &'static Steps,
    refresh: &Use<'_>,
) -> Result<Refreshed, Failure> {
    let row = writing.find(&steps.lock, refresh.values).await?;
    let grant = row.as_ref().map(stored).transpose()?;
    let outcome = refresh.used.outcome(grant.as_ref(), refresh.now);
    match outcome {
        // It has become the head meanwhile; or it is the head at the largest number that a column holds.
        Refreshed::Kept | Refreshed::Rotated => {
            move_head(writing, steps, refresh).await?.ok_or_else(|| StoreErrorKind::Corrupt.into())
        }
        Refreshed::Replayed => {
            written(writing.write(&steps.revoke, refresh.values).await?)?;
            Ok(outcome)
        }
        _ => Ok(outcome),
    }
}
