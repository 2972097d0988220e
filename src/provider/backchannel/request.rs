//! An authentication request, read (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0 section 7.1).

use std::time::Duration;

use super::host::{Backchannel, BackchannelHint};
use super::object;
use crate::client::{Client, TokenDeliveryMode};
use crate::error::{Reason, Result};
use crate::provider::authorize::{self, HintedSubject};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::secret::Secret;
use crate::types::{Params, Scope};

/// Most characters in `binding_message`.
const MAX_MESSAGE: usize = 100;

/// Most bytes in `login_hint_token`.
const MAX_HINT_TOKEN_BYTES: usize = 8192;

/// Most characters in `client_notification_token` (section 7.1).
const MAX_NOTIFICATION_TOKEN: usize = 1024;

/// Most bytes in `user_code`.
const MAX_USER_CODE_BYTES: usize = 256;

/// How long a request waits where it does not say: 5 minutes.
const LIFETIME: Duration = Duration::from_secs(300);

/// How long it waits at least, whatever it says: 1 minute. As long as it waits it counts towards those that may wait for a
/// person, who is not to be rung again and again (attack 233).
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// How long it waits at most, whatever it says: 10 minutes.
const MAX_LIFETIME: Duration = Duration::from_secs(600);

/// A request whose every parameter was read and found sound.
pub(super) struct AuthenticationRequest {
    pub(super) hint: BackchannelHint,
    pub(super) scope: Scope,
    pub(super) resources: Vec<String>,
    pub(super) binding_message: Option<String>,
    pub(super) user_code: Option<Secret>,
    pub(super) acr_values: Vec<String>,
    pub(super) notification_token: Option<String>,
    pub(super) lifetime: Duration,
}

/// Reads a request of `client`, signed or not.
pub(super) async fn read(
    core: &Core,
    cx: &Context<'_>,
    settings: &Backchannel,
    (client, sent): (&Client, Params),
) -> Result<AuthenticationRequest> {
    if sent.one("request_uri")?.is_some() {
        return Err(Reason::BackchannelRequestUri.into());
    }
    let registered = client.metadata().backchannel_authentication_request_signing_alg;
    let params = match sent.one("request")? {
        Some(object) => object::parameters(core, cx, client, object).await?,
        None if settings.plain && registered.is_none() => sent,
        None => return Err(Reason::BackchannelUnsigned.into()),
    };
    let asked = authorize::read_elsewhere(core, client, params)?;
    if !asked.scope().contains(Scope::OPENID) {
        return Err(Reason::BackchannelScope.into());
    }
    Ok(AuthenticationRequest {
        hint: hint(&asked)?,
        binding_message: binding_message(asked.params())?,
        user_code: user_code(client, asked.params())?,
        acr_values: asked.acr_values()?,
        notification_token: notification_token(settings, client, asked.params())?,
        lifetime: lifetime(asked.params())?,
        resources: asked.resources().to_owned(),
        scope: asked.scope().clone(),
    })
}

/// Exactly one of three (attack 227).
fn hint(asked: &authorize::AskedElsewhere<'_>) -> Result<BackchannelHint, Reason> {
    let token = asked.params().one("login_hint_token")?;
    match (asked.login_hint()?, asked.params().one("id_token_hint")?, token) {
        (Some(hint), None, None) => Ok(BackchannelHint::Login(hint)),
        (None, Some(_), None) => match asked.id_token_hint()? {
            HintedSubject::Known(subject) => Ok(BackchannelHint::Known(subject)),
            // Nobody can be told from a pairwise `sub` but by those who sign in.
            HintedSubject::Pairwise(_) => Err(Reason::BackchannelUserUnknown),
            HintedSubject::Absent | HintedSubject::Unreadable => Err(Reason::BackchannelHintInvalid),
        },
        (None, None, Some(token)) if token.len() <= MAX_HINT_TOKEN_BYTES => {
            Ok(BackchannelHint::LoginToken(Secret::new(token)))
        }
        (None, None, Some(_)) => Err(Reason::HintMalformed),
        _ => Err(Reason::BackchannelHints),
    }
}

/// What a person reads on a small screen, beside that of others: plain characters, none that a page or a line could take
/// for its own (attack 228).
fn binding_message(params: &Params) -> Result<Option<String>, Reason> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -._:,;/#+*()?!$%=@".contains(c);
    match params.one("binding_message")? {
        Some(message) if message.len() > MAX_MESSAGE || !message.chars().all(plain) => {
            Err(Reason::BackchannelMessage)
        }
        message => Ok(message.map(str::to_owned)),
    }
}

/// Only of clients that said they would send it; what others send reaches nobody.
fn user_code(client: &Client, params: &Params) -> Result<Option<Secret>, Reason> {
    match params.one("user_code")?.filter(|_| client.metadata().backchannel_user_code_parameter) {
        Some(code) if code.len() > MAX_USER_CODE_BYTES => Err(Reason::BackchannelUserCodeWrong),
        code => Ok(code.map(Secret::new)),
    }
}

/// The token of a client that wants to be told, in the syntax of RFC 6750 section 2.1.
fn notification_token(
    settings: &Backchannel,
    client: &Client,
    params: &Params,
) -> Result<Option<String>, Reason> {
    match client.metadata().backchannel_token_delivery_mode {
        Some(TokenDeliveryMode::Poll) => return Ok(None),
        Some(mode) if settings.delivers(mode) => {}
        _ => return Err(Reason::BackchannelModeUnavailable),
    }
    let token = params.one("client_notification_token")?.ok_or(Reason::BackchannelNotificationToken)?;
    let body = token.trim_end_matches('=');
    let sound = !body.is_empty()
        && token.len() <= MAX_NOTIFICATION_TOKEN
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    if sound { Ok(Some(token.to_owned())) } else { Err(Reason::BackchannelNotificationToken) }
}

/// What `requested_expiry` comes to within our bounds, which the answer tells by `expires_in`.
fn lifetime(params: &Params) -> Result<Duration, Reason> {
    let Some(text) = params.one("requested_expiry")? else { return Ok(LIFETIME) };
    if !text.bytes().all(|b| b.is_ascii_digit()) || text.len() > 10 {
        return Err(Reason::BackchannelExpiry);
    }
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds).clamp(MIN_LIFETIME, MAX_LIFETIME)),
        _ => Err(Reason::BackchannelExpiry),
    }
}
