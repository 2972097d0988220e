//! The person's answer: a grant and a code, or a refusal.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::consent::claim_names;
use super::needs::{self, Needs};
use super::pending::PendingAuthorization;
use super::respond;
use crate::error::{Reason, Result, StoreError, StoreErrorKind};
use crate::event::EventKind;
use crate::policy::Issuing;
use crate::provider::consent;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::format::{TokenKind, opaque};
use crate::provider::records::{self, MAX_ACCESS_TOKEN_LIFETIME};
use crate::secret::{Secret, TokenHash};
use crate::store::{AuthorizationCode, Consent, Filter, Grant, SubjectKey};
use crate::types::{Authentication, GrantId, GrantType, Scope, Subject};
use crate::wire::Response;

/// How often another id or code is drawn because one is taken (attack 321).
const MAX_ATTEMPTS: u8 = 3;

/// The person agrees.
#[derive(Clone, Debug)]
#[must_use]
pub struct Approval {
    authentication: Authentication,
    scope: Scope,
    remember: bool,
}

impl Approval {
    /// The person of `authentication` agrees to `scope`: what was shown, or the part of it that was chosen.
    ///
    /// The claims and resources of the request go with it. The caller vouches that they were shown too, that the
    /// person who is signed in now said yes, and that no other page said it for them (CSRF).
    pub const fn new(authentication: Authentication, scope: Scope) -> Self {
        Self { authentication, scope, remember: false }
    }

    /// The same is not to be asked again. Remembered consent grows by what is approved.
    pub const fn remembered(mut self) -> Self {
        self.remember = true;
        self
    }
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The authentication context class that the client calls essential cannot be reached.
    Acr,
    /// The host's policy refuses.
    Host,
    /// The person did not sign in, or not as the one who was asked for.
    Login,
    /// The person refused.
    Person,
    /// The host cannot ask the person now.
    Unavailable,
}

impl Denial {
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Acr => Reason::AcrUnmet,
            Self::Host => Reason::DeniedByHost,
            Self::Login => Reason::LoginNeeded,
            Self::Person => Reason::DeniedByUser,
            Self::Unavailable => Reason::HostUnavailable,
        }
    }
}

/// An approval that does not meet its request. Nothing was issued; the request still waits.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// What it does not meet.
    pub reason: Reason,
    /// What is needed first, where that would help, as [`Next::Ask`](super::Next::Ask) would say;
    /// [`Needs::Select`] also when another person approves than the one whom the consent page was shown to.
    pub needs: Option<Needs>,
    /// The request, to ask again or to deny.
    pub pending: PendingAuthorization,
}

/// Weighs an approval against its request, as of when that was made.
pub(super) fn weigh(
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    approval: &Approval,
) -> Result<(), (Reason, Option<Needs>)> {
    if pending.expires_at().has_passed(cx.now) {
        return Err((Reason::PendingExpired, None));
    }
    if let Some(needs) = needs::unmet(pending, &approval.authentication) {
        return Err((needs.reason(), Some(needs)));
    }
    // In another tab somebody else may have signed in while the page was open: its yes is not theirs.
    let approving = asked_key(cx, &approval.authentication.subject);
    if pending.state().asked.as_ref().is_some_and(|asked| *asked != approving) {
        return Err((Reason::ApprovalOtherSubject, Some(Needs::Select)));
    }
    if !approval.scope.is_subset(&pending.request().scope) {
        return Err((Reason::ApprovalExceeds, None));
    }
    Ok(())
}

/// The name by which a pending request remembers who was asked: of one length, however long the subject is.
pub(super) fn asked_key(cx: &Context<'_>, subject: &Subject) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(SubjectKey::of(cx.secrets, cx.issuer(), subject).as_bytes())
}

