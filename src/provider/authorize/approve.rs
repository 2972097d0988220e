//! The person's answer: a grant and what hangs on it, or a refusal.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::challenge_reuse;
use super::consent::claim_names;
use super::issued::{self, Issued};
use super::needs::{self, Needs};
use super::pending::PendingAuthorization;
use super::respond;
use crate::error::{Reason, Result};
use crate::event::EventKind;
use crate::provider::consent;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::granting;
use crate::provider::pushed;
use crate::store::{Consent, Filter, Grant, SubjectKey};
use crate::types::{
    Authentication, AuthorizationDetail, AuthorizationDetails, Claims, GrantId, GrantType, ResponseType,
    Scope, Subject,
};
use crate::wire::Response;

/// The person agrees.
#[derive(Clone, Debug)]
#[must_use]
pub struct Approval {
    authentication: Authentication,
    scope: Scope,
    details: Option<AuthorizationDetails>,
    remember: bool,
}

impl Approval {
    /// The person of `authentication` agrees to `scope`: what was shown, or the part of it that was chosen.
    ///
    /// The claims and resources of the request go with it. The caller vouches that they were shown too, that the
    /// person who is signed in now said yes, and that no other page said it for them (CSRF).
    pub const fn new(authentication: Authentication, scope: Scope) -> Self {
        Self { authentication, scope, details: None, remember: false }
    }

    /// The authorization details agreed to (RFC 9396): those that were asked for and shown, the part of them that was
    /// chosen, or with what the request left to the person filled in; each must narrow one that was asked for, by the
    /// rule of its type. Default: all that were asked for, as they are.
    pub fn with_authorization_details(mut self, details: AuthorizationDetails) -> Self {
        self.details = Some(details);
        self
    }

    /// The same is not to be asked again. Remembered consent grows by what is approved.
    pub const fn remembered(mut self) -> Self {
        self.remember = true;
        self
    }

    pub(in crate::provider) const fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    pub(in crate::provider) fn into_authentication(self) -> Authentication {
        self.authentication
    }

    pub(in crate::provider) const fn subject(&self) -> &Subject {
        &self.authentication.subject
    }

    pub(in crate::provider) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether it names anything in detail.
    pub(in crate::provider) fn is_detailed(&self) -> bool {
        self.details.as_ref().is_some_and(|details| !details.is_empty())
    }

    pub(in crate::provider) const fn is_remembered(&self) -> bool {
        self.remember
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
    pub(in crate::provider) const fn reason(self) -> Reason {
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
    if let Some(needs) = needs::unmet(cx, pending, &approval.authentication) {
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
    let details = &pending.request().authorization_details;
    if approval.details.as_ref().is_some_and(|agreed| !cx.details.narrow(agreed, details)) {
        return Err((Reason::ApprovalDetailsExceed, None));
    }
    if pending.request().response_type.has_id_token() && !approval.scope.contains(Scope::OPENID) {
        return Err((Reason::IdTokenScopeMissing, None));
    }
    Ok(())
}

/// The name by which a pending request remembers who was asked: of one length, however long the subject is.
pub(in crate::provider) fn asked_key(cx: &Context<'_>, subject: &Subject) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(SubjectKey::of(cx.secrets, cx.issuer(), subject).as_bytes())
}

/// Carries an approval out that was weighed: what is to be remembered, the grant, the code, the access token, each in
/// one statement.
pub(super) async fn carry_out(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    approval: Approval,
) -> Result<Response> {
    let account = issued::account(core, cx, pending, &approval).await?;
    challenge_reuse::weigh(core, cx, pending).await?;
    if let Some(request_uri) = &pending.state().pushed {
        pushed::spend(core, cx, request_uri).await?;
    }
    if approval.remember && !pending.client().is_native() {
        remember(core, cx, pending, &approval).await?;
    }
    let response = match pending.request().response_type {
        // Nothing could hang on a grant (OAuth 2.0 Multiple Response Type Encoding Practices section 4).
        ResponseType::None => respond::success(cx, &pending.state().back, &Issued::default()).await?,
        _ => {
            let grant = insert_grant(core, cx, pending, approval).await?;
            issue_under(core, cx, pending, (&grant, &account)).await?
        }
    };
    cx.emit(&cx.event(EventKind::Approved));
    Ok(response)
}

/// The response with what hangs on a grant; when it cannot be made, the grant is revoked.
async fn issue_under(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    (grant, account): (&Grant, &Claims),
) -> Result<Response> {
    cx.note_grant(grant);
    let response = match issued::issue(core, cx, pending, (grant, account)).await {
        Ok(issued) => respond::success(cx, &pending.state().back, &issued).await,
        Err(error) => Err(error),
    };
    if response.is_err() {
        // Nobody can use the grant. Should this fail too, it lies idle until it ends.
        core.stores.tokens.revoke(&Filter::Id(grant.id), cx.now).await.ok();
    }
    response
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
    let details = approval.details.as_ref().unwrap_or(&pending.request().authorization_details);
    given.authorization_details = details.iter().map(AuthorizationDetail::fingerprint).collect();
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
    let asked = granting::Asked {
        grant_type: &grant_type(request.response_type),
        scope: &approval.scope,
        resources: &request.resources,
        redeemed_within: cx.config.code_lifetime,
    };
    let limit = cx.now.plus(granting::lifetime(core, cx, pending.client(), &asked));
    let grant = Grant::new(
        GrantId::generate(cx.entropy, cx.now)?,
        pending.client().id().clone(),
        grant_type(request.response_type),
        cx.now,
    )
    .with_authentication(approval.authentication)
    .with_scope(approval.scope)
    .with_resources(request.resources.clone())
    .with_authorization_details(approval.details.unwrap_or_else(|| request.authorization_details.clone()))
    .with_claims(request.claims.clone())
    .with_claims_locales(request.claims_locales.clone())
    // A confidential client may change its keys as long as the grant lasts.
    .with_confirmation(request.confirmation().filter(|_| !pending.client().is_confidential()))
    .with_expiry(limit);
    granting::insert(core, cx, grant).await
}

/// How a grant came about: what its code is redeemed as, where there is one.
const fn grant_type(response_type: ResponseType) -> GrantType {
    if response_type.has_code() { GrantType::AuthorizationCode } else { GrantType::Implicit }
}
