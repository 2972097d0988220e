//! Initial access tokens (RFC 7591 section 1.2): who may register at all.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::settings::{InitialTokenUses, Registration};
use crate::error::{Internal, Reason, Result};
use crate::event::Endpoint;
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::format::{TokenKind, opaque};
use crate::provider::payload::{self, Kind};
use crate::secret::{Secret, TokenHash};
use crate::store::{TicketRecord, TicketStore};

/// What a token was minted for.
#[derive(Serialize, Deserialize)]
struct InitialAccess {
    uses: InitialTokenUses,
    expires_at: crate::clock::Timestamp,
}

/// What lets a request register.
pub(super) enum Admission {
    /// Nothing has to be used up.
    Open,
    /// The token of this key is good for one registration.
    Once(TokenHash),
}

/// Mints a token, and keeps its hash until it ends.
pub(crate) async fn mint(core: &Core, uses: InitialTokenUses, lifetime: Duration) -> Result<Secret> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let form = (cx.config.prefixes.initial_access_token.as_str(), cx.issuer());
    let token = opaque::mint(cx.secrets, cx.entropy, TokenKind::InitialAccessToken, form)?;
    let (key, expires_at) = (TokenHash::of(token.expose()), cx.now.plus(lifetime));
    let access = InitialAccess { uses, expires_at };
    let payload = payload::seal(&cx, Kind::InitialAccess, key.as_bytes(), &access)?;
    let ticket = TicketRecord { open_until: expires_at, keep_until: expires_at, payload };
    tickets(core)?.put(key, ticket, cx.now).await?;
    Ok(token)
}

/// The token that the request needs; `None` where whoever comes may register. Whether it is ours shows without the store,
/// so that strangers are turned away before anything counts.
pub(super) fn presented(
    cx: &Context<'_>,
    registration: &Registration,
    token: Option<&Secret>,
) -> Result<Option<TokenHash>, Reason> {
    if !registration.needs_token() {
        return Ok(None);
    }
    let token = token.ok_or(Reason::InitialTokenMissing)?;
    let form = (cx.config.prefixes.initial_access_token.as_str(), cx.issuer());
    if !opaque::is_ours(cx.secrets, TokenKind::InitialAccessToken, form, token.expose()) {
        return Err(Reason::InitialTokenInvalid);
    }
    Ok(Some(TokenHash::of(token.expose())))
}

/// What the limiter counts a registration under: the token that it needs.
pub(super) fn limiter_key(token: Option<&TokenHash>) -> String {
    token.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key.as_bytes())).unwrap_or_default()
}

/// Whether the request may register; nothing is used up yet.
pub(super) async fn admit(core: &Core, cx: &Context<'_>, token: Option<TokenHash>) -> Result<Admission> {
    let Some(key) = token else { return Ok(Admission::Open) };
    let ticket = tickets(core)?.get(&key, cx.now).await?.ok_or(Reason::InitialTokenInvalid)?;
    let access: Option<InitialAccess> =
        payload::open(cx, Kind::InitialAccess, key.as_bytes(), &ticket.payload);
    let access = access.filter(|access| !access.expires_at.has_passed(cx.now));
    match access.ok_or(Reason::InitialTokenInvalid)?.uses {
        InitialTokenUses::Once => Ok(Admission::Once(key)),
        InitialTokenUses::UntilExpiry => Ok(Admission::Open),
    }
}

/// Uses up what is good once: of many registrations with one token, one goes on.
pub(super) async fn use_up(core: &Core, cx: &Context<'_>, admission: Admission) -> Result<()> {
    let Admission::Once(key) = admission else { return Ok(()) };
    tickets(core)?.take(&key, cx.now).await?.ok_or(Reason::InitialTokenInvalid)?;
    Ok(())
}

fn tickets(core: &Core) -> Result<&Arc<dyn TicketStore>> {
    let tickets = core.stores.tickets.as_ref();
    Ok(tickets
        .ok_or_else(|| Internal::new("could not keep an initial access token", "there is no TicketStore"))?)
}
