//! Tokens that are made while their client is not there, to be pushed to it (CIBA Core section 10.3).

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::notice::{self, Addressee, Message};
use crate::client::{Client, TokenDeliveryMode};
use crate::clock::Timestamp;
use crate::error::{Internal, Reason, Result};
use crate::event::Endpoint;
use crate::provider::authorize::Approval;
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::deferred::{self, Kind, Push, Waiting};
use crate::provider::grant::{DeferredGrant, Redemption};
use crate::provider::{issue, mutual_tls};
use crate::secret::{Secret, TokenHash};
use crate::store::{Filter, Polled};
use crate::types::{ClientId, GrantId, GrantType, Scope};
use crate::wire::RequestHead;

/// How much later than a request ends its client is told: by then tokens are made, if somebody agreed at the last moment.
const MARGIN: Duration = Duration::from_secs(60);

/// Tokens that are to be made.
pub(super) struct Approved {
    pub(super) push: Push,
    /// When the person agreed.
    pub(super) at: Timestamp,
}

/// What the tokens of a client that they are pushed to will be bound to; `None` for a client that fetches them.
///
/// # Errors
/// [`Reason::BackchannelPushDpop`] where only a proof would do, which nobody can ask for later; those of
/// [`mutual_tls::confirm`].
pub(super) fn asked(core: &Core, head: &RequestHead, client: &Client) -> Result<Option<Push>> {
    let metadata = client.metadata();
    if metadata.backchannel_token_delivery_mode != Some(TokenDeliveryMode::Push) {
        return Ok(None);
    }
    // RFC 9449 has proofs at the token endpoint and with pushed authorization requests, and none here.
    if metadata.dpop_bound_access_tokens {
        return Err(Reason::BackchannelPushDpop.into());
    }
    Ok(Some(Push { confirmation: mutual_tls::confirm(core, (head, client), None)? }))
}

/// Whether tokens could be pushed, asked before anything is decided.
///
/// # Errors
/// [`Reason::BackchannelUndeliverable`], [`Reason::GrantTypeNotAllowed`], [`Reason::IdTokenScopeMissing`].
pub(super) fn check(
    core: &Core,
    client: &Client,
    (addressee, approval): (Option<&Addressee>, &Approval),
) -> Result<(), Reason> {
    let pushes = core.backchannel.as_ref().is_some_and(|settings| settings.delivers(TokenDeliveryMode::Push));
    if !pushes || addressee.is_none() {
        return Err(Reason::BackchannelUndeliverable);
    }
    if !client.allows_grant(&GrantType::Ciba) {
        return Err(Reason::GrantTypeNotAllowed);
    }
    // Without an ID token nothing tells the client that what it is sent is for its request.
    match approval.scope().contains(Scope::OPENID) {
        true => Ok(()),
        false => Err(Reason::IdTokenScopeMissing),
    }
}

/// Makes the tokens of a request that was approved, in place of its client: what is posted, and the grant.
///
/// # Errors
/// What the client is told instead; what was behind it is reported. The grant is good for nothing then.
pub(super) async fn tokens(
    core: &Core,
    client: &Client,
    request: (&Secret, &Approved),
) -> Result<(Secret, GrantId), Reason> {
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, core);
    let cx = arrival.context();
    cx.note_client(client);
    let made = AssertUnwindSafe(redeemed(core, &cx, client, request)).catch_unwind().await;
    let panicked = |_| Err(Internal::new("could not make tokens", "a part of the host's panicked").into());
    cx.reported(made.unwrap_or_else(panicked)).map_err(|error| match error.reason() {
        Reason::DeferredExpired => Reason::DeferredExpired,
        // attack 231: who is locked meanwhile is as one who said no.
        Reason::SubjectGone => Reason::DeferredDenied,
        _ => Reason::BackchannelFailed,
    })
}

