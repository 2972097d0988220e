//! A pending request as it travels through the browser.

use serde::{Deserialize, Serialize};

use super::browser::Browser;
use super::pending::PendingAuthorization;
use super::request::HintedSubject;
use crate::clock::Timestamp;
use crate::error::{Internal, Reason, Result, StoreError, StoreErrorKind};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::payload::{self, Kind};
use crate::seal::{self, Unsealed};
use crate::secret::{self, TokenHash};
use crate::store::{TicketRecord, TicketStore};
use crate::types::Scope;

/// Most characters of a sealed request: what fits into a URL everywhere. What is longer waits in a `TicketStore`.
pub const MAX_SEALED_BYTES: usize = 4096;

/// The form of what is sealed.
const VERSION: u8 = 1;

/// Bytes that sealing adds: secret, version, nonce, expiry and tag.
const OVERHEAD: usize = 4 + 1 + 24 + 8 + 16;

/// How often another key is drawn because one is taken.
const MAX_ATTEMPTS: u8 = 3;

/// What a sealed text holds.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u8,
    carried: T,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Carried {
    /// The request itself.
    Request(Body),
    /// The key of the ticket that is the request.
    Ticket(String),
}

/// A request, to be read again when it comes back.
#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) params: Vec<(String, String)>,
    pub(super) scope: Scope,
    pub(super) hint: HintedSubject,
    pub(super) requested_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) browser: Browser,
    pub(super) selected: bool,
}

impl Body {
    fn of(pending: &PendingAuthorization) -> Self {
        let state = pending.state();
        Self {
            params: state.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            scope: state.request.scope.clone(),
            hint: state.request.id_token_hint.clone(),
            requested_at: state.requested_at,
            expires_at: state.expires_at,
            browser: state.browser,
            selected: state.selected,
        }
    }
}

/// Refuses a request that could not be carried from page to page, before anybody is asked anything.
///
/// # Errors
/// [`Reason::PendingTooLarge`] when it is too long, and there is no `TicketStore`.
pub(super) fn check_size(core: &Core, pending: &PendingAuthorization) -> Result<()> {
    if core.stores.tickets.is_none()
        && length(plain(Carried::Request(Body::of(pending)))?.len()) > MAX_SEALED_BYTES
    {
        return Err(Reason::PendingTooLarge.into());
    }
    Ok(())
}

/// Seals a pending request until its time is over. Only an oversized one is written to a store.
///
/// # Errors
/// [`Reason::PendingTooLarge`] as above; a store or a random source that fails.
pub(super) async fn seal(core: &Core, cx: &Context<'_>, pending: &PendingAuthorization) -> Result<String> {
    let mut bytes = plain(Carried::Request(Body::of(pending)))?;
    if length(bytes.len()) > MAX_SEALED_BYTES {
        let tickets = core.stores.tickets.as_deref().ok_or(Reason::PendingTooLarge)?;
        bytes = plain(Carried::Ticket(deposit(cx, tickets, &Body::of(pending)).await?))?;
    }
    Ok(seal::seal_text(cx.secrets, cx.entropy, &context(cx), pending.expires_at(), &bytes)?)
}

/// The request of a sealed text.
///
/// # Errors
/// [`Reason::PendingExpired`], [`Reason::PendingUnreadable`], or a store that fails.
pub(super) async fn open(core: &Core, cx: &Context<'_>, sealed: &str) -> Result<Body> {
    let bytes = seal::open_text(cx.secrets, &context(cx), sealed, cx.now).map_err(|error| match error {
        Unsealed::Altered => Reason::PendingUnreadable,
        Unsealed::Expired => Reason::PendingExpired,
    })?;
    let body = match serde_json::from_slice(&bytes) {
        Ok(Envelope { version: VERSION, carried: Carried::Request(body) }) => body,
        Ok(Envelope { version: VERSION, carried: Carried::Ticket(key) }) => collect(core, cx, &key).await?,
        _ => return Err(Reason::PendingUnreadable.into()),
    };
    if body.expires_at.has_passed(cx.now) {
        return Err(Reason::PendingExpired.into());
    }
    Ok(body)
}

async fn deposit(cx: &Context<'_>, tickets: &dyn TicketStore, body: &Body) -> Result<String> {
    for _ in 0..MAX_ATTEMPTS {
        let key = secret::generate(cx.entropy, 256)?;
        let hash = TokenHash::of(key.expose());
        let payload = payload::seal(cx, Kind::PendingRequest, hash.as_bytes(), body)?;
        let ticket = TicketRecord { open_until: body.expires_at, keep_until: body.expires_at, payload };
        match tickets.put(hash, ticket, cx.now).await {
            Ok(()) => return Ok(key.expose().to_owned()),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::from(StoreErrorKind::Conflict).into())
}

async fn collect(core: &Core, cx: &Context<'_>, key: &str) -> Result<Body> {
    let tickets = core.stores.tickets.as_deref().ok_or(Reason::PendingUnreadable)?;
    let hash = TokenHash::of(key);
    let ticket = tickets.get(&hash, cx.now).await?.ok_or(Reason::PendingExpired)?;
    let body = payload::open(cx, Kind::PendingRequest, hash.as_bytes(), &ticket.payload);
    Ok(body.ok_or(Reason::PendingUnreadable)?)
}

fn plain(carried: Carried) -> Result<Vec<u8>> {
    let envelope = Envelope { version: VERSION, carried };
    Ok(serde_json::to_vec(&envelope)
        .map_err(|error| Internal::new("could not serialise a request", error))?)
}

/// Characters of the sealed text for so many bytes.
const fn length(bytes: usize) -> usize {
    ((bytes + OVERHEAD) * 4).div_ceil(3)
}

fn context<'a>(cx: &Context<'a>) -> seal::Context<'a> {
    seal::Context { kind: "pending request", issuer: cx.issuer(), key: b"" }
}
