//! An authorization request before anything of it is believed: its client, and its parameters.

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::session_state::Watched;
use crate::store::ClientStore;
use crate::types::{ClientId, Params, Scope};

use super::pushed;
use super::request::HintedSubject;
use super::request_object;
use super::respond::Failure;

/// Parameters that decide where an error goes. When one of them stands twice, nobody can tell where that is, and
/// the error is shown (attack 19).
const DECISIVE: [&str; 4] = ["client_id", "redirect_uri", "response_type", "response_mode"];

/// A request as it was put together, from whatever source; what reads it cannot tell the source.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The client that it names, which is there and not disabled.
    pub(super) client: Client,
    /// The parameters.
    pub(super) params: Params,
    /// The login state of the browser that sends it; `None` where nobody may watch it.
    pub(super) watched: Option<Watched>,
    /// What was settled when the request first arrived; `None` when it arrives now.
    pub(super) settled: Option<Settled>,
    /// The reference that it was pushed under, if it was.
    pub(super) pushed: Option<String>,
}

/// What resuming a request must not settle anew.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// The scope that the person is shown. Whatever has changed since, it does not grow (attack 51).
    pub(super) scope: Scope,
    /// Whom `id_token_hint` named, so that the token itself need not be carried along.
    pub(super) hint: HintedSubject,
}

/// Puts a request together that arrives: from plain parameters, a request object, or what was pushed.
///
/// # Errors
/// To be shown: those of [`again`] and [`pushed::referred`], [`Reason::RequestSourcesCombined`], and those of a request
/// object that leave the client in doubt. To be returned, where the plain parameters say where to: the others of a
/// request object, and [`Reason::RequestObjectRequired`].
pub(super) async fn assemble(
    core: &Core,
    cx: &Context<'_>,
    params: Params,
    watched: Option<Watched>,
) -> Result<Draft, Failure> {
    let plain = again(&*core.stores.clients, params, None, cx.now).await?;
    let plain = Draft { watched, ..plain };
    cx.note_client(&plain.client);
    match pushed::referred(core, cx, &plain).await? {
        Some(pushed) => Ok(pushed),
        None => request_object::resolve(core, cx, plain).await,
    }
}

/// Puts a request together from parameters that are its own, whatever they came from at first.
///
/// # Errors
/// To be shown, never redirected: [`Reason::ParameterRepeated`], [`Reason::ClientIdMissing`],
/// [`Reason::AuthorizeClientUnknown`], [`Reason::AuthorizeClientDisabled`].
pub(super) async fn again(
    clients: &dyn ClientStore,
    params: Params,
    settled: Option<Settled>,
    now: Timestamp,
) -> Result<Draft> {
    check_decisive(&params)?;
    let client_id = params.one("client_id")?.ok_or(Reason::ClientIdMissing)?;
    let client_id = ClientId::new(client_id).map_err(|_| Reason::AuthorizeClientUnknown)?;
    let client = clients.client(&client_id, now).await?.ok_or(Reason::AuthorizeClientUnknown)?;
    if client.settings().disabled {
        return Err(Reason::AuthorizeClientDisabled.into());
    }
    Ok(Draft { client, params, watched: None, settled, pushed: None })
}

/// Refuses a request of which nobody can tell where its response goes.
pub(super) fn check_decisive(params: &Params) -> Result<(), Reason> {
    DECISIVE.iter().try_for_each(|name| params.one(name).map(drop))
}

impl Draft {
    /// Whether there is a parameter of this name with a value, be it once or more often.
    pub(super) fn has(&self, name: &str) -> bool {
        self.params.many(name).next().is_some()
    }

    /// Whether this is a request of OpenID Connect, as far as can be told before its scope is read.
    pub(super) fn asks_openid(&self) -> bool {
        self.params.many("scope").flat_map(|scope| scope.split(' ')).any(|token| token == Scope::OPENID)
    }
}
