//! Moving payloads from old system secrets to the one that writes now.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cursor::{self, Of};
use crate::error::{Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::payload::{self, Kind};
use crate::provider::register;
use crate::runtime::Runtime;
use crate::seal::Sealed;
use crate::secret::SecretId;
use crate::store::{Page, Reseal, RowKind, SealedRow};

/// What became of rows whose payload was sealed under an old system secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Resealed {
    /// How many were moved.
    pub moved: u64,
    /// How many others wrote, moved or removed meanwhile. What was written is under the secret of whoever wrote it.
    pub overtaken: u64,
    /// How many do not open: they were altered, are of another issuer, or were written by a newer release.
    pub unreadable: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// Where a run stands: which of the stores, which of the old secrets, and where in that listing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    store: usize,
    secret: Option<SecretId>,
    after: Option<String>,
}

/// One page, for whoever calls again by the cursor.
pub(super) async fn page(core: &Core, page: &Page) -> Result<Resealed> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let place = match &page.after {
        None => Place::default(),
        Some(text) => {
            serde_json::from_str(&cursor::open(&cx, Of::Reseal, text)?).map_err(|_| Reason::CursorInvalid)?
        }
    };
    let (mut resealed, next) = step(core, &cx, place, page.limit).await?;
    tell(&cx, &resealed);
    if let Some(next) = next {
        let text = serde_json::to_string(&next).map_err(|_| Reason::InternalFault)?;
        resealed.next = Some(cursor::seal(&cx, Of::Reseal, &text)?);
    }
    Ok(resealed)
}

/// All pages. What came of them is told once, also where a store fails halfway.
pub(super) async fn all(core: &Core, limit: u16, pause: Duration, runtime: &dyn Runtime) -> Result<Resealed> {
    let mut total = Resealed::default();
    let outcome = every(core, limit, (pause, runtime), &mut total).await;
    let arrival = Arrival::at(Endpoint::Administration, core);
    tell(&arrival.context(), &total);
    outcome.map(|()| total)
}

async fn every(
    core: &Core,
    limit: u16,
    (pause, runtime): (Duration, &dyn Runtime),
    total: &mut Resealed,
) -> Result<()> {
    let mut place = Place::default();
    loop {
        // The time of each page is its own: a run can take hours.
        let arrival = Arrival::at(Endpoint::Administration, core);
        let (resealed, next) = step(core, &arrival.context(), place, limit).await?;
        total.moved += resealed.moved;
        total.overtaken += resealed.overtaken;
        total.unreadable += resealed.unreadable;
        match next {
            Some(next) => place = next,
            None => return Ok(()),
        }
        runtime.sleep(pause).await;
    }
}

fn tell(cx: &Context<'_>, resealed: &Resealed) {
    let Resealed { moved, unreadable, .. } = *resealed;
    if moved > 0 || unreadable > 0 {
        cx.emit(&cx.event(EventKind::PayloadsResealed { moved, unreadable }));
    }
}

/// Moves the rows of one page, and says where the next begins.
async fn step(core: &Core, cx: &Context<'_>, place: Place, limit: u16) -> Result<(Resealed, Option<Place>)> {
    let mut resealed = Resealed::default();
    let old: Vec<SecretId> = cx.secrets.readers().skip(1).map(|keys| keys.id).collect();
    // Where its secret is not listed any more, a run goes on with the first that is.
    let known = place.secret.and_then(|secret| old.iter().position(|id| *id == secret));
    let (nth, after) = known.map_or((0, None), |nth| (nth, place.after));
    let (Some(store), Some(secret)) = (core.stores.reseal.get(place.store), old.get(nth)) else {
        return Ok((resealed, None));
    };
    let page = Page { after, limit };
    let listing = store.sealed_under(*secret, &page, cx.now).await?;
    for row in &listing.items {
        match reseal(cx, &**store, row).await? {
            Outcome::Moved => resealed.moved += 1,
            Outcome::Overtaken => resealed.overtaken += 1,
            Outcome::Unreadable => resealed.unreadable += 1,
        }
    }
    let next = match (listing.next, old.get(nth + 1)) {
        (Some(after), _) => Some(Place { store: place.store, secret: Some(*secret), after: Some(after) }),
        (None, Some(secret)) => Some(Place { store: place.store, secret: Some(*secret), after: None }),
        (None, None) => Some(Place { store: place.store + 1, secret: None, after: None }),
    };
    Ok((resealed, next.filter(|next| next.store < core.stores.reseal.len())))
}

enum Outcome {
    Moved,
    Overtaken,
    Unreadable,
}

async fn reseal(cx: &Context<'_>, store: &dyn Reseal, row: &SealedRow) -> Result<Outcome> {
    let Some(new) = moved(cx, row)? else { return Ok(Outcome::Unreadable) };
    match store.reseal(row, new, cx.now).await? {
        true => Ok(Outcome::Moved),
        false => Ok(Outcome::Overtaken),
    }
}

/// The payload under the secret that writes now, byte for byte what it was, so that nothing is lost that another release
/// has put in; `None` when it does not open.
fn moved(cx: &Context<'_>, SealedRow { name, payload }: &SealedRow) -> Result<Option<Sealed>> {
    for kind in kinds(name.kind) {
        if let Some(opened) = payload::open_bytes(cx, *kind, &name.key, payload) {
            let opened = match kind {
                Kind::RegisteredClient => register::with_moved_secrets(cx, &name.key, opened)?,
                _ => Some(opened),
            };
            return opened.map(|opened| payload::seal_bytes(cx, *kind, &name.key, &opened)).transpose();
        }
    }
    Ok(None)
}

/// What a row of this kind may hold.
const fn kinds(row: RowKind) -> &'static [Kind] {
    match row {
        RowKind::Client => &[Kind::RegisteredClient],
        RowKind::Code => &[Kind::AuthorizationCode],
        RowKind::Consent => &[Kind::Consent],
        RowKind::Deferred => &[Kind::Deferred],
        RowKind::Grant => &[Kind::Grant],
        RowKind::KeySet => &[Kind::KeySet],
        RowKind::Ticket => &[Kind::PendingRequest, Kind::PushedRequest, Kind::InitialAccess],
        RowKind::Token => &[Kind::AccessToken],
    }
}
