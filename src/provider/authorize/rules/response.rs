//! `response_type`, `response_mode` and `state` (RFC 6749 section 3.1.1, OAuth 2.0 Multiple Response Types).

use super::super::draft::Draft;
use super::super::request::Readers;
use super::bounded;
use crate::error::Reason;
use crate::types::{Params, ResponseType};

/// The `state` to repeat: up to 2048 bytes of any kind (attack 30).
pub(in crate::provider) fn state(params: &Params) -> Result<Option<String>, Reason> {
    Ok(bounded(params, "state", Reason::StateTooLong)?.map(str::to_owned))
}

/// The `response_type`, which the client registered, with a `response_mode` that is safe for it.
pub(in super::super) fn response_type(readers: &Readers<'_>, draft: &Draft) -> Result<ResponseType, Reason> {
    let text = draft.params.one("response_type")?.ok_or(Reason::ResponseTypeMissing)?;
    let response_type: ResponseType = text.parse().map_err(|_| Reason::ResponseTypeUnsupported)?;
    let mode = draft.params.one("response_mode")?;
    if let Some(mode) = mode {
        let encoder = readers.encoders.named(mode).ok_or(Reason::ResponseModeUnsupported)?;
        if response_type.has_front_channel_token() && !encoder.may_carry_tokens(&draft.client) {
            return Err(Reason::ResponseModeInsecure);
        }
    }
    let signs = mode.is_some_and(|mode| mode == "jwt" || mode.ends_with(".jwt"));
    if draft.client.settings().require_signed_authorization_response && !signs {
        return Err(Reason::ResponseModeUnsigned);
    }
    if !readers.response_types.contains(&response_type) {
        return Err(Reason::ResponseTypeUnsupported);
    }
    if !draft.client.metadata().response_types.contains(&response_type) {
        return Err(Reason::ResponseTypeNotAllowed);
    }
    Ok(response_type)
}
