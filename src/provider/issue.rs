//! From a decision to tokens: the single place that mints, signs and writes.

use std::time::Duration;

use super::authorization_details;
use super::context::Context;
use super::core::Core;
use super::exchange::TokenType;
use super::exchanged;
use super::format::id_token::{Channel, IdToken, Pushed};
use super::format::jwt;
use super::format::refresh::RefreshToken;
use super::records::{self, MAX_ACCESS_TOKEN_LIFETIME};
use super::resources;
use super::token::TokenResponse;
use crate::client::{AccessTokenFormatChoice, Client};
use crate::error::{Error, Internal, Reason, Result, StoreError, StoreErrorKind};
use crate::event::EventKind;
use crate::policy::Issuing;
use crate::secret::{Secret, TokenHash};
use crate::store::{AccessToken, Grant, Insertion, Issued, NewFamily, RefreshUse, Refreshed, TokenRecord};
use crate::types::{AuthorizationDetails, Claims, Confirmation, GrantId, GrantType, Scope};

/// How often new keys are drawn when the store has them already (attack 321).
const MAX_DRAWS: u32 = 3;

/// What a grant handler decided: the tokens to issue and the write that goes with them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issuance {
    /// The grant on which the tokens hang.
    pub grant: Grant,
    /// How the grant is written.
    pub write: Write,
    /// The scope of the access token: the grant's, or narrowed.
    pub scope: Scope,
    /// The resources of the access token: the grant's, or narrowed; empty stands for the default audience.
    pub resources: Vec<String>,
    /// What the access token permits in detail (RFC 9396): all of the grant's, or narrowed. What is at `locations` of
    /// other resources is left out of the token.
    pub authorization_details: AuthorizationDetails,
    /// The ID token to issue beside it; never for a client that acts for itself.
    pub id_token: Option<IdTokenIssuance>,
    /// What a token exchange was asked for; `None` for every other grant.
    pub exchanged: Option<TokenType>,
}

/// How the grant of an [`Issuance`] is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Write {
    /// It is new: it is inserted with its tokens, and lasts as long as they do.
    New,
    /// It exists since its approval.
    Existing,
    /// Its refresh token is used.
    Refresh(RefreshIssuance),
}

/// The use of a refresh token that an [`Issuance`] writes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshIssuance {
    /// The token as it was presented, from which the successor is computed.
    pub presented: RefreshToken,
    /// How the store uses it.
    pub used: RefreshUse,
}

/// The ID token of an [`Issuance`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IdTokenIssuance {
    /// The `nonce` of the authorization request; never at a refresh.
    pub nonce: Option<String>,
    /// The person's claims that were asked for in the ID token by name.
    pub claims: Claims,
    /// The request that is answered, where nobody asks for the tokens and they are pushed.
    pub(super) pushed_for: Option<Secret>,
}

impl Issuance {
    /// An access token under a new grant, with the grant's own scope and resources.
    #[must_use]
    pub fn new(grant: Grant) -> Self {
        let (scope, resources) = (grant.scope.clone(), grant.resources.clone());
        let authorization_details = grant.authorization_details.clone();
        Self {
            grant,
            write: Write::New,
            scope,
            resources,
            authorization_details,
            id_token: None,
            exchanged: None,
        }
    }

    /// Tokens under a grant that exists.
    #[must_use]
    pub fn under(grant: Grant) -> Self {
        Self { write: Write::Existing, ..Self::new(grant) }
    }

    /// The answer to an exchange that asked for a token of this type.
    #[must_use]
    pub(super) const fn exchanged_for(mut self, token_type: TokenType) -> Self {
        self.exchanged = Some(token_type);
        self
    }

    /// Whether it stays within its grant, and the grant is of the client that asks: a handler of a host can err.
    fn check(&self, cx: &Context<'_>, client: &Client) -> Result<(), Internal> {
        let granted = self.grant.resources_or(&cx.config.default_audience);
        let within = self.grant.client == *client.id()
            && self.scope.is_subset(&self.grant.scope)
            && self.resources.iter().all(|resource| granted.contains(resource))
            && cx.details.narrow(&self.authorization_details, &self.grant.authorization_details);
        match within {
            true => Ok(()),
            false => {
                Err(Internal::new("could not issue tokens", "the issuance exceeds its grant or its client"))
            }
        }
    }

