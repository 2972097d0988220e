//! The tokens of an exchange, each verified as what it is said to be.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::error::{Error, Reason, Rejection, Result};
use crate::jose::{ClaimsSet, IdTokenVerifier};
use crate::provider::context::Context;
use crate::provider::exchange::{ExchangeToken, TokenType};
use crate::provider::format::refresh::RefreshToken;
use crate::provider::format::{Formats, Presented};
use crate::provider::records;
use crate::provider::subject;
use crate::provider::trust::{Assertions, Principal, Vouched};
use crate::store::{
    AccessToken, Advance, ClientStore, Filter, Grace, Page, RefreshUse, Refreshed, RevokedGrants,
    StoredGrant, TokenStore,
};
use crate::types::{
    Actor, Actors, Authentication, Claims, ClientId, GrantType, InvalidActors, Scope, Subject,
};

/// Grants that are read at once.
const GRANTS_AT_ONCE: u16 = 100;

/// What verifies tokens of each type. A token is never tried as another type than it is said to be (attack
/// 138).
#[derive(Debug)]
pub(crate) struct ExchangeTokens {
    pub(crate) formats: Arc<Formats>,
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) clients: Arc<dyn ClientStore>,
    pub(crate) id_tokens: IdTokenVerifier,
    /// `None` takes no JWTs of others.
    pub(crate) assertions: Option<Arc<Assertions>>,
}

/// A verified token, and the assertion that it is, which is not used up yet.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) token: ExchangeToken,
    pub(super) vouched: Option<Vouched>,
}

impl ExchangeTokens {
    /// Verifies a token that `client` presents.
    ///
    /// # Errors
    /// Why it is refused, as a subject token; or a fault.
    pub(super) async fn verify(
        &self,
        cx: &Context<'_>,
        client: &Client,
        (token_type, text): (TokenType, &str),
    ) -> Result<Verified> {
        let token = match token_type {
            TokenType::AccessToken => self.access_token(cx, client, text).await?,
            TokenType::IdToken => self.id_token(cx, client, text).await?,
            TokenType::Jwt => return self.jwt(cx, client, text).await,
            TokenType::RefreshToken => self.refresh_token(cx, client, text).await?,
        };
        Ok(Verified { token, vouched: None })
    }

    async fn access_token(&self, cx: &Context<'_>, client: &Client, text: &str) -> Result<ExchangeToken> {
        let token = match self.formats.read(cx, text).await {
            Some(Presented::Recorded(key)) => {
                let record = self.tokens.access_token(&key, cx.now).await?;
                record.and_then(|record| records::open_token(cx, &record))
            }
            Some(Presented::Stateless(token)) => self.unrevoked(cx, *token).await?,
            None => None,
        };
        let token = token.filter(|token| !token.expires_at.has_passed(cx.now));
        let token = token.ok_or(Reason::SubjectTokenInvalid)?;
        if token.client != *client.id() {
            let owner = self.clients.client(&token.client, cx.now).await?;
            owner.filter(|owner| !owner.settings().disabled).ok_or(Reason::SubjectTokenInvalid)?;
        }
        let mut verified = ours(cx, (TokenType::AccessToken, token.client), token.authentication);
        verified.scope = Some(token.scope);
        verified.audience = token.audience;
        verified.actors = token.actors;
        verified.confirmation = token.confirmation;
        verified.claims = token.extra;
        verified.expires_at = token.expires_at;
        Ok(verified)
    }

    /// A token without a record cannot be revoked, but nothing new is issued on it once its grant is.
    async fn unrevoked(&self, cx: &Context<'_>, token: AccessToken) -> Result<Option<AccessToken>> {
        let grant = self.tokens.grant(&token.grant, cx.now).await?;
        Ok(Some(token).filter(|_| grant.is_none_or(|grant| grant.revoked_at.is_none())))
    }

