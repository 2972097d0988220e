//! `code_challenge` and `code_challenge_method` (RFC 7636 section 4.3), with S256 and nothing else.

use super::super::draft::Draft;
use super::super::request::Readers;
use crate::client::PkceRequirement;
use crate::error::Reason;
use crate::pkce::CodeChallenge;
use crate::provider::requirements::PkceExceptions;
use crate::types::{ResponseType, Scope};

/// The challenge; none where there is no code to protect.
///
/// It may be missing only where the host decided so for a confidential client, and no requirement forbids it: beside the `nonce` of an
/// OpenID Connect request (RFC 9700 section 2.1.1), or always where the host called that dangerous.
pub(in super::super) fn code_challenge(
    (readers, draft): (&Readers<'_>, &Draft),
    response_type: ResponseType,
    (scope, nonce): (&Scope, Option<&str>),
) -> Result<Option<CodeChallenge>, Reason> {
    if !response_type.has_code() {
        return Ok(None);
    }
    let method = draft.params.one("code_challenge_method")?;
    if let Some(challenge) = draft.params.one("code_challenge")? {
        // Without a method the RFC means `plain`, which would put the verifier itself into the request.
        if method != Some("S256") {
            return Err(Reason::PkceMethodUnsupported);
        }
        return CodeChallenge::parse(challenge).map(Some);
    }
    let has_nonce = nonce.is_some() && scope.contains(Scope::OPENID);
    let excused = draft.client.is_confidential()
        && method.is_none()
        && match (draft.client.settings().pkce, readers.config.requirements.pkce_exceptions) {
            (PkceRequirement::Required, _) | (_, PkceExceptions::Refused) => false,
            (PkceRequirement::NonceInstead, _) | (_, PkceExceptions::WithNonce) => has_nonce,
            (PkceRequirement::DangerousNotRequired, PkceExceptions::OfSettings) => true,
        };
    if excused { Ok(None) } else { Err(Reason::PkceChallengeMissing) }
}
