//! Reading, updating and deleting a registration (RFC 7592 section 2), by its client.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::answer::ClientInformation;
use super::record::{self, Registered};
use super::settle::{self, Current};
use super::tokens::Presented;
use super::{issued_secret, sector, validate};
use crate::client::{Client, ClientMetadata, ClientSecret, SecretCheck};
use crate::error::{Reason, Result};
use crate::event::EventKind;
use crate::limiter::LimitPoint;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::grants;
use crate::secret::Secret;
use crate::store::{ClientVersion, Filter, Replacement};
use crate::types::ClientId;

/// How often a writer begins again that others overtook.
pub(super) const ATTEMPTS: usize = 3;

/// How long requests may take that were under way when their node forgot the client of a registration.
const SETTLING: Duration = Duration::from_secs(10);

/// A client that has proven, by its registration access token, that the registration is its own.
struct Owner {
    id: ClientId,
    version: ClientVersion,
    registered: Registered,
    client: Client,
}

pub(super) async fn read(
    core: &Core,
    cx: &Context<'_>,
    of: (&ClientId, &Secret),
) -> Result<ClientInformation> {
    let Owner { id, registered, .. } = owner(core, cx, of).await?;
    Ok(ClientInformation::new(cx, id, registered, None, of.1.clone()))
}

/// Replaces everything that the client registered; what it leaves out is as if it had never been there. It gets
/// another registration access token, and the one that it used is good until it uses that.
pub(super) async fn update(
    core: &Core,
    cx: &Context<'_>,
    of: (&ClientId, &Secret),
    members: &Map<String, Value>,
) -> Result<ClientInformation> {
    let mut owner = owner(core, cx, of).await?;
    for _ in 0..ATTEMPTS {
        let presented = own_credentials(cx, &owner, members)?;
        let before = &owner.registered;
        let current = Current { client: &owner.client, stated: before.software_statement.is_some() };
        let settled = settle::settle(core, cx, Some(current), members).await?;
        let (client_secret, secrets) = kept_secrets(cx, &owner, &settled.metadata, presented)?;
        let token = record::mint_token(cx)?;
        let settings = before.settings.clone();
        let tokens = before.tokens.clone().followed_by(&token);
        let registered = Registered::new(tokens, before.issued_at, settled, settings, secrets);
        let client = registered.client(&owner.id).map_err(|refused| validate::refusal(&refused))?;
        sector::check(Some(&owner.client), &client)?;
        let record = registered.record(cx, &owner.id)?;
        match record::registry(core)?.replace_registered(record, owner.version, cx.now).await? {
            Replacement::Written => {
                cx.emit(&cx.event(EventKind::ClientUpdated));
                return Ok(ClientInformation::new(cx, owner.id, registered, client_secret, token));
            }
            // Whatever was written meanwhile counts: the host may have shut the client out (attack 214).
            Replacement::Absent | Replacement::Stale => owner = proven(core, cx, of).await?,
        }
    }
    Err(Reason::RegistrationContended.into())
}

/// Removes the client and revokes what it was granted.
pub(super) async fn remove(core: &Core, cx: &Context<'_>, of: (&ClientId, &Secret)) -> Result<()> {
    let owner = owner(core, cx, of).await?;
    delete(core, cx, &owner.id).await?;
    cx.emit(&cx.event(EventKind::ClientDeleted));
    Ok(())
}

/// The client, if the token is its registration access token. A newer one than it used before takes the place of that
/// one here.
async fn owner(core: &Core, cx: &Context<'_>, of: (&ClientId, &Secret)) -> Result<Owner> {
    let mut owner = proven(core, cx, of).await?;
    // Not before: nobody may use up what another client may do.
    core.admit(cx, LimitPoint::Registration, &owner.id).await?;
    for _ in 0..ATTEMPTS {
        let Presented::Unused(token) = owner.registered.tokens.presented(of.1) else { return Ok(owner) };
        owner.registered.tokens.use_first(token);
        let record = owner.registered.record(cx, &owner.id)?;
        let _ = record::registry(core)?.replace_registered(record, owner.version, cx.now).await?;
        owner = proven(core, cx, of).await?;
    }
    match owner.registered.tokens.presented(of.1) {
        Presented::Used => Ok(owner),
        Presented::Unknown | Presented::Unused(_) => Err(Reason::RegistrationContended.into()),
    }
}

