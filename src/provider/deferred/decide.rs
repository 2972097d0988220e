//! The person's answer: a grant that the client may pick up, or a refusal.

use super::{Waiting, store};
use crate::accounts::AccountQuery;
use crate::client::Client;
use crate::error::{Reason, Rejection, Result};
use crate::event::EventKind;
use crate::provider::authorize::{Approval, Denial};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::{consent, granting};
use crate::secret::TokenHash;
use crate::store::{Consent, Decision, Filter, Grant};
use crate::types::{GrantId, Scope, Subject};

/// Carries a yes out: the grant, the decision, and what is to be remembered, each in one statement.
///
/// # Errors
/// Those of [`check`], [`Reason::ApprovalSubjectGone`], [`Reason::DeferredAnswered`], and faults. Nothing can be redeemed then.
pub(in crate::provider) async fn approve(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (key, waiting): (&TokenHash, &Waiting),
    approval: Approval,
) -> Result<()> {
    check(cx, client, waiting, &approval)?;
    check_account(core, cx, client, approval.subject()).await?;
    let given = remembered(cx, client, waiting, &approval);
    let grant = granting::insert(core, cx, grant(core, cx, client, (waiting, approval))?).await?;
    cx.note_grant(&grant);
    let decided = waiting.approved(grant.id);
    let (retain_until, payload) = (decided.retain_until, decided.seal(cx, key)?);
    let decision = Decision::Approved { grant: grant.id, retain_until, payload };
    match store(core)?.decide(key, decision, cx.now).await {
        Ok(true) => {
            cx.emit(&cx.event(EventKind::Approved));
            // It was agreed to, whatever becomes of the memory of it. Without that the person is asked again.
            if let Some(given) = given {
                cx.reported(remember(core, cx, &given).await).ok();
            }
            Ok(())
        }
        outcome => {
            // Nobody can use the grant. Should this fail too, it lies idle until it ends.
            core.stores.tokens.revoke(&Filter::Id(grant.id), cx.now).await.ok();
            outcome?;
            Err(Reason::DeferredAnswered.into())
        }
    }
}

/// Weighs a yes against what it is a yes to.
///
/// # Errors
/// [`Reason::DeferredAnswered`], [`Reason::ApprovalOtherSubject`], [`Reason::LoginNeeded`], [`Reason::ApprovalExceeds`],
/// [`Reason::ApprovalDetailsExceed`].
fn check(cx: &Context<'_>, client: &Client, waiting: &Waiting, approval: &Approval) -> Result<(), Reason> {
    if waiting.expires_at.has_passed(cx.now) {
        return Err(Reason::DeferredAnswered);
    }
    if waiting.subject.as_ref().is_some_and(|subject| subject != approval.subject()) {
        return Err(Reason::ApprovalOtherSubject);
    }
    if waiting.is_stale(client, approval.authentication()) {
        return Err(Reason::LoginNeeded);
    }
    if !approval.scope().is_subset(&waiting.scope) {
        return Err(Reason::ApprovalExceeds);
    }
    // None can be asked for here, so that whatever is named is more.
    match approval.is_detailed() {
        true => Err(Reason::ApprovalDetailsExceed),
        false => Ok(()),
    }
}

/// Carries a no out.
///
/// # Errors
/// [`Reason::DeferredAnswered`], and a store that fails.
pub(in crate::provider) async fn deny(
    core: &Core,
    cx: &Context<'_>,
    key: &TokenHash,
    denial: Denial,
) -> Result<()> {
    match store(core)?.decide(key, Decision::Denied, cx.now).await? {
        true => {
            cx.emit(&cx.event(EventKind::Refused(denial.reason())));
            Ok(())
        }
        false => Err(Reason::DeferredAnswered.into()),
    }
}

/// Whether the person is still there: disabled, deleted and locked accounts give nothing (attack 225).
pub(in crate::provider) async fn check_account(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    subject: &Subject,
) -> Result<()> {
    let accounts = core.accounts.as_deref().ok_or(Reason::ApprovalSubjectGone)?;
    let none = Scope::empty();
    match accounts.claims(AccountQuery::new(subject, client.id(), &none, cx.now)).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Reason::ApprovalSubjectGone.into()),
        Err(error) => Err(Rejection::caused(Reason::AccountsUnavailable, error).into()),
    }
}

/// What is to be remembered of a yes.
fn remembered(cx: &Context<'_>, client: &Client, waiting: &Waiting, approval: &Approval) -> Option<Consent> {
    if !approval.is_remembered() || client.is_native() {
        return None;
    }
    let mut given = Consent::new(approval.subject().clone(), waiting.client.clone(), cx.now);
    given.scope = approval.scope().clone();
    given.resources.clone_from(&waiting.resources);
    Some(given)
}

async fn remember(core: &Core, cx: &Context<'_>, given: &Consent) -> Result<()> {
    let store = &*core.stores.consents;
    let known = consent::read(cx, store, &given.subject, &given.client).await?;
    consent::remember(cx, store, given, known).await
}

fn grant(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (waiting, approval): (&Waiting, Approval),
) -> Result<Grant> {
    let grant_type = waiting.kind.grant_type();
    let scope = approval.scope().clone();
    let asked = granting::Asked {
        grant_type: &grant_type,
        scope: &scope,
        resources: &waiting.resources,
        redeemed_within: waiting.expires_at.since(cx.now),
    };
    let limit = cx.now.plus(granting::lifetime(core, cx, client, &asked));
    let id = GrantId::generate(cx.entropy, cx.now)?;
    Ok(Grant::new(id, client.id().clone(), grant_type, cx.now)
        .with_authentication(approval.into_authentication())
        .with_scope(scope)
        .with_resources(waiting.resources.clone())
        .with_expiry(limit))
}
