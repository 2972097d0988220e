//! The parameters of OpenID Connect Core 1.0 section 3.1.2.1, but for `claims`.

use std::time::Duration;

use super::super::draft::Draft;
use super::super::request::{HintedSubject, Readers};
use super::bounded;
use crate::error::Reason;
use crate::types::{
    Display, InvalidInteraction, LanguageTag, Params, Prompt, Prompts, ResponseType, Subject,
};

/// Most languages that one parameter may prefer.
const MAX_LOCALES: usize = 16;

/// The `nonce`: up to 2048 printable ASCII characters (attack 31). An ID token that comes through the browser must have
/// one, or it could be another's (OpenID Connect Core 1.0 sections 3.2.2.1 and 3.3.2.11).
pub(in super::super) fn nonce(
    params: &Params,
    response_type: ResponseType,
) -> Result<Option<String>, Reason> {
    let nonce = bounded(params, "nonce", Reason::NonceInvalid)?;
    match nonce {
        Some(text) if !text.bytes().all(|b| (0x20..=0x7e).contains(&b)) => Err(Reason::NonceInvalid),
        None if response_type.has_id_token() => Err(Reason::NonceMissing),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

/// The `prompt` values, of which `none` stands alone (attack 37), and `create` is known where it is turned on.
pub(in super::super) fn prompt(readers: &Readers<'_>, params: &Params) -> Result<Prompts, Reason> {
    let text = bounded(params, "prompt", Reason::PromptUnknown)?.unwrap_or_default();
    let prompts = Prompts::parse(text).map_err(|error| match error {
        InvalidInteraction::NoneCombined => Reason::PromptNoneCombined,
        _ => Reason::PromptUnknown,
    })?;
    if prompts.contains(Prompt::Create) && !readers.account_creation {
        return Err(Reason::PromptUnknown);
    }
    Ok(prompts)
}

/// The `max_age` of the request, or else the client's: digits that fit 32 bits, 136 years (attack 38).
pub(in super::super) fn max_age(draft: &Draft) -> Result<Option<Duration>, Reason> {
    let Some(text) = draft.params.one("max_age")? else {
        return Ok(draft.client.metadata().default_max_age.map(Duration::from_secs));
    };
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::MaxAgeMalformed);
    }
    let seconds: u32 = text.parse().map_err(|_| Reason::MaxAgeMalformed)?;
    Ok(Some(Duration::from_secs(seconds.into())))
}

/// The `display`.
pub(in super::super) fn display(params: &Params) -> Result<Display, Reason> {
    match params.one("display")? {
        Some(text) => Display::parse(text).map_err(|_| Reason::DisplayUnknown),
        None => Ok(Display::default()),
    }
}

/// The language tags of `name`, the first 16. What is no tag in form is left out, since a preference must not fail a
/// request.
pub(in crate::provider) fn locales(params: &Params, name: &str) -> Result<Vec<LanguageTag>, Reason> {
    let text = bounded(params, name, Reason::HintMalformed)?.unwrap_or_default();
    Ok(text.split(' ').filter_map(|tag| LanguageTag::parse(tag).ok()).take(MAX_LOCALES).collect())
}

/// The `login_hint`: up to 2048 bytes without control characters (attack 45).
pub(in super::super) fn login_hint(params: &Params) -> Result<Option<String>, Reason> {
    match bounded(params, "login_hint", Reason::HintMalformed)? {
        Some(text) if text.chars().any(char::is_control) => Err(Reason::HintMalformed),
        hint => Ok(hint.map(str::to_owned)),
    }
}

/// The `acr_values` of the request, or else the client's.
pub(in super::super) fn acr_values(draft: &Draft) -> Result<Vec<String>, Reason> {
    match bounded(&draft.params, "acr_values", Reason::HintMalformed)? {
        Some(text) if text.chars().any(char::is_control) => Err(Reason::HintMalformed),
        Some(text) => Ok(text.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect()),
        None => Ok(draft.client.metadata().default_acr_values.clone()),
    }
}

/// Whom `id_token_hint` names: an ID token of ours for this client, expired or not.
///
/// Any other value says nothing about anybody, and signs nobody in (attack 39): under `prompt=none` the request
/// fails, otherwise it goes on as if it had no hint.
pub(in super::super) fn id_token_hint(readers: &Readers<'_>, draft: &Draft) -> Result<HintedSubject, Reason> {
    if let Some(settled) = &draft.settled {
        return Ok(settled.hint.clone());
    }
    let Some(hint) = draft.params.one("id_token_hint")? else { return Ok(HintedSubject::Absent) };
    let client = &draft.client;
    let known =
        readers.hints.verify(hint).ok().filter(|token| token.audience().contains(&client.id().as_str()));
    let Some(token) = known else { return Ok(HintedSubject::Unreadable) };
    if client.sector().is_some() {
        return Ok(HintedSubject::Pairwise(token.sub().to_owned()));
    }
    Ok(Subject::new(token.sub()).map_or(HintedSubject::Unreadable, HintedSubject::Known))
}
