//! `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): one token for another.

mod delegation;
mod tokens;

use std::sync::Arc;

use async_trait::async_trait;

pub(crate) use tokens::ExchangeTokens;

use self::delegation::actors;
use self::tokens::Verified;
use super::{GrantHandler, account, check_confirmation};
use crate::accounts::{AccountQuery, Accounts};
use crate::client::Client;
use crate::error::{Error, Reason, Rejection, Result};
use crate::policy::Policy;
use crate::provider::context::Context;
use crate::provider::exchange::{
    ExchangeDecision, ExchangeRequest, ExchangeTerms, ExchangeToken, TokenExchangePolicy, TokenType,
};
use crate::provider::issue::Issuance;
use crate::provider::resources;
use crate::provider::token::TokenRequest;
use crate::store::Grant;
use crate::types::{Actors, GrantId, GrantType, Scope};

/// Most `audience` parameters of one request.
const MAX_AUDIENCES: usize = 16;

/// Most bytes in one of them.
const MAX_AUDIENCE_BYTES: usize = 2048;

/// Exchanges tokens for confidential clients, where the host's policy says so.
///
/// Nothing widens: the new token is about the same person or client, permits no more, lives no longer, and is
/// bound to the key that the old one is bound to. What is asked is held against all that before the policy
/// sees it, and what the policy grants against what was asked.
#[derive(Debug)]
pub(crate) struct TokenExchangeGrant {
    tokens: ExchangeTokens,
    decides: Arc<dyn TokenExchangePolicy>,
    accounts: Arc<dyn Accounts>,
    policy: Arc<dyn Policy>,
}

