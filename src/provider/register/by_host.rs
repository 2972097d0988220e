//! What the host does with clients that registered.

use super::manage::{ATTEMPTS, delete};
use super::record::{self, Registered};
use super::tokens::RegistrationTokens;
use super::validate;
use crate::client::{Client, ClientSettings};
use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::provider::administration::cursor::{self, Of};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::secret::Secret;
use crate::store::{Listing, Page, Replacement, StoredClient};
use crate::types::ClientId;

/// A client that registered itself, as a host sees it in a listing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegisteredClient {
    /// The client.
    pub client: Client,
    /// When it registered.
    pub issued_at: Timestamp,
}

/// One page of the clients that registered. A record that does not open is left out, and is an alarm.
pub(crate) async fn list(core: &Core, page: &Page) -> Result<Listing<RegisteredClient>> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let page = cursor::opened(&cx, Of::Clients, page)?;
    let stored = record::registry(core)?.registered_clients(&page, cx.now).await?;
    let items = stored.items.iter().filter_map(|stored| listed(&cx, stored)).collect();
    cursor::sealed(&cx, Of::Clients, Listing { items, next: stored.next })
}

fn listed(cx: &Context<'_>, stored: &StoredClient) -> Option<RegisteredClient> {
    let id = &stored.record.id;
    let opened = Registered::open((cx.secrets, cx.issuer()), stored);
    let found = opened.and_then(|opened| Some((opened.client(id).ok()?, opened.issued_at)));
    if found.is_none() {
        cx.emit(&cx.event(EventKind::PayloadUnreadable).with_client(id));
    }
    found.map(|(client, issued_at)| RegisteredClient { client, issued_at })
}

/// Any client, as the host asks for it.
pub(crate) async fn client(core: &Core, id: &ClientId) -> Result<Option<Client>> {
    Ok(core.stores.clients.client(id, core.clock.now()).await?)
}

/// Replaces what the host decided for a registered client; `false` where it is not registered.
pub(crate) async fn set_settings(core: &Core, id: &ClientId, settings: &ClientSettings) -> Result<bool> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    rewrite(core, &arrival.context(), id, |registered| registered.settings = settings.clone()).await
}

/// Mints the registration access token that is the only one from then on; `None` where the client is not registered.
pub(crate) async fn mint_registration_token(core: &Core, id: &ClientId) -> Result<Option<Secret>> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let token = record::mint_token(&cx)?;
    let tokens = RegistrationTokens::new(&token);
    let written = rewrite(core, &cx, id, |registered| registered.tokens = tokens.clone()).await?;
    Ok(written.then_some(token))
}

/// Changes a registered client over the version that was read; `false` where it is not registered.
async fn rewrite(
    core: &Core,
    cx: &Context<'_>,
    id: &ClientId,
    change: impl Fn(&mut Registered),
) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        let Some(stored) = record::registry(core)?.registered(id, cx.now).await? else { return Ok(false) };
        let Some(mut registered) = Registered::open((cx.secrets, cx.issuer()), &stored) else {
            return Ok(false);
        };
        change(&mut registered);
        let client = registered.client(id).map_err(|refused| validate::refusal(&refused))?;
        let record = registered.record(cx, id)?;
        let replaced = record::registry(core)?.replace_registered(record, stored.version, cx.now).await?;
        if replaced == Replacement::Written {
            cx.note_client(&client);
            cx.emit(&cx.event(EventKind::ClientUpdated));
            return Ok(true);
        }
    }
    Err(Reason::RegistrationContended.into())
}

/// Removes a registered client for the host; `false` where it is not registered.
pub(crate) async fn remove_by_host(core: &Core, id: &ClientId) -> Result<bool> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let removed = delete(core, &cx, id).await?;
    if removed {
        cx.emit(&cx.event(EventKind::ClientDeleted).with_client(id));
    }
    Ok(removed)
}