/// The client, if the token is its registration access token (attack 215), and if it is not shut out (attack 214).
async fn proven(core: &Core, cx: &Context<'_>, (id, token): (&ClientId, &Secret)) -> Result<Owner> {
    if core.registration.is_none() {
        return Err(Reason::NotFound.into());
    }
    if !record::is_token(cx, token) {
        return Err(Reason::RegistrationTokenInvalid.into());
    }
    let stored =
        record::registry(core)?.registered(id, cx.now).await?.ok_or(Reason::RegistrationClientGone)?;
    let opened = Registered::open((cx.secrets, cx.issuer()), &stored);
    let client = opened.as_ref().and_then(|opened| opened.client(id).ok());
    let (Some(registered), Some(client)) = (opened, client) else {
        cx.emit(&cx.event(EventKind::PayloadUnreadable).with_client(id));
        return Err(Reason::RegistrationClientGone.into());
    };
    if registered.tokens.presented(token) == Presented::Unknown {
        return Err(Reason::RegistrationTokenForeign.into());
    }
    cx.note_client(&client);
    if registered.settings.disabled {
        return Err(Reason::RegistrationClientDisabled.into());
    }
    Ok(Owner { id: id.clone(), version: stored.version, registered, client })
}

/// Checks that an update names its own client, and no secret but the client's (RFC 7592 section 2.2). Gives the secret
/// that it named.
fn own_credentials(
    cx: &Context<'_>,
    owner: &Owner,
    members: &Map<String, Value>,
) -> Result<Option<Secret>, Reason> {
    if members.get("client_id").and_then(Value::as_str) != Some(owner.id.as_str()) {
        return Err(Reason::MetadataClientId);
    }
    let Some(named) = members.get("client_secret").filter(|secret| !secret.is_null()) else {
        return Ok(None);
    };
    let secret = Secret::new(named.as_str().ok_or(Reason::MetadataClientSecret)?);
    let is_it = |kept: &ClientSecret| kept.check(cx.secrets, &secret, cx.now) == SecretCheck::Match;
    if owner.registered.secrets.iter().any(is_it) {
        Ok(Some(secret))
    } else {
        Err(Reason::MetadataClientSecret)
    }
}

/// The secrets after an update. Whether a client authenticates at all stays as it is: its grants were made for the one
/// or the other.
fn kept_secrets(
    cx: &Context<'_>,
    owner: &Owner,
    metadata: &ClientMetadata,
    presented: Option<Secret>,
) -> Result<(Option<Secret>, Vec<ClientSecret>)> {
    let method = &metadata.token_endpoint_auth_method;
    if (*method == crate::client::ClientAuthMethod::None) == owner.client.is_confidential() {
        return Err(Reason::MetadataTypeChanged.into());
    }
    let kept = &owner.registered.secrets;
    if method.uses_secret() && !kept.is_empty() && kept.iter().all(|secret| secret.serves(method)) {
        return Ok((presented, kept.clone()));
    }
    issued_secret(cx, &owner.id, metadata)
}

/// Grants are revoked first, so that a removal that fails can be tried again, once more for those that were given
/// meanwhile, and once more, where there is a runtime, when no node keeps the client any longer. Where it is gone already,
/// its grants are revoked all the same.
pub(super) async fn delete(core: &Core, cx: &Context<'_>, id: &ClientId) -> Result<bool> {
    let of = Filter::Client(id.clone());
    let mut revoked = 0;
    grants::revoke_all(&*core.stores.tokens, &of, cx.now, &mut revoked).await?;
    // Before, since whoever asks may be gone afterwards, and the answer may be lost.
    revoke_when_forgotten(core, &of);
    let removed = record::registry(core)?.unregister(id, cx.now).await?;
    grants::revoke_all(&*core.stores.tokens, &of, cx.now, &mut revoked).await?;
    Ok(removed)
}

/// Revokes, in the background, what nodes give that have the client in mind, once they have forgotten it and have answered
/// what they had begun.
fn revoke_when_forgotten(core: &Core, of: &Filter) {
    let age = core.config.registered_client_age;
    let Some(runtime) = core.runtime.clone().filter(|_| !age.is_zero()) else { return };
    let (tokens, clock, of) = (Arc::clone(&core.stores.tokens), Arc::clone(&core.clock), of.clone());
    let sleeper = Arc::clone(&runtime);
    runtime.spawn(Box::pin(async move {
        sleeper.sleep(age).await;
        for _ in 0..ATTEMPTS {
            sleeper.sleep(SETTLING).await;
            if grants::revoke_all(&*tokens, &of, clock.now(), &mut 0).await.is_ok() {
                return;
            }
        }
    }));
}