/// What a request asks for, its syntax checked.
struct Asked<'a> {
    subject: (TokenType, &'a str),
    actor: Option<(TokenType, &'a str)>,
    requested: TokenType,
    scope: Option<Scope>,
    audience: Vec<String>,
}

impl TokenExchangeGrant {
    pub(crate) fn new(
        tokens: ExchangeTokens,
        decides: Arc<dyn TokenExchangePolicy>,
        (accounts, policy): (Arc<dyn Accounts>, Arc<dyn Policy>),
    ) -> Self {
        Self { tokens, decides, accounts, policy }
    }

    /// A token of the request, verified, whose key the request proves and whose person is still there.
    async fn verified(
        &self,
        cx: &Context<'_>,
        request: &TokenRequest,
        presented: (TokenType, &str),
    ) -> Result<Verified> {
        let client = request.client.client();
        let verified = self.tokens.verify(cx, client, presented).await?;
        let token = &verified.token;
        // Who holds the token alone must not get one that needs no key in its place (attack 137).
        check_confirmation(token.confirmation.as_ref(), request).map_err(|_| Reason::SubjectTokenBound)?;
        if let Some(authentication) = &token.authentication {
            let none = Scope::empty();
            let query = AccountQuery::new(&authentication.subject, client.id(), &none, cx.now);
            account(&*self.accounts, query).await.map_err(|error| match error {
                Error::Rejected(rejection) if rejection.reason() == Reason::SubjectGone => {
                    Reason::SubjectTokenGone.into()
                }
                error => error,
            })?;
        }
        Ok(verified)
    }

    async fn actor(
        &self,
        cx: &Context<'_>,
        request: &TokenRequest,
        asked: &Asked<'_>,
    ) -> Result<Option<Verified>> {
        let Some(presented) = asked.actor else { return Ok(None) };
        let verified = self.verified(cx, request, presented).await.map_err(of_actor)?;
        match verified.token.actors.is_empty() {
            true => Ok(Some(verified)),
            false => Err(Reason::ActorTokenDelegated.into()),
        }
    }

    /// The scope asked for, or all of the subject token's that the client may have.
    fn scope(
        &self,
        client: &Client,
        subject: &ExchangeToken,
        asked: Option<&Scope>,
    ) -> Result<Scope, Reason> {
        let registered = &client.metadata().scope;
        let permitted = subject.scope.as_ref().unwrap_or(registered);
        let mut asked = match asked {
            Some(asked) if asked.is_subset(permitted) => asked.clone(),
            Some(_) => return Err(Reason::ScopeNotGranted),
            None => permitted.intersection(registered),
        };
        asked.remove(Scope::OFFLINE_ACCESS);
        let mut scope = self.policy.scope(client, &asked)?.intersection(&asked);
        if subject.authentication.is_none() {
            scope.remove(Scope::OPENID);
        }
        Ok(scope)
    }

    /// Whom the new token is for: what is asked, which the client must be allowed, or what the subject token
    /// is for.
    fn audience(
        &self,
        (cx, client): (&Context<'_>, &Client),
        subject: &ExchangeToken,
        asked: &Asked<'_>,
    ) -> Result<Vec<String>, Reason> {
        if asked.requested == TokenType::IdToken {
            // It is for the client that asks, and no service takes it (attack 139).
            let own = |audience: &String| audience == client.id().as_str();
            return match asked.audience.iter().all(own) {
                true => Ok(Vec::new()),
                false => Err(Reason::ExchangeTargetDenied),
            };
        }
        if asked.audience.is_empty() {
            return Ok(resources::by_default(cx.config, &subject.audience));
        }
        for audience in &asked.audience {
            self.policy.resource(client, audience)?;
        }
        Ok(asked.audience.clone())
    }

    /// The terms of the host's policy, cut to what was asked.
    async fn decide(&self, request: &ExchangeRequest<'_>) -> Result<ExchangeTerms> {
        let decision = self.decides.decide(request).await;
        let decision = decision.map_err(|error| Rejection::caused(Reason::HostUnavailable, error))?;
        let mut terms = match decision {
            ExchangeDecision::Denied => return Err(Reason::ExchangeDenied.into()),
            ExchangeDecision::Granted(terms) => terms,
            ExchangeDecision::TargetDenied => return Err(Reason::ExchangeTargetDenied.into()),
        };
        terms.scope = terms.scope.intersection(request.scope);
        terms.audience.retain(|granted| request.audience.contains(granted));
        // An empty one would stand for the default audience, which nobody asked for.
        match terms.audience.is_empty() && !request.audience.is_empty() {
            true => Err(Reason::ExchangeTargetDenied.into()),
            false => Ok(terms),
        }
    }

    /// The assertions of the request count once, and last, so that none is spent on what is refused for
    /// something else; that of the actor first, who can make another sooner than the subject can.
    async fn use_up(&self, cx: &Context<'_>, (subject, actor): (&Verified, Option<&Verified>)) -> Result<()> {
        let Some(assertions) = &self.tokens.assertions else { return Ok(()) };
        if let Some(vouched) = actor.and_then(|actor| actor.vouched.as_ref()) {
            let used = assertions.use_up(cx, vouched).await;
            used.map_err(|error| replayed(error, Reason::ActorTokenInvalid))?;
        }
        if let Some(vouched) = &subject.vouched {
            let used = assertions.use_up(cx, vouched).await;
            used.map_err(|error| replayed(error, Reason::SubjectTokenInvalid))?;
        }
        Ok(())
    }
}

#[async_trait]
impl GrantHandler for TokenExchangeGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::TokenExchange
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let client = request.client.client();
        if !client.is_confidential() {
            return Err(Reason::ClientNotConfidential.into());
        }
        let asked = Asked::read(request)?;
        request.without_authorization_details()?;
        let verified = self.verified(cx, request, asked.subject).await?;
        let actor = self.actor(cx, request, &asked).await?;
        let subject = &verified.token;
        check_subject(client, subject, asked.requested)?;
        let acting = actor.as_ref().map(|actor| &actor.token);
        let actors = actors(cx, client, (subject, acting))?;
        if asked.requested == TokenType::IdToken {
            check_unbound(subject, &actors)?;
        }
        let scope = self.scope(client, subject, asked.scope.as_ref())?;
        let audience = self.audience((cx, client), subject, &asked)?;
        let exchange = ExchangeRequest {
            client,
            subject,
            actor: acting,
            scope: &scope,
            audience: &audience,
            requested: asked.requested,
            now: cx.now,
        };
        let terms = self.decide(&exchange).await?;
        if asked.requested == TokenType::IdToken && !terms.scope.contains(Scope::OPENID) {
            return Err(Reason::ScopeNotGranted.into());
        }
        if asked.requested != TokenType::IdToken {
            resources::check_token(cx.config, &terms.audience)?;
        }
        let grant = grant(cx, client, (subject, acting, actors), terms)?;
        self.use_up(cx, (&verified, actor.as_ref())).await?;
        Ok(Issuance::new(grant).exchanged_for(asked.requested))
    }
}