    /// The grant type of the request that is answered.
    fn grant_type(&self) -> &GrantType {
        match &self.write {
            Write::Refresh(_) => &GrantType::RefreshToken,
            Write::New | Write::Existing => &self.grant.grant_type,
        }
    }

    /// An ID token beside the access token.
    #[must_use]
    pub fn with_id_token(mut self, id_token: IdTokenIssuance) -> Self {
        self.id_token = Some(id_token);
        self
    }
}

/// Mints and signs what `issuance` stands for, then writes it: the last step that can fail, so that whatever fails
/// before leaves nothing behind, and a response exists only for what is written.
///
/// Whatever a handler thinks of it, the tokens are bound to the key that `client` proved.
///
/// # Errors
/// [`Reason::ConfirmationMismatch`] when the grant is bound to another key, [`Reason::GrantRevoked`] and [`Reason::GrantUnknown`] when the grant ended meanwhile, the refusals of a refresh
/// token, and faults of ours or the store's.
pub(crate) async fn issue(
    core: &Core,
    cx: &Context<'_>,
    (client, proved): (&Client, Option<Confirmation>),
    mut issuance: Box<Issuance>,
) -> Result<TokenResponse> {
    issuance.check(cx, client)?;
    if issuance.exchanged != Some(TokenType::IdToken) {
        resources::check_named(cx.config, &issuance.resources)?;
    }
    if matches!(issuance.write, Write::New) {
        issuance.grant.confirmation = proved;
    }
    if issuance.grant.confirmation.is_some_and(|bound| Some(bound) != proved) {
        return Err(Reason::ConfirmationMismatch.into());
    }
    if issuance.exchanged == Some(TokenType::IdToken) {
        return Box::pin(exchanged::id_token(core, cx, client, &issuance.grant)).await;
    }
    let mut plan = Plan::new(core, cx, client, &issuance);
    plan.confirmation = proved;
    draw(core, cx, client, (&plan, &mut issuance)).await
}

/// An access token for the authorization response, under a grant that exists: never with a refresh token
/// (RFC 6749 section 4.2.2), never with an ID token. It is bound to the key of the request, if that names one.
///
/// # Errors
/// As those of [`issue`].
pub(super) async fn issue_in_front(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (grant, confirmation): (&Grant, Option<Confirmation>),
) -> Result<TokenResponse> {
    let mut issuance = Issuance::under(grant.clone());
    issuance.resources = resources::by_default(cx.config, &grant.resources);
    let mut plan = Plan::new(core, cx, client, &issuance);
    plan.confirmation = confirmation;
    plan.refresh_token = RefreshTokenIssue::None;
    draw(core, cx, client, (&plan, &mut issuance)).await
}

/// Tries again with other keys when the store has those that were drawn.
async fn draw(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (plan, issuance): (&Plan, &mut Issuance),
) -> Result<TokenResponse> {
    for _ in 0..MAX_DRAWS {
        match attempt(core, cx, client, (plan, issuance)).await {
            Err(Error::Store(error)) if error.kind() == StoreErrorKind::Conflict => {
                if matches!(issuance.write, Write::New) {
                    issuance.grant.id = GrantId::generate(cx.entropy, cx.now)?;
                }
            }
            outcome => return outcome,
        }
    }
    Err(Internal::new("could not draw a new key", "every one that was drawn exists").into())
}

