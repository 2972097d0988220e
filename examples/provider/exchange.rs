//! Which tokens clients exchange for which (RFC 8693).

use async_trait::async_trait;
use vouchsafe::error::BoxError;
use vouchsafe::provider::{ExchangeDecision, ExchangeRequest, TokenExchangePolicy, TokenType};

/// A client exchanges access tokens that it has rightly: those issued to it, and those for what it may introspect, since it
/// is then the resource server that they are for. It gets access tokens.
#[derive(Debug)]
pub(crate) struct RightlyHad;

#[async_trait]
impl TokenExchangePolicy for RightlyHad {
    async fn decide(&self, request: &ExchangeRequest<'_>) -> Result<ExchangeDecision, BoxError> {
        let subject = request.subject;
        let (own, serves) =
            (subject.client.as_ref() == Some(request.client.id()), &request.client.settings().introspects);
        let access_tokens = subject.token_type == TokenType::AccessToken
            && [TokenType::AccessToken, TokenType::Jwt].contains(&request.requested);
        let rightly = own || subject.audience.iter().any(|audience| serves.contains(audience));
        Ok(match access_tokens && rightly {
            true => ExchangeDecision::Granted(request.as_asked()),
            false => ExchangeDecision::Denied,
        })
    }
}