    /// The newest refresh token of its family, of the client that presents it. It is not used up, nor does
    /// its family end where it is not the newest: a client that rotates may have lost a response.
    async fn refresh_token(&self, cx: &Context<'_>, client: &Client, text: &str) -> Result<ExchangeToken> {
        let form = (cx.config.prefixes.refresh_token.as_str(), cx.issuer());
        let token = RefreshToken::decode(cx.secrets, form, text).ok_or(Reason::SubjectTokenInvalid)?;
        let stored = self.tokens.grant(&token.grant(), cx.now).await?;
        let stored = stored.filter(|stored| token.is_of(stored)).ok_or(Reason::SubjectTokenInvalid)?;
        if stored.record.client != *client.id() {
            return Err(Reason::SubjectTokenForeign.into());
        }
        if !is_newest(cx, &token, &stored) {
            return Err(Reason::SubjectTokenInvalid.into());
        }
        let grant = records::open_grant(cx, &stored.record).ok_or(Reason::GrantUnreadable)?;
        let idle_until = stored.head.as_ref().map_or(grant.expires_at, |head| head.idle_until);
        let mut verified = ours(cx, (TokenType::RefreshToken, grant.client), grant.authentication);
        verified.scope = Some(grant.scope);
        verified.audience = grant.resources;
        verified.actors = grant.actors;
        verified.confirmation = token.confirmation().copied().or(grant.confirmation);
        verified.expires_at = idle_until.min(grant.expires_at);
        Ok(verified)
    }

    /// An ID token says who signed in to one client, and is good for that client alone, while what came with it is: it permits
    /// what the person's grants of that login do.
    async fn id_token(&self, cx: &Context<'_>, client: &Client, text: &str) -> Result<ExchangeToken> {
        let verified = self.id_tokens.verify(text, cx.now);
        let verified = verified.map_err(|error| Rejection::caused(Reason::SubjectTokenInvalid, error))?;
        if verified.audience() != [client.id().as_str()] {
            return Err(Reason::SubjectTokenForeign.into());
        }
        if client.sector().is_some() {
            return Err(Reason::SubjectTokenPairwise.into());
        }
        let authentication = authentication(verified.claims(), verified.sub());
        let authentication = authentication.ok_or(Reason::SubjectTokenInvalid)?;
        let sid = verified.claims().str("sid");
        let signed_in = self.signed_in(cx, client, (authentication, sid)).await?;
        let (authentication, scope) = signed_in.ok_or(Reason::SubjectTokenInvalid)?;
        let mut token = ours(cx, (TokenType::IdToken, client.id().clone()), Some(authentication));
        token.scope = Some(scope);
        token.expires_at = verified.expires_at();
        token.claims = verified.claims().clone().into_map().into();
        Ok(token)
    }

    /// The login of an ID token with its session, and what the person's grants that live permit; `None` where there is none: they
    /// have signed out, or taken everything back.
    async fn signed_in(
        &self,
        cx: &Context<'_>,
        client: &Client,
        (mut authentication, sid): (Authentication, Option<&str>),
    ) -> Result<Option<(Authentication, Scope)>> {
        let of = Filter::SubjectAndClient(records::subject_key(cx, &authentication), client.id().clone());
        let (mut scope, mut page) = (None, Some(Page::first(GRANTS_AT_ONCE)));
        while let Some(from) = page.take() {
            let listing = self.tokens.grants(&of, RevokedGrants::LeftOut, &from, cx.now).await?;
            let live = listing.items.iter().filter(|stored| stored.is_active(cx.now));
            for grant in live.filter_map(|stored| records::open_grant(cx, &stored.record)) {
                let session = grant.authentication.and_then(|known| known.session);
                let named = session.as_ref().map(|session| subject::sid(cx, client.id(), session));
                if !is_sign_in(&grant.grant_type) || sid.is_some() && sid != named.as_deref() {
                    continue;
                }
                scope = Some(scope.unwrap_or_else(Scope::empty).union(&grant.scope));
                authentication.session = session.filter(|_| sid.is_some());
            }
            page = from.following(&listing);
        }
        Ok(scope.map(|scope| (authentication, scope)))
    }

