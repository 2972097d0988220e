//! What a logout request says (OpenID Connect RP-Initiated Logout 1.0 section 2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::jose::{IdTokenHint, IdTokenHintError};
use crate::provider::authorize::{bounded, locales, state};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::types::json::parse_strict;
use crate::types::{ClientId, LanguageTag, Params, RedirectUri};

/// Most bytes and levels of a header that is looked at for the algorithm `none`.
const MAX_HEADER_BYTES: usize = 1024;
const MAX_HEADER_DEPTH: usize = 4;

/// A logout request, checked.
#[derive(Clone)]
pub(super) struct LogoutRequest {
    /// Which client asks, by its own word or that of its hint.
    pub(super) client: Option<Client>,
    /// What an ID token of ours for that client says.
    pub(super) hint: Option<Hint>,
    /// Where the browser goes then: one of the client's registered addresses.
    pub(super) post_logout_redirect_uri: Option<RedirectUri>,
    /// What is repeated there.
    pub(super) state: Option<String>,
    pub(super) logout_hint: Option<String>,
    pub(super) ui_locales: Vec<LanguageTag>,
}

/// What the hint of a request says: whose ID token it is.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Hint {
    pub(super) sub: String,
    pub(super) sid: Option<String>,
    /// When the ID token expires, or has.
    pub(super) expires_at: Option<Timestamp>,
}

/// A request between two pages. Its client is loaded anew, and the address must still be registered.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    client: Option<String>,
    hint: Option<Hint>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
    logout_hint: Option<String>,
    ui_locales: Vec<String>,
}

impl LogoutRequest {
    /// Whether the host says that the address after the logout is a good one, since it registered it. An ID token does not
    /// say so: whoever registered has one, if only their own (section 3).
    pub(super) fn is_vouched_for(&self) -> bool {
        self.client.as_ref().is_some_and(|client| !client.is_self_registered())
    }
}

impl Kept {
    pub(super) fn of(request: &LogoutRequest) -> Self {
        let LogoutRequest { client, hint, post_logout_redirect_uri, state, logout_hint, ui_locales } =
            request;
        Self {
            client: client.as_ref().map(|client| client.id().as_str().to_owned()),
            hint: hint.clone(),
            post_logout_redirect_uri: post_logout_redirect_uri.as_ref().map(|uri| uri.as_str().to_owned()),
            state: state.clone(),
            logout_hint: logout_hint.clone(),
            ui_locales: ui_locales.iter().map(|tag| tag.as_str().to_owned()).collect(),
        }
    }

    /// The same without what only helps to ask.
    pub(super) fn of_asked(request: &LogoutRequest) -> Self {
        Self { logout_hint: None, ui_locales: Vec::new(), ..Self::of(request) }
    }

    pub(super) async fn restored(self, core: &Core, cx: &Context<'_>) -> Result<LogoutRequest> {
        let client = match &self.client {
            Some(client) => known(core, cx, client).await?,
            None => None,
        };
        if let Some(client) = &client {
            cx.note_client(client);
        }
        Ok(LogoutRequest {
            post_logout_redirect_uri: registered(client.as_ref(), self.post_logout_redirect_uri.as_deref()),
            hint: self.hint.filter(|_| client.is_some()),
            client,
            state: self.state,
            logout_hint: self.logout_hint,
            ui_locales: self.ui_locales.iter().filter_map(|tag| LanguageTag::parse(tag).ok()).collect(),
        })
    }
}

/// Reads a request.
///
/// An address that is not the client's is left out, and the logout ends on a page (attack 234).
///
/// # Errors
/// To be shown: [`Reason::ParameterRepeated`], [`Reason::LogoutHintMalformed`], [`Reason::LogoutClientUnknown`],
/// [`Reason::LogoutClientMismatch`], [`Reason::StateTooLong`], [`Reason::HintMalformed`], or a store that fails.
pub(super) async fn read(core: &Core, cx: &Context<'_>, params: &Params) -> Result<LogoutRequest> {
    let hint = hint(core, params)?;
    let named = params.one("client_id")?;
    let hinted = hint.as_ref().and_then(|hint| hint.audience().first().copied().map(str::to_owned));
    if let (Some(named), Some(hint)) = (named, &hint)
        && !hint.audience().contains(&named)
    {
        return Err(Reason::LogoutClientMismatch.into());
    }
    let client = match (named, &hinted) {
        (Some(named), _) => Some(known(core, cx, named).await?.ok_or(Reason::LogoutClientUnknown)?),
        (None, Some(hinted)) => known(core, cx, hinted).await?,
        (None, None) => None,
    };
    if let Some(client) = &client {
        cx.note_client(client);
    }
    let presented = params.one("post_logout_redirect_uri")?;
    Ok(LogoutRequest {
        post_logout_redirect_uri: registered(client.as_ref(), presented),
        hint: hint.filter(|_| client.is_some()).map(|hint| Hint {
            sub: hint.sub().to_owned(),
            sid: hint.sid().map(str::to_owned),
            expires_at: hint.claims().time("exp").ok().flatten(),
        }),
        client,
        state: state(params)?,
        logout_hint: bounded(params, "logout_hint", Reason::HintMalformed)?.map(str::to_owned),
        ui_locales: locales(params, "ui_locales")?,
    })
}

/// The address after a logout, if it is one of the client's byte for byte (section 3).
fn registered(client: Option<&Client>, presented: Option<&str>) -> Option<RedirectUri> {
    let uris = &client?.metadata().post_logout_redirect_uris;
    uris.iter().find(|uri| Some(uri.as_str()) == presented).cloned()
}

/// A client that is there and not disabled.
pub(super) async fn known(core: &Core, cx: &Context<'_>, client_id: &str) -> Result<Option<Client>> {
    let Ok(client_id) = ClientId::new(client_id) else { return Ok(None) };
    let client = core.stores.clients.client(&client_id, cx.now).await?;
    Ok(client.filter(|client| !client.settings().disabled))
}

/// The ID token of the hint, expired or not. What somebody else signed, or nobody, says nothing (attack 237).
fn hint(core: &Core, params: &Params) -> Result<Option<IdTokenHint>> {
    let Some(text) = params.one("id_token_hint")? else { return Ok(None) };
    match core.hints.verify(text) {
        Ok(hint) => Ok(Some(hint)),
        Err(IdTokenHintError::Malformed) if !is_unsecured(text) => Err(Reason::LogoutHintMalformed.into()),
        Err(_) => Ok(None),
    }
}

/// Whether the text is an unsecured JWS: its header names the algorithm `none`, and its signature is empty (RFC 7515
/// appendix A.5).
fn is_unsecured(text: &str) -> bool {
    let Some((header, _)) = text.strip_suffix('.').and_then(|signed| signed.split_once('.')) else {
        return false;
    };
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header = parse_strict(&header, MAX_HEADER_BYTES, MAX_HEADER_DEPTH);
    header.is_ok_and(|header| header.get("alg").is_some_and(|alg| alg == "none"))
}
