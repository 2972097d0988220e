//! Dynamic registration (RFC 7591) and the management of what registered (RFC 7592), at one endpoint.
//!
//! The configuration of a client is the registration endpoint with its `client_id` in the query, so that every path of
//! the provider stays one that is compared byte for byte.

mod addresses;
mod answer;
mod by_host;
mod clients;
mod encryption;
mod initial;
mod manage;
mod record;
mod respond;
mod rules;
mod sector;
mod settings;
mod settle;
mod signing;
mod statement;
mod tokens;
mod validate;

use serde_json::{Map, Value};

pub use answer::ClientInformation;
pub use by_host::RegisteredClient;
pub(crate) use by_host::{client, list, mint_registration_token, remove_by_host, set_settings};
pub(crate) use clients::RegisteredClients;
pub(crate) use initial::mint as mint_initial_token;
pub(crate) use record::with_moved_secrets;
pub(crate) use respond::respond;
pub(super) use rules::{Bounds, Rules};
pub use settings::{InitialTokenUses, Registrant, Registration, RegistrationPolicy};
pub(crate) use settle::check_sector_of;
pub use statement::SoftwareStatementIssuer;
pub(super) use validate::{given, metadata as read_metadata, refusal as metadata_refusal};

use self::record::Registered;
use self::tokens::RegistrationTokens;
use super::context::{Arrival, Context};
use super::core::Core;
use crate::client::{ClientMetadata, ClientSecret};
use crate::error::{Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::limiter::LimitPoint;
use crate::secret::{Secret, generate};
use crate::types::ClientId;

/// Bits of randomness in a `client_id`.
const CLIENT_ID_BITS: usize = 128;

/// Registers a client that came by another transport.
pub(crate) async fn register(
    core: &Core,
    token: Option<&Secret>,
    members: &Map<String, Value>,
) -> Result<ClientInformation> {
    typed(core, async |cx| enroll(core, cx, token, || Ok(members.clone())).await).await
}

/// Reads a registration for its client.
pub(crate) async fn read(core: &Core, id: &ClientId, token: &Secret) -> Result<ClientInformation> {
    typed(core, async |cx| manage::read(core, cx, (id, token)).await).await
}

/// Replaces a registration for its client.
pub(crate) async fn update(
    core: &Core,
    of: (&ClientId, &Secret),
    members: &Map<String, Value>,
) -> Result<ClientInformation> {
    typed(core, async |cx| manage::update(core, cx, of, members).await).await
}

/// Removes a registration for its client.
pub(crate) async fn remove(core: &Core, id: &ClientId, token: &Secret) -> Result<()> {
    typed(core, async |cx| manage::remove(core, cx, (id, token)).await).await
}

async fn typed<T>(core: &Core, work: impl AsyncFnOnce(&Context<'_>) -> Result<T>) -> Result<T> {
    let arrival = Arrival::at(Endpoint::Registration, core);
    let cx = arrival.context();
    cx.reported(work(&cx).await)
}

/// Registers a client. An initial access token that is good once is used up when all else has been found sound.
async fn enroll(
    core: &Core,
    cx: &Context<'_>,
    token: Option<&Secret>,
    members: impl FnOnce() -> Result<Map<String, Value>, Reason>,
) -> Result<ClientInformation> {
    let registration = core.registration.as_ref().ok_or(Reason::NotFound)?;
    let token = initial::presented(cx, registration, token)?;
    core.admit_key(cx, LimitPoint::Registration, &initial::limiter_key(token.as_ref())).await?;
    let admission = initial::admit(core, cx, token).await?;
    let settled = settle::settle(core, cx, None, &members()?).await?;
    let id =
        ClientId::new(generate(cx.entropy, CLIENT_ID_BITS)?.expose()).map_err(|_| Reason::InternalFault)?;
    let (client_secret, secrets) = issued_secret(cx, &id, &settled.metadata)?;
    let token = record::mint_token(cx)?;
    let settings = registration.client_settings().clone();
    let tokens = RegistrationTokens::new(&token);
    let registered = Registered::new(tokens, cx.now, settled, settings, secrets);
    let client = registered.client(&id).map_err(|refused| validate::refusal(&refused))?;
    sector::check(None, &client)?;
    let record = registered.record(cx, &id)?;
    initial::use_up(core, cx, admission).await?;
    record::registry(core)?.register(record, cx.now).await?;
    cx.note_client(&client);
    cx.emit(&cx.event(EventKind::ClientRegistered));
    Ok(ClientInformation::new(cx, id, registered, client_secret, token))
}

/// A new secret, for a client whose method rests on one.
fn issued_secret(
    cx: &Context<'_>,
    id: &ClientId,
    metadata: &ClientMetadata,
) -> Result<(Option<Secret>, Vec<ClientSecret>)> {
    let method = &metadata.token_endpoint_auth_method;
    if !method.uses_secret() {
        return Ok((None, Vec::new()));
    }
    let (text, kept) = ClientSecret::generate_for(id, method, cx.secrets, cx.entropy)?;
    Ok((Some(text), vec![kept]))
}