async fn redeemed(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (auth_req_id, approved): (&Secret, &Approved),
) -> Result<(Secret, GrantId)> {
    // Agreed to in time is redeemed in time, however late this runs.
    let redemption = Redemption { key: &TokenHash::of(auth_req_id.expose()), client, at: approved.at };
    let mut issuance = handler(core)?.spend(cx, redemption, Vec::new()).await?;
    let grant = issuance.grant.id;
    if let Some(id_token) = &mut issuance.id_token {
        id_token.pushed_for = Some(auth_req_id.clone());
    }
    let made = issue::issue(core, cx, (client, approved.push.confirmation), Box::new(issuance)).await;
    match made.and_then(|tokens| Ok(tokens.to_pushed(auth_req_id)?)) {
        Ok(body) => Ok((body, grant)),
        Err(error) => {
            // Nobody has what hangs on it. Should this fail too, it lies idle until it ends.
            core.stores.tokens.revoke(&Filter::Id(grant), cx.now).await.ok();
            Err(error)
        }
    }
}

fn handler(core: &Core) -> Result<DeferredGrant, Internal> {
    let (Some(requests), Some(accounts)) = (&core.stores.deferred, &core.accounts) else {
        return Err(Internal::new("could not redeem a request", "there is no DeferredStore, or no Accounts"));
    };
    let (requests, accounts) = (Arc::clone(requests), Arc::clone(accounts));
    let tokens = Arc::clone(&core.stores.tokens);
    Ok(DeferredGrant::new(Kind::Backchannel, requests, tokens, accounts).pushing())
}

/// Sees to it that a client which cannot ask is told when nobody has answered (section 12). Nobody relies on it: the client
/// knows how long a request waits.
pub(super) fn watch(core: &Arc<Core>, (waiting, auth_req_id): (&Waiting, &Secret)) {
    let notifier = core.backchannel.as_ref().and_then(|settings| settings.notifier.as_ref());
    let Some(notifier) = notifier.filter(|_| waiting.push.is_some()) else { return };
    let Some(place) = notifier.expiring.take() else { return };
    let (runtime, core) = (Arc::clone(&notifier.runtime), Arc::downgrade(core));
    let wait = waiting.expires_at.since(waiting.requested_at) + MARGIN;
    let (client, token) = (waiting.client.clone(), waiting.notification_token.clone());
    let auth_req_id = auth_req_id.clone();
    notifier.runtime.spawn(Box::pin(async move {
        runtime.sleep(wait).await;
        tell_expired(core, &client, (token.as_ref(), &auth_req_id)).await;
        drop(place);
    }));
}

async fn tell_expired(core: Weak<Core>, client: &ClientId, token: (Option<&String>, &Secret)) {
    let Some(core) = core.upgrade() else { return };
    let addressee = {
        let arrival = Arrival::at(Endpoint::BackchannelAuthentication, &core);
        let cx = arrival.context();
        match cx.reported(expired(&core, &cx, client, token).await) {
            Ok(Some(addressee)) => addressee,
            Ok(None) | Err(_) => return,
        }
    };
    notice::deliver(core, addressee, Message::Refusal(Reason::DeferredExpired)).await;
}

/// Whom to tell that a request is over; `None` where it was answered.
async fn expired(
    core: &Core,
    cx: &Context<'_>,
    client: &ClientId,
    (token, auth_req_id): (Option<&String>, &Secret),
) -> Result<Option<Addressee>> {
    let key = TokenHash::of(auth_req_id.expose());
    // Asked once it is over, the store changes nothing.
    let Polled::Expired = deferred::store(core)?.poll(&key, client, cx.now).await? else { return Ok(None) };
    let client = core.stores.clients.client(client, cx.now).await?;
    let Some(client) = client.filter(|client| !client.settings().disabled) else { return Ok(None) };
    cx.note_client(&client);
    let addressee = Addressee::of(core, &client, (token, auth_req_id));
    Ok(addressee.unwrap_or_else(|busy| {
        notice::fail(cx, &busy.into());
        None
    }))
}
