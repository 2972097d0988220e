//! A pending request as it travels through the browser.

use serde::{Deserialize, Serialize};

use super::browser::Browser;
use super::pending::PendingAuthorization;
use super::request::{AuthorizationRequest, HintedSubject};
use crate::clock::Timestamp;
use crate::error::{Internal, Reason, Result, StoreError, StoreErrorKind};
use crate::limiter::LimitPoint;
use crate::provider::consent::Known;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::payload::{self, Kind};
use crate::seal::{self, Unsealed};
use crate::secret::{self, TokenHash};
use crate::store::{TicketRecord, TicketStore};
use crate::types::{Scope, Subject};

/// Most characters of a sealed request: what fits into a URL everywhere. What is longer waits in a `TicketStore`.
pub const MAX_SEALED_BYTES: usize = 4096;

/// The form of what is sealed.
const VERSION: u8 = 1;

/// Bytes that sealing adds: secret, version, nonce, expiry and tag.
const OVERHEAD: usize = 4 + 1 + 24 + 8 + 16;

/// How often another key is drawn because one is taken.
const MAX_ATTEMPTS: u8 = 3;

/// Bytes by which a request grows when it is noted who was asked for consent, and that a login fell short.
const ASKED_BYTES: usize = 64;

/// What a sealed text holds.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u8,
    carried: Carried,
    progress: Progress,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Carried {
    /// The request itself.
    Request(Body),
    /// The key of the ticket that is the request.
    Ticket(String),
}

/// What changes from page to page. It is always in the text, so that a ticket is written once.
#[derive(Serialize, Deserialize)]
pub(super) struct Progress {
    #[serde(default)]
    pub(super) created: bool,
    pub(super) selected: bool,
    pub(super) asked: Option<String>,
    #[serde(default)]
    pub(super) acr_missed: Option<Timestamp>,
    pub(super) consent: Option<(Subject, Option<Known>)>,
}

/// A sealed text that was opened.
pub(super) struct Opened {
    pub(super) body: Body,
    pub(super) progress: Progress,
    /// The key of the ticket that the request was in.
    pub(super) ticket: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pushed: Option<String>,
    /// What the authorization details were as they were shown, as a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<String>,
}

/// The authorization details of a request as they are shown, as a hash; `None` where there are none.
pub(super) fn shown(request: &AuthorizationRequest) -> Option<String> {
    let details = &request.authorization_details;
    (!details.is_empty()).then(|| details.fingerprint())
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
            pushed: state.pushed.clone(),
            details: shown(&state.request),
        }
    }
}

impl Envelope {
    fn new(carried: Carried, pending: &PendingAuthorization) -> Self {
        let state = pending.state();
        let (asked, consent) = (state.asked.clone(), state.consent.clone());
        let (created, selected, acr_missed) = (state.created, state.selected, state.acr_missed);
        let progress = Progress { created, selected, asked, acr_missed, consent };
        Self { version: VERSION, carried, progress }
    }

    /// The plain text; `None` when it is too long. What was remembered of consent is left out where there is no room
    /// for it, since it can be read again.
    fn fitting(mut self) -> Result<Option<Vec<u8>>> {
        let mut bytes = plain(&self)?;
        if length(bytes.len()) > MAX_SEALED_BYTES && self.progress.consent.take().is_some() {
            bytes = plain(&self)?;
        }
        Ok((length(bytes.len()) <= MAX_SEALED_BYTES).then_some(bytes))
    }
}

/// Refuses a request that could not be carried from page to page, before anybody is asked anything.
///
/// # Errors
/// [`Reason::PendingTooLarge`] when it is too long, and there is no `TicketStore`.
pub(super) fn check_size(core: &Core, pending: &PendingAuthorization) -> Result<()> {
    let envelope = Envelope::new(Carried::Request(Body::of(pending)), pending);
    if core.stores.tickets.is_none() && length(plain(&envelope)?.len() + ASKED_BYTES) > MAX_SEALED_BYTES {
        return Err(Reason::PendingTooLarge.into());
    }
    Ok(())
}

/// Seals a pending request until its time is over. Only an oversized one is written to a store, once.
///
/// # Errors
/// [`Reason::PendingTooLarge`] as above; [`Reason::RateLimited`] before anything is written; a store or a random
/// source that fails.
pub(super) async fn seal(core: &Core, cx: &Context<'_>, pending: &PendingAuthorization) -> Result<String> {
    let bytes = match Envelope::new(Carried::Request(Body::of(pending)), pending).fitting()? {
        Some(bytes) => bytes,
        None => {
            let key = ticket(core, cx, pending).await?;
            Envelope::new(Carried::Ticket(key), pending).fitting()?.ok_or(Reason::PendingTooLarge)?
        }
    };
    Ok(seal::seal_text(cx.secrets, cx.entropy, &context(cx), pending.expires_at(), &bytes)?)
}

/// The request of a sealed text.
///
/// # Errors
/// [`Reason::PendingExpired`], [`Reason::PendingUnreadable`], or a store that fails.
pub(super) async fn open(core: &Core, cx: &Context<'_>, sealed: &str) -> Result<Opened> {
    let bytes = seal::open_text(cx.secrets, &context(cx), sealed, cx.now).map_err(|error| match error {
        Unsealed::Altered => Reason::PendingUnreadable,
        Unsealed::Expired => Reason::PendingExpired,
    })?;
    let opened = match serde_json::from_slice(&bytes) {
        Ok(Envelope { version: VERSION, carried: Carried::Request(body), progress }) => {
            Opened { body, progress, ticket: None }
        }
        Ok(Envelope { version: VERSION, carried: Carried::Ticket(key), progress }) => {
            Opened { body: collect(core, cx, &key).await?, progress, ticket: Some(key) }
        }
        _ => return Err(Reason::PendingUnreadable.into()),
    };
    if opened.body.expires_at.has_passed(cx.now) {
        return Err(Reason::PendingExpired.into());
    }
    Ok(opened)
}

/// The ticket that the request is in, or a new one. Nobody has signed in yet, so the limiter is asked before a row
/// is written.
async fn ticket(core: &Core, cx: &Context<'_>, pending: &PendingAuthorization) -> Result<String> {
    let tickets = core.stores.tickets.as_deref().ok_or(Reason::PendingTooLarge)?;
    if let Some(key) = &pending.state().ticket {
        return Ok(key.clone());
    }
    core.admit(cx, LimitPoint::Authorization, pending.client().id()).await?;
    deposit(cx, tickets, &Body::of(pending)).await
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

fn plain(envelope: &Envelope) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(envelope).map_err(|error| Internal::new("could not serialise a request", error))?)
}

/// Characters of the sealed text for so many bytes.
const fn length(bytes: usize) -> usize {
    ((bytes + OVERHEAD) * 4).div_ceil(3)
}

fn context<'a>(cx: &Context<'a>) -> seal::Context<'a> {
    seal::Context { kind: "pending request", issuer: cx.issuer(), key: b"" }
}