    /// A JWT of an issuer that the host trusts, by the rules that hold for it as a grant.
    async fn jwt(&self, cx: &Context<'_>, client: &Client, text: &str) -> Result<Verified> {
        let assertions = self.assertions.as_ref().ok_or(Reason::SubjectTokenTypeUnsupported)?;
        let vouched = assertions.vouched(cx, client, text).await.map_err(unfit)?;
        let claims = vouched.assertion.claims();
        let token = ExchangeToken {
            token_type: TokenType::Jwt,
            issuer: vouched.assertion.issuer().to_owned(),
            authentication: match &vouched.principal {
                Principal::Client => None,
                Principal::Person(authentication) => Some(authentication.clone()),
            },
            sub: vouched.assertion.sub().to_owned(),
            client: None,
            scope: Some(vouched.scope().ok_or(Reason::SubjectTokenInvalid)?),
            audience: Vec::new(),
            actors: actors_of(cx, claims, vouched.assertion.issuer())?,
            confirmation: vouched.confirmation,
            claims: claims.clone().into_map().into(),
            expires_at: vouched.assertion.expires_at().min(vouched.trust.expires_at()),
        };
        match token.expires_at.has_passed(cx.now) {
            true => Err(Reason::SubjectTokenInvalid.into()),
            false => Ok(Verified { token, vouched: Some(vouched) }),
        }
    }
}

/// A token of this provider, about which nothing more is known yet.
fn ours(
    cx: &Context<'_>,
    (token_type, client): (TokenType, ClientId),
    authentication: Option<Authentication>,
) -> ExchangeToken {
    let sub = authentication
        .as_ref()
        .map_or_else(|| subject::of_client(&client), |known| known.subject.as_str().to_owned());
    ExchangeToken {
        token_type,
        issuer: cx.issuer().to_owned(),
        authentication,
        sub,
        client: Some(client),
        scope: None,
        audience: Vec::new(),
        actors: Actors::none(),
        confirmation: None,
        claims: Claims::new(),
        expires_at: cx.now,
    }
}

/// Whether it is the head of a family that lives.
fn is_newest(cx: &Context<'_>, token: &RefreshToken, stored: &StoredGrant) -> bool {
    let used = RefreshUse {
        seq: token.seq(),
        advance: Advance::Keep,
        grace: Grace::For(Duration::ZERO),
        idle_until: stored.record.expires_at,
    };
    used.outcome(Some(stored), cx.now) == Refreshed::Kept
}

/// How the person of an ID token had signed in. The session is in it by a name that does not lead back.
fn authentication(claims: &ClaimsSet, sub: &str) -> Option<Authentication> {
    let auth_time = claims.time("auth_time").ok().flatten()?;
    let mut authentication = Authentication::new(Subject::new(sub).ok()?, auth_time);
    authentication.acr = claims.str("acr").map(str::to_owned);
    let amr = claims.value("amr").and_then(|amr| amr.as_array());
    let amr = amr.into_iter().flatten().filter_map(|method| method.as_str());
    authentication.amr = amr.map(str::to_owned).collect();
    Some(authentication)
}

/// Whether a grant of this type is one that somebody gave who signed in here.
fn is_sign_in(grant_type: &GrantType) -> bool {
    !matches!(grant_type, GrantType::JwtBearer | GrantType::TokenExchange)
}

/// Who acts by a JWT already. Its issuer can speak for those of its own and of others, not for those of this
/// provider.
fn actors_of(cx: &Context<'_>, claims: &ClaimsSet, issuer: &str) -> Result<Actors, Reason> {
    let Some(claim) = claims.value("act") else { return Ok(Actors::none()) };
    let actors = Actors::of_claim(claim, issuer).map_err(|error| match error {
        InvalidActors::TooMany => Reason::ActorChainTooLong,
        InvalidActors::Malformed => Reason::SubjectTokenInvalid,
    })?;
    let ours = |actor: &Actor| match actor {
        Actor::Foreign { iss, .. } => iss == cx.issuer(),
        Actor::Client(_) | Actor::Person(_) => true,
    };
    if actors.iter().any(ours) {
        return Err(Reason::SubjectTokenInvalid);
    }
    Ok(actors)
}

/// Why a JWT is refused as an assertion is why it is refused as a token, in the words of RFC 8693 section
/// 2.2.2.
fn unfit(error: Error) -> Error {
    match error {
        Error::Rejected(rejection)
            if !matches!(
                rejection.reason(),
                Reason::AssertionKeysUnavailable | Reason::FetchingBusy | Reason::HostUnavailable
            ) =>
        {
            let reason = match rejection.reason() {
                Reason::ConfirmationMismatch => Reason::SubjectTokenBound,
                _ => Reason::SubjectTokenInvalid,
            };
            Rejection::caused(reason, rejection).into()
        }
        error => error,
    }
}