impl<'a> Asked<'a> {
    /// A parameter that says nothing is one that is missing: without its subject token an exchange would be a
    /// request of the client for itself (attack 136).
    fn read(request: &'a TokenRequest) -> Result<Self, Reason> {
        let one = |name| request.params.one(name);
        let text = one("subject_token")?.ok_or(Reason::SubjectTokenMissing)?;
        let token_type = one("subject_token_type")?.ok_or(Reason::SubjectTokenTypeMissing)?;
        let token_type = TokenType::parse(token_type).ok_or(Reason::SubjectTokenTypeUnsupported)?;
        let actor = match (one("actor_token")?, one("actor_token_type")?) {
            (None, None) => None,
            (None, Some(_)) => return Err(Reason::ActorTokenMissing),
            (Some(_), None) => return Err(Reason::ActorTokenTypeMissing),
            (Some(text), Some(name)) => {
                // A refresh token says what its client may ask for, not who anybody is.
                let known = TokenType::parse(name).filter(|known| *known != TokenType::RefreshToken);
                Some((known.ok_or(Reason::ActorTokenTypeUnsupported)?, text))
            }
        };
        let requested = one("requested_token_type")?.map_or(Some(TokenType::AccessToken), TokenType::parse);
        let requested = requested.filter(|known| *known != TokenType::RefreshToken);
        Ok(Self {
            subject: (token_type, text),
            actor,
            requested: requested.ok_or(Reason::RequestedTokenTypeUnsupported)?,
            scope: request.scope()?,
            audience: audience(request)?,
        })
    }
}

/// The services asked for, by `resource` or by `audience`, each once (RFC 8693 section 2.1).
fn audience(request: &TokenRequest) -> Result<Vec<String>, Reason> {
    let mut all = request.resources()?;
    let named: Vec<_> = request.params.many("audience").collect();
    let plain = |text: &str| text.len() <= MAX_AUDIENCE_BYTES && !text.chars().any(char::is_control);
    if named.len() > MAX_AUDIENCES || !named.iter().all(|text| plain(text)) {
        return Err(Reason::AudienceMalformed);
    }
    for audience in named {
        if !all.iter().any(|known| known == audience) {
            all.push(audience.to_owned());
        }
    }
    Ok(all)
}

/// The new token is about the one whom the subject token is about. A token of a client for itself would
/// become one of another client, so that only that client itself exchanges it.
fn check_subject(client: &Client, subject: &ExchangeToken, requested: TokenType) -> Result<(), Reason> {
    if subject.authentication.is_some() {
        return Ok(());
    }
    if subject.client.as_ref().is_some_and(|owner| owner != client.id()) {
        return Err(Reason::SubjectTokenOfClient);
    }
    match requested {
        TokenType::IdToken => Err(Reason::RequestedIdTokenOfClient),
        _ => Ok(()),
    }
}

/// An ID token says neither who acts nor who may, and whoever has it may use it: it is no way around what holds for the
/// subject token (attack 137, attack 139).
fn check_unbound(subject: &ExchangeToken, actors: &Actors) -> Result<(), Reason> {
    let held = subject.confirmation.is_some() || subject.claims.value("may_act").is_some();
    match held || !actors.is_empty() {
        true => Err(Reason::RequestedIdTokenBound),
        false => Ok(()),
    }
}

/// The grant that comes with the new token: it ends when a token ends that it was given for.
fn grant(
    cx: &Context<'_>,
    client: &Client,
    (subject, actor, actors): (&ExchangeToken, Option<&ExchangeToken>, Actors),
    terms: ExchangeTerms,
) -> Result<Grant> {
    let ends = actor.map_or(subject.expires_at, |actor| actor.expires_at.min(subject.expires_at));
    let ends = terms.lifetime.map_or(ends, |lifetime| ends.min(cx.now.plus(lifetime)));
    let id = GrantId::generate(cx.entropy, cx.now)?;
    let mut grant = Grant::new(id, client.id().clone(), GrantType::TokenExchange, cx.now)
        .with_actors(actors)
        .with_scope(terms.scope)
        .with_resources(terms.audience)
        .with_expiry(ends);
    grant.authentication.clone_from(&subject.authentication);
    if let Some(authentication) = &mut grant.authentication {
        // It ends with its session, and does not wait for that end: a service may exchange at every call, and has not signed
        // anybody in.
        authentication.session_ends = None;
    }
    Ok(grant)
}

/// An assertion that was used before is no valid token.
fn replayed(error: Error, reason: Reason) -> Error {
    match error {
        Error::Rejected(rejection) => Rejection::caused(reason, rejection).into(),
        error => error,
    }
}

/// Why a token is refused as an actor token.
fn of_actor(error: Error) -> Error {
    let Error::Rejected(rejection) = error else { return error };
    let reason = match rejection.reason() {
        Reason::SubjectTokenBound => Reason::ActorTokenBound,
        Reason::SubjectTokenForeign | Reason::SubjectTokenPairwise => Reason::ActorTokenForeign,
        Reason::SubjectTokenGone => Reason::ActorTokenGone,
        Reason::SubjectTokenInvalid => Reason::ActorTokenInvalid,
        Reason::SubjectTokenTypeUnsupported => Reason::ActorTokenTypeUnsupported,
        _ => return Error::Rejected(rejection),
    };
    Rejection::caused(reason, rejection).into()
}
