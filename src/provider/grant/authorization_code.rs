//! `authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

use std::sync::Arc;

use async_trait::async_trait;

use super::{GrantHandler, check_confirmation, id_token, narrowed_details, narrowed_resources, person};
use crate::accounts::Accounts;
use crate::error::{Error, Reason, Result};
use crate::pkce::CodeVerifier;
use crate::provider::authorization_details::DetailsFor;
use crate::provider::config::CodeReuse;
use crate::provider::context::Context;
use crate::provider::format::opaque::{self, TokenKind};
use crate::provider::issue::Issuance;
use crate::provider::records;
use crate::provider::token::TokenRequest;
use crate::secret::TokenHash;
use crate::store::{AuthorizationCode, CodeRecord, CodeStore, Consumed, Filter, TokenStore};
use crate::types::{AuthorizationDetails, GrantId, GrantType};

/// Redeems codes, each once.
///
/// With sound syntax and from its own client, a code is spent whatever is found wrong after that, and its grant
/// revoked: whoever holds it may be a thief who guesses. A code of another client is left as it is, so that nobody
/// can spend or revoke what is not theirs.
#[derive(Debug)]
pub(crate) struct AuthorizationCodeGrant {
    codes: Arc<dyn CodeStore>,
    tokens: Arc<dyn TokenStore>,
    accounts: Arc<dyn Accounts>,
}

/// What a request presents beside its client, its syntax checked.
struct Redemption<'a> {
    code: &'a str,
    redirect_uri: Option<&'a str>,
    verifier: Option<CodeVerifier>,
    resources: Vec<String>,
    details: Option<AuthorizationDetails>,
}

impl AuthorizationCodeGrant {
    pub(crate) fn new(
        codes: Arc<dyn CodeStore>,
        tokens: Arc<dyn TokenStore>,
        accounts: Arc<dyn Accounts>,
    ) -> Self {
        Self { codes, tokens, accounts }
    }

    /// Spends the code: of any number of redemptions, one gets its record.
    async fn consume(&self, cx: &Context<'_>, key: &TokenHash, request: &TokenRequest) -> Result<CodeRecord> {
        let client = request.client.client().id();
        match self.codes.consume_code(key, client, cx.now).await? {
            Consumed::Fresh(record) => {
                cx.note_grant_id(record.grant);
                Ok(record)
            }
            Consumed::Replayed { grant } => {
                cx.note_grant_id(grant);
                // RFC 6749 section 4.1.2: one of the two who sent it is not the client. Revoked before it is
                // answered, so that from then on no token of the grant is active (attack 108, attack 109).
                if cx.config.code_reuse == CodeReuse::RevokeGrant {
                    self.revoke(cx, grant).await?;
                }
                Err(Reason::CodeReplayed.into())
            }
            Consumed::Absent => Err(Reason::CodeUnknown.into()),
            Consumed::Expired => Err(Reason::CodeExpired.into()),
            Consumed::Foreign => Err(Reason::CodeForeign.into()),
        }
    }

    async fn revoke(&self, cx: &Context<'_>, grant: GrantId) -> Result<()> {
        self.tokens.revoke(&Filter::Id(grant), cx.now).await?;
        Ok(())
    }

    /// What the code is good for, now that it is spent.
    async fn weigh(
        &self,
        cx: &Context<'_>,
        (redemption, request): (&Redemption<'_>, &TokenRequest),
        code: AuthorizationCode,
    ) -> Result<Issuance> {
        check_confirmation(code.confirmation.as_ref(), request)?;
        if redemption.redirect_uri != code.redirect_uri.as_deref() {
            return Err(Reason::CodeRedirectUriMismatch.into());
        }
        check_pkce(&code, redemption.verifier.as_ref())?;
        let AuthorizationCode { grant, nonce, .. } = code;
        let resources = narrowed_resources(cx, &grant, redemption.resources.clone())?;
        let details = narrowed_details(cx, &grant, redemption.details.clone())?;
        let account = person(&*self.accounts, cx, &grant).await?;
        let id_token = id_token(&grant, &grant.scope, (nonce, &account));
        let mut issuance = Issuance::under(grant);
        issuance.resources = resources;
        issuance.authorization_details = details;
        issuance.id_token = id_token;
        Ok(issuance)
    }
}

#[async_trait]
impl GrantHandler for AuthorizationCodeGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::AuthorizationCode
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let redemption = Redemption::read(cx, request)?;
        check_kind(cx, redemption.code, request)?;
        let key = TokenHash::of(redemption.code);
        let record = self.consume(cx, &key, request).await?;
        let outcome = match records::open_code(cx, &key, &record) {
            Some(code) => {
                cx.note_grant(&code.grant);
                self.weigh(cx, (&redemption, request), code).await
            }
            None => Err(Reason::CodeUnreadable.into()),
        };
        if let Err(Error::Rejected(_)) = &outcome {
            self.revoke(cx, record.grant).await?;
        }
        outcome
    }
}

impl<'a> Redemption<'a> {
    /// A request that is malformed is refused before the code is touched.
    fn read(cx: &Context<'_>, request: &'a TokenRequest) -> Result<Self, Reason> {
        let code = request.params.one("code")?.ok_or(Reason::CodeMissing)?;
        let redirect_uri = request.params.one("redirect_uri")?;
        let verifier = request.params.one("code_verifier")?.map(CodeVerifier::parse).transpose()?;
        let (resources, details) =
            (request.resources()?, request.authorization_details(cx, DetailsFor::Person)?);
        Ok(Self { code, redirect_uri, verifier, resources, details })
    }
}

/// Garbage, and a bound code without a proof of any key, is refused before a store is asked: who lost a proof on the
/// way can try again, and no thief learns whether the code is still good (attack 117).
fn check_kind(cx: &Context<'_>, code: &str, request: &TokenRequest) -> Result<(), Reason> {
    let form = (cx.config.prefixes.authorization_code.as_str(), cx.issuer());
    let is = |kind| opaque::is_ours(cx.secrets, kind, form, code);
    if is(TokenKind::AuthorizationCode) {
        return Ok(());
    }
    match (is(TokenKind::BoundAuthorizationCode), request.confirmation) {
        (false, _) => Err(Reason::CodeMalformed),
        (true, None) => Err(Reason::ConfirmationMissing),
        (true, Some(_)) => Ok(()),
    }
}

/// RFC 7636 section 4.6; and a verifier that answers no challenge says that somebody took the challenge out on the way
/// (RFC 9700 section 4.8.2).
fn check_pkce(code: &AuthorizationCode, verifier: Option<&CodeVerifier>) -> Result<(), Reason> {
    match (&code.code_challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Reason::PkceVerifierUnexpected),
        (Some(_), None) => Err(Reason::PkceVerifierMissing),
        (Some(challenge), Some(verifier)) if challenge.matches(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(Reason::PkceMismatch),
    }
}