async fn attempt(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (plan, issuance): (&Plan, &mut Issuance),
) -> Result<TokenResponse> {
    let token = access_token(core, cx, plan, issuance).await?;
    if matches!(issuance.write, Write::New) {
        // Nothing but this token hangs on it, so it need not outlast it.
        issuance.grant.expires_at = issuance.grant.expires_at.min(token.expires_at);
    }
    let minted = core.formats.mint(cx, &plan.format, (client, &token)).await?;
    let family = match plan.refresh_token {
        RefreshTokenIssue::First => {
            let first = RefreshToken::first(issuance.grant.id, cx.entropy)?;
            Some(first.bound_to(refresh_confirmation(client, plan.confirmation)))
        }
        RefreshTokenIssue::None => None,
    };
    let id_token = match &issuance.id_token {
        // Boxed, as are other large futures that most requests do without: they would make each request's larger.
        Some(wanted) => {
            let beside = Beside { access_token: &minted.token, family: family.as_ref() };
            Box::pin(id_token(core, cx, client, (&issuance.grant, wanted, beside))).await?
        }
        None => None,
    };
    let (refresh_token, done) = write(core, cx, issuance, (minted.record, &token), family).await?;
    cx.note_grant(&issuance.grant);
    cx.emit(&cx.event(match done {
        Done::Issued => EventKind::TokensIssued { grant_type: issuance.grant_type().clone() },
        Done::Retried => EventKind::RefreshRetried,
    }));
    Ok(TokenResponse {
        access_token: minted.token,
        expires_in: token.expires_at.since(cx.now),
        scope: token.scope,
        authorization_details: token.authorization_details,
        refresh_token: refresh_token.map(|token| encode(cx, &token)),
        id_token,
        confirmation: plan.confirmation,
        exchanged: issuance.exchanged,
    })
}

/// What the refresh tokens of a client are bound to. A confidential client proves itself at each use, and may change
/// its keys meanwhile (RFC 9449 section 5, RFC 8705 section 6).
fn refresh_confirmation(client: &Client, proved: Option<Confirmation>) -> Option<Confirmation> {
    proved.filter(|_| !client.is_confidential())
}

/// What is decided before anything is minted: by the resource, else the client, else the provider, and the policy
/// last.
struct Plan {
    format: AccessTokenFormatChoice,
    lifetime: Duration,
    audience: Vec<String>,
    authorization_details: AuthorizationDetails,
    refresh_token: RefreshTokenIssue,
    confirmation: Option<Confirmation>,
}

/// Whether a response brings the first refresh token of its grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefreshTokenIssue {
    First,
    None,
}

impl Plan {
    fn new(core: &Core, cx: &Context<'_>, client: &Client, issuance: &Issuance) -> Self {
        let Issuance { grant, scope, resources, write, .. } = issuance;
        let audience = if resources.is_empty() { &cx.config.default_audience } else { resources };
        let issuing = Issuing::new(client, &grant.grant_type, scope, audience);
        let format = core.policy.access_token_format(&issuing, default_format(cx, client, audience));
        let format = match issuance.exchanged {
            Some(TokenType::Jwt) => AccessTokenFormatChoice::Jwt,
            _ => format,
        };
        let details = authorization_details::of_audience(&issuance.authorization_details, audience);
        let format = recorded_where_needed(
            format,
            client,
            (issuance, &details, resources::is_encrypted(cx.config, audience)),
        );
        let lifetime = default_lifetime(cx, client, (audience, &format));
        let lifetime = core.policy.access_token_lifetime(&issuing, lifetime).min(MAX_ACCESS_TOKEN_LIFETIME);
        let refresh_token = match write {
            Write::Existing if may_refresh(core, client, grant) => {
                let default = grant.scope.contains(Scope::OFFLINE_ACCESS);
                match core.policy.issues_refresh_token(&issuing, default) {
                    true => RefreshTokenIssue::First,
                    false => RefreshTokenIssue::None,
                }
            }
            _ => RefreshTokenIssue::None,
        };
        let audience = audience_of(cx, &format, audience);
        Self { format, lifetime, audience, authorization_details: details, refresh_token, confirmation: None }
    }
}