/// Carries an approval out that was weighed: what is to be remembered, the grant, the code, each in one statement.
pub(super) async fn carry_out(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    approval: Approval,
) -> Result<Response> {
    if approval.remember && !pending.client().is_native() {
        remember(core, cx, pending, &approval).await?;
    }
    let grant = insert_grant(core, cx, pending, approval).await?;
    cx.note_grant(&grant);
    let id = grant.id;
    match issue(core, cx, pending, grant).await {
        Ok(response) => {
            cx.emit(&cx.event(EventKind::Approved));
            Ok(response)
        }
        Err(error) => {
            // Nobody can redeem the grant. Should this fail too, it lies idle until it ends.
            core.stores.tokens.revoke(&Filter::Id(id), cx.now).await.ok();
            Err(error)
        }
    }
}

async fn issue(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    grant: Grant,
) -> Result<Response> {
    let code = insert_code(core, cx, pending, grant).await?;
    respond::code(cx, &pending.state().back, &code).await
}

async fn remember(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    approval: &Approval,
) -> Result<()> {
    let subject = &approval.authentication.subject;
    let mut given = Consent::new(subject.clone(), pending.client().id().clone(), cx.now);
    given.scope = approval.scope.clone();
    given.claims = claim_names(pending.request());
    given.resources = pending.request().resources.clone();
    let known = pending.state().consent.clone().filter(|(of, _)| of == subject).and_then(|(_, known)| known);
    consent::remember(cx, &*core.stores.consents, &given, known).await
}

async fn insert_grant(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    approval: Approval,
) -> Result<Grant> {
    let request = pending.request();
    let limit = cx.now.plus(lifetime(core, cx, pending, &approval.scope));
    let mut grant = Grant::new(
        GrantId::generate(cx.entropy)?,
        pending.client().id().clone(),
        GrantType::AuthorizationCode,
        cx.now,
    )
    .with_authentication(approval.authentication)
    .with_scope(approval.scope)
    .with_resources(request.resources.clone())
    .with_claims(request.claims.clone())
    .with_expiry(limit);
    for _ in 0..MAX_ATTEMPTS {
        match core.stores.tokens.insert_grant(records::grant_record(cx, &grant)?, cx.now).await {
            Ok(()) => return Ok(grant),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                grant.id = GrantId::generate(cx.entropy)?
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::from(StoreErrorKind::Conflict).into())
}

async fn insert_code(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    grant: Grant,
) -> Result<Secret> {
    let request = pending.request();
    let mut record = AuthorizationCode::new(grant);
    record.redirect_uri = request.redirect_uri.clone();
    record.code_challenge = request.code_challenge;
    record.nonce = request.nonce.clone();
    for _ in 0..MAX_ATTEMPTS {
        let place = (cx.config.prefixes.authorization_code.as_str(), cx.issuer());
        let code = opaque::mint(cx.secrets, cx.entropy, TokenKind::AuthorizationCode, place)?;
        let key = TokenHash::of(code.expose());
        match core.stores.codes.insert_code(key, records::code_record(cx, &key, &record)?, cx.now).await {
            Ok(()) => return Ok(code),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::from(StoreErrorKind::Conflict).into())
}

/// How long the grant lasts: with a refresh token as configured, otherwise as long as any token of it could.
fn lifetime(core: &Core, cx: &Context<'_>, pending: &PendingAuthorization, scope: &Scope) -> Duration {
    let (client, resources) = (pending.client(), &pending.request().resources);
    let audience = if resources.is_empty() { &cx.config.default_audience } else { resources };
    let issuing = Issuing::new(client, &GrantType::AuthorizationCode, scope, audience);
    let refreshable = core.issues_refresh_tokens() && client.allows_grant(&GrantType::RefreshToken);
    let by_default = scope.contains(Scope::OFFLINE_ACCESS);
    let refreshed = refreshable && core.policy.issues_refresh_token(&issuing, by_default);
    match (refreshed, client.is_confidential()) {
        (false, _) => cx.config.code_lifetime + MAX_ACCESS_TOKEN_LIFETIME,
        (true, true) => cx.config.confidential_grant_lifetime,
        (true, false) => cx.config.public_grant_lifetime,
    }
}
