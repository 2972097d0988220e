//! What an approval brings at once: a code, an access token, an ID token, whatever the response type has.

use super::approve::Approval;
use super::pending::PendingAuthorization;
use crate::accounts::AccountQuery;
use crate::error::{Error, Reason, Rejection, Result, StoreError, StoreErrorKind};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::format::id_token::{Channel, IdToken};
use crate::provider::format::{TokenKind, opaque};
use crate::provider::issue;
use crate::provider::records;
use crate::provider::release::Asked;
use crate::provider::token::TokenResponse;
use crate::secret::{Secret, TokenHash};
use crate::store::{AuthorizationCode, Grant};
use crate::types::{Claims, ResponseType, Scope};

/// How often another code is drawn because one is taken (attack 321).
const MAX_ATTEMPTS: u8 = 3;

/// What goes into an authorization response.
#[derive(Debug, Default)]
pub(super) struct Issued {
    pub(super) code: Option<Secret>,
    pub(super) token: Option<TokenResponse>,
    pub(super) id_token: Option<Secret>,
}

/// The claims for the ID token of the response, if it has one. No token is issued for a person who is gone; where a
/// code is all that is issued, they are asked for when it is redeemed.
///
/// # Errors
/// [`Reason::ApprovalSubjectGone`], [`Reason::AccountsUnavailable`].
pub(super) async fn account(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    approval: &Approval,
) -> Result<Claims> {
    let request = pending.request();
    if request.response_type == ResponseType::Code {
        return Ok(Claims::new());
    }
    let accounts = core.accounts.as_deref().ok_or(Reason::ApprovalSubjectGone)?;
    let none = Scope::empty();
    let scope = if request.response_type == ResponseType::IdToken { approval.scope() } else { &none };
    let asked = if request.response_type.has_id_token() { &*request.claims.id_token } else { &[] };
    let query = AccountQuery::new(approval.subject(), pending.client().id(), scope, cx.now)
        .with_claims(asked)
        .with_claims_locales(&request.claims_locales);
    match accounts.claims(query).await {
        Ok(Some(claims)) => Ok(claims),
        Ok(None) => Err(Reason::ApprovalSubjectGone.into()),
        Err(error) => Err(Rejection::caused(Reason::AccountsUnavailable, error).into()),
    }
}

/// Issues what the response type has, under a grant that exists.
///
/// The ID token is last, since it has the hashes of the others.
pub(super) async fn issue(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    (grant, account): (&Grant, &Claims),
) -> Result<Issued> {
    let response_type = pending.request().response_type;
    let mut issued = Issued::default();
    if response_type.has_code() {
        issued.code = Some(insert_code(core, cx, pending, grant).await?);
    }
    if response_type.has_token() {
        let bound = (grant, pending.request().confirmation());
        let token = issue::issue_in_front(core, cx, pending.client(), bound).await;
        issued.token = Some(token.map_err(overtaken)?);
    }
    if response_type.has_id_token() {
        issued.id_token = Some(sign_id_token(core, cx, pending, (grant, account, &issued)).await?);
    }
    Ok(issued)
}

/// The codes of the token endpoint mean nothing here.
fn overtaken(error: Error) -> Error {
    match error.reason() {
        Reason::GrantRevoked | Reason::GrantUnknown => Reason::ApprovalRevoked.into(),
        _ => error,
    }
}

async fn insert_code(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    grant: &Grant,
) -> Result<Secret> {
    let request = pending.request();
    let mut record = AuthorizationCode::new(grant.clone());
    record.redirect_uri = request.redirect_uri.clone();
    record.code_challenge = request.code_challenge;
    record.nonce = request.nonce.clone();
    record.confirmation = request.confirmation();
    let kind = match record.confirmation {
        Some(_) => TokenKind::BoundAuthorizationCode,
        None => TokenKind::AuthorizationCode,
    };
    for _ in 0..MAX_ATTEMPTS {
        let place = (cx.config.prefixes.authorization_code.as_str(), cx.issuer());
        let code = opaque::mint(cx.secrets, cx.entropy, kind, place)?;
        let key = TokenHash::of(code.expose());
        match core.stores.codes.insert_code(key, records::code_record(cx, &key, &record)?, cx.now).await {
            Ok(()) => return Ok(code),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::from(StoreErrorKind::Conflict).into())
}

/// An ID token that protects the response which it comes in: `at_hash` and `c_hash` (OpenID Connect Core 1.0 sections
/// 3.2.2.10 and 3.3.2.11), and beside a code `s_hash` (Financial-grade API Security Profile 1.0 Part 2 section
/// 5.2.2.1), so that nobody can put the code of one response and the state of another together.
async fn sign_id_token(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    (grant, account, issued): (&Grant, &Claims, &Issued),
) -> Result<Secret> {
    let request = pending.request();
    let authentication = grant.authentication.as_ref().ok_or(Reason::ApprovalSubjectGone)?;
    // Without an access token there is no userinfo from which the client could get the claims of the scope (OpenID
    // Connect Core 1.0 section 5.4).
    let none = Scope::empty();
    let scope = if request.response_type == ResponseType::IdToken { &grant.scope } else { &none };
    let claims = Asked { scope, names: &request.claims.id_token }.released(account);
    let token = IdToken {
        client: pending.client(),
        authentication,
        nonce: request.nonce.as_deref(),
        access_token: issued.token.as_ref().map(|token| &token.access_token),
        code: issued.code.as_ref(),
        state: pending.state().back.state().filter(|_| issued.code.is_some()),
        pushed: None,
        claims: &claims,
    };
    core.id_tokens(Channel::Front).mint(cx, &token).await
}