/// A JWT that carried what was asked of userinfo by name or language would tell it to every resource, and from a pairwise `sub`
/// nobody finds the person again, so both are kept in a record; and so are details that are too
/// large for a header, and what is encrypted, which the provider could not read again.
fn recorded_where_needed(
    format: AccessTokenFormatChoice,
    client: &Client,
    (issuance, details, encrypted): (&Issuance, &AuthorizationDetails, bool),
) -> AccessTokenFormatChoice {
    let grant = &issuance.grant;
    let particular = !grant.claims.userinfo.is_empty() || !grant.claims_locales.is_empty();
    let asked = issuance.scope.contains(Scope::OPENID) && particular;
    let pairwise = grant.authentication.is_some() && client.sector().is_some();
    let large = !authorization_details::fit_a_jwt(details);
    // What others vouched for, or passed on, has to be found and ended by the host.
    let passed_on = matches!(grant.grant_type, GrantType::JwtBearer | GrantType::TokenExchange);
    match format {
        AccessTokenFormatChoice::JwtStateless if asked || pairwise || large || encrypted || passed_on => {
            AccessTokenFormatChoice::Jwt
        }
        format => format,
    }
}

/// RFC 9068 section 2.2 demands `aud`: where neither request nor configuration has one, a JWT is for the issuer, whose
/// userinfo endpoint is the one resource that there is.
fn audience_of(cx: &Context<'_>, format: &AccessTokenFormatChoice, audience: &[String]) -> Vec<String> {
    let jwt = matches!(format, AccessTokenFormatChoice::Jwt | AccessTokenFormatChoice::JwtStateless);
    if jwt && audience.is_empty() { vec![cx.issuer().to_owned()] } else { audience.to_vec() }
}

/// A client that acts for itself asks again instead (RFC 6749 section 4.4.3).
fn may_refresh(core: &Core, client: &Client, grant: &Grant) -> bool {
    core.issues_refresh_tokens()
        && grant.authentication.is_some()
        && client.allows_grant(&GrantType::RefreshToken)
}

/// The format of the first resource that has one, else the client's, else the provider's.
fn default_format(cx: &Context<'_>, client: &Client, audience: &[String]) -> AccessTokenFormatChoice {
    let chosen = resources::format(cx.config, audience).or(client.settings().access_token_format.as_ref());
    chosen.unwrap_or(&cx.config.access_token_format).clone()
}

/// The shortest lifetime of a resource that has one, else the client's, else that of the format.
fn default_lifetime(
    cx: &Context<'_>,
    client: &Client,
    (audience, format): (&[String], &AccessTokenFormatChoice),
) -> Duration {
    let chosen = resources::lifetime(cx.config, audience).or(client.settings().access_token_lifetime);
    chosen.unwrap_or(match format {
        AccessTokenFormatChoice::Jwt | AccessTokenFormatChoice::JwtStateless => cx.config.jwt_lifetime,
        AccessTokenFormatChoice::Opaque | AccessTokenFormatChoice::Extension(_) => cx.config.opaque_lifetime,
    })
}

/// What the access token stands for; it does not outlive its grant.
async fn access_token(
    core: &Core,
    cx: &Context<'_>,
    plan: &Plan,
    issuance: &Issuance,
) -> Result<AccessToken> {
    let grant = &issuance.grant;
    let expires_at = cx.now.plus(plan.lifetime).min(grant.expires_at);
    let mut token = AccessToken::new(grant.id, grant.client.clone(), cx.now, expires_at);
    token.authentication.clone_from(&grant.authentication);
    token.actors.clone_from(&grant.actors);
    token.scope = resources::scope_of(cx.config, &plan.audience, &issuance.scope);
    token.audience.clone_from(&plan.audience);
    token.confirmation = plan.confirmation;
    token.authorization_details.clone_from(&plan.authorization_details);
    if issuance.scope.contains(Scope::OPENID) {
        token.userinfo.clone_from(&grant.claims.userinfo);
        token.claims_locales.clone_from(&grant.claims_locales);
    }
    if let Some(hook) = &core.claims_hook {
        let added = hook.access_token(&token).await;
        let added = added.map_err(|error| Internal::new("could not ask the claims hook", error))?;
        let free = added.into_map().into_iter().filter(|(name, _)| !jwt::is_reserved(name));
        token.extra = Claims::from(free.collect::<serde_json::Map<_, _>>());
    }
    Ok(token)
}

/// What is issued beside an ID token.
struct Beside<'a> {
    access_token: &'a Secret,
    family: Option<&'a RefreshToken>,
}

