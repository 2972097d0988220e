//! `scope` (RFC 6749 section 3.3).

use super::super::draft::Draft;
use super::super::request::Readers;
use crate::error::Reason;
use crate::types::{GrantType, ResponseType, Scope};

/// The scope that the client may have of what it asks for. A request without `scope` asks for none.
///
/// `offline_access` is dropped where no refresh token could follow: the response has no code, the client did not register
/// the grant type, or the provider has none (OpenID Connect Core 1.0 section 11 has it ignored then).
pub(in super::super) fn scope(
    readers: &Readers<'_>,
    draft: &Draft,
    response_type: ResponseType,
) -> Result<Scope, Reason> {
    let text = draft.params.one("scope")?.unwrap_or_default();
    let asked = Scope::parse(text).map_err(|_| Reason::ScopeMalformed)?;
    // A policy may narrow what was asked for. Should it answer more, that is not granted.
    let mut scope = asked.intersection(&readers.policy.scope(&draft.client, &asked)?);
    let may_refresh = response_type.has_code() && draft.client.allows_grant(&GrantType::RefreshToken);
    if !readers.refresh_tokens || !may_refresh {
        scope = scope.without(Scope::OFFLINE_ACCESS);
    }
    if let Some(settled) = &draft.settled {
        scope = scope.intersection(&settled.scope);
    }
    if response_type.has_id_token() && !scope.contains(Scope::OPENID) {
        return Err(Reason::IdTokenScopeMissing);
    }
    Ok(scope)
}
