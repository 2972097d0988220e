//! `claims` (OpenID Connect Core 1.0 section 5.5).

use crate::error::Reason;
use crate::types::{ClaimsRequest, Params};

/// The claims asked for by name: JSON of up to 8 KiB and 16 levels (attack 41).
pub(in super::super) fn claims(params: &Params) -> Result<ClaimsRequest, Reason> {
    match params.one("claims")? {
        Some(text) => ClaimsRequest::parse(text).map_err(|_| Reason::ClaimsMalformed),
        None => Ok(ClaimsRequest::default()),
    }
}
