//! Refusing a request for its access token, or for what came with it (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470
//! section 3).

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use super::challenge::Challenge;
use super::{Response, StepUp, reply};
use crate::error::{ErrorCode, Reason};
use crate::types::Scope;

/// What takes access tokens, as its challenges describe it.
#[derive(Clone, Debug)]
pub(crate) struct TokenTaker<'a> {
    /// Its name.
    pub(crate) realm: &'a str,
    /// The algorithms of the proofs that it takes, separated by spaces; `None` where it takes none.
    pub(crate) dpop_algs: Option<String>,
    /// Where its metadata is (RFC 9728 section 5.1).
    pub(crate) metadata_url: Option<&'a str>,
}

/// Why a request is refused, and what would have been enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenRefusal<'a> {
    pub(crate) reason: Reason,
    /// Whether the token came by the scheme `DPoP`.
    pub(crate) sent_as_dpop: bool,
    /// The scope that is demanded, where that was missing.
    pub(crate) scope: Option<&'a Scope>,
    /// The login that is demanded, where that was missing.
    pub(crate) step_up: Option<&'a StepUp>,
}

impl TokenTaker<'_> {
    /// The refusal with its challenge. A request without a token is told only that one is needed, and in which ways it may
    /// come (RFC 6750 section 3.1).
    pub(crate) fn refuse(&self, refusal: &TokenRefusal<'_>) -> Response {
        let reason = refusal.reason;
        let code = reason.wire().0;
        let mut response = reply::error_json(reason);
        let of_proof = [ErrorCode::InvalidDpopProof, ErrorCode::UseDpopNonce].contains(&code);
        if of_proof {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        let of_token = [
            ErrorCode::InsufficientScope,
            ErrorCode::InsufficientUserAuthentication,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidToken,
        ];
        if !of_proof && !of_token.contains(&code) {
            return response;
        }
        let bearer = Challenge::bearer(self.realm);
        let dpop = self.dpop_algs.as_ref().map(|algs| Challenge::dpop(self.realm, algs));
        let bound = of_proof || reason == Reason::AccessTokenBound || refusal.sent_as_dpop;
        let challenges = match (reason, dpop) {
            (Reason::AccessTokenMissing, dpop) => [Some(bearer), dpop],
            (_, Some(dpop)) if bound => [Some(refusal.explained(dpop)), None],
            _ => [Some(refusal.explained(bearer)), None],
        };
        for mut challenge in challenges.into_iter().flatten() {
            if let Some(url) = self.metadata_url {
                challenge = challenge.with_resource_metadata(url);
            }
            response.headers_mut().append(WWW_AUTHENTICATE, challenge.header_value());
        }
        response
    }
}

impl TokenRefusal<'_> {
    fn explained(&self, challenge: Challenge) -> Challenge {
        let challenge = challenge.with_reason(self.reason);
        let challenge = match self.scope {
            Some(scope) => challenge.with_scope(scope),
            None => challenge,
        };
        match self.step_up {
            Some(step_up) => step_up.demanded_in(challenge),
            None => challenge,
        }
    }
}