/// `None` for a client that acts for itself.
async fn id_token(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (grant, wanted, beside): (&Grant, &IdTokenIssuance, Beside<'_>),
) -> Result<Option<Secret>> {
    let Some(authentication) = &grant.authentication else { return Ok(None) };
    let pushed_for = wanted.pushed_for.as_ref();
    let refresh_token = pushed_for.and(beside.family).map(|token| encode(cx, token));
    let pushed = pushed_for.map(|auth_req_id| Pushed { auth_req_id, refresh_token: refresh_token.as_ref() });
    let token = IdToken {
        client,
        authentication,
        nonce: wanted.nonce.as_deref(),
        access_token: Some(beside.access_token),
        code: None,
        state: None,
        pushed,
        claims: &wanted.claims,
    };
    core.id_tokens(Channel::Back).mint(cx, &token).await.map(Some)
}

/// Whether a write was the first of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Issued,
    /// The same refresh token was answered before.
    Retried,
}

/// The write, and the refresh token that it leaves with the client. A token without a key is not recorded.
async fn write(
    core: &Core,
    cx: &Context<'_>,
    issuance: &Issuance,
    (key, token): (Option<TokenHash>, &AccessToken),
    family: Option<RefreshToken>,
) -> Result<(Option<RefreshToken>, Done)> {
    let tokens = &core.stores.tokens;
    if let Write::New = issuance.write {
        // A token without a record has nothing that could be listed or revoked.
        if let Some(key) = key {
            let granted = records::granted_token(cx, key, token, &issuance.grant)?;
            tokens.insert_granted_token(granted, cx.now).await?;
        }
        return Ok((None, Done::Issued));
    }
    let access = key.map(|key| records::token_record(cx, key, token)).transpose()?;
    if let Write::Refresh(refresh) = &issuance.write {
        let (token, done) = use_refresh_token(core, cx, refresh, access).await?;
        return Ok((Some(token), done));
    }
    let idle_until = cx.now.plus(cx.config.refresh_idle).min(issuance.grant.expires_at);
    let new_family = family.as_ref().map(|token| NewFamily { key: token.family(), idle_until });
    let issued = Issued { access, family: new_family };
    match tokens.insert_tokens(&issuance.grant.id, issued, cx.now).await? {
        Insertion::Inserted => Ok((family, Done::Issued)),
        Insertion::GrantRevoked => Err(Reason::GrantRevoked.into()),
        Insertion::GrantAbsent => Err(Reason::GrantUnknown.into()),
    }
}

/// The refresh token of the response: the one presented, or its successor, which a retry gets again.
async fn use_refresh_token(
    core: &Core,
    cx: &Context<'_>,
    refresh: &RefreshIssuance,
    access: Option<TokenRecord>,
) -> Result<(RefreshToken, Done)> {
    let RefreshIssuance { presented, used } = refresh;
    let grant = presented.grant();
    match core.stores.tokens.use_refresh_token(&grant, used.clone(), access, cx.now).await? {
        Refreshed::Kept => Ok((presented.clone(), Done::Issued)),
        Refreshed::Rotated => {
            let next = presented.seq().checked_add(1).ok_or(StoreError::from(StoreErrorKind::Corrupt))?;
            Ok((presented.at(next), Done::Issued))
        }
        Refreshed::Retried { head } => Ok((presented.at(head), Done::Retried)),
        refused => Err(refusal(refused).into()),
    }
}

/// Why a refresh token was refused.
pub(super) const fn refusal(refused: Refreshed) -> Reason {
    match refused {
        Refreshed::Ahead => Reason::RefreshTokenAhead,
        Refreshed::Expired => Reason::RefreshTokenExpired,
        Refreshed::GrantRevoked => Reason::GrantRevoked,
        Refreshed::Replayed => Reason::RefreshTokenReplayed,
        _ => Reason::RefreshTokenUnknown,
    }
}

fn encode(cx: &Context<'_>, token: &RefreshToken) -> Secret {
    token.encode(cx.secrets, (&cx.config.prefixes.refresh_token, cx.issuer()))
}
