//! An authorization request before anything of it is believed: its client, and its parameters.

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::store::ClientStore;
use crate::types::{ClientId, Params, Scope};

use super::request::HintedSubject;

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
    /// What was settled when the request first arrived; `None` when it arrives now.
    pub(super) settled: Option<Settled>,
}

/// What resuming a request must not settle anew.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// The scope that the person is shown. Whatever has changed since, it does not grow (attack 51).
    pub(super) scope: Scope,
    /// Whom `id_token_hint` named, so that the token itself need not be carried along.
    pub(super) hint: HintedSubject,
}

/// Puts a request together from plain parameters.
///
/// # Errors
/// To be shown, never redirected: [`Reason::ParameterRepeated`], [`Reason::ClientIdMissing`],
/// [`Reason::AuthorizeClientUnknown`], [`Reason::AuthorizeClientDisabled`].
pub(super) async fn assemble(
    clients: &dyn ClientStore,
    params: Params,
    settled: Option<Settled>,
    now: Timestamp,
) -> Result<Draft> {
    for name in DECISIVE {
        params.one(name)?;
    }
    let client_id = params.one("client_id")?.ok_or(Reason::ClientIdMissing)?;
    let client_id = ClientId::new(client_id).map_err(|_| Reason::AuthorizeClientUnknown)?;
    let client = clients.client(&client_id, now).await?.ok_or(Reason::AuthorizeClientUnknown)?;
    if client.settings().disabled {
        return Err(Reason::AuthorizeClientDisabled.into());
    }
    Ok(Draft { client, params, settled })
}

impl Draft {
    /// Whether this is a request of OpenID Connect, as far as can be told before its scope is read.
    pub(super) fn asks_openid(&self) -> bool {
        self.params.many("scope").flat_map(|scope| scope.split(' ')).any(|token| token == Scope::OPENID)
    }
}
