//! Grants that a person gave: how long they last, and how they are kept.

use std::time::Duration;

use super::context::Context;
use super::core::Core;
use super::lifetimes::Lasting;
use super::records::{self, MAX_ACCESS_TOKEN_LIFETIME};
use crate::client::Client;
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::policy::Issuing;
use crate::store::Grant;
use crate::types::{GrantId, GrantType, Scope};

/// How often another id is drawn because one is taken (attack 321).
const MAX_ATTEMPTS: u8 = 3;

/// What a grant is to permit.
pub(super) struct Asked<'a> {
    pub(super) grant_type: &'a GrantType,
    pub(super) scope: &'a Scope,
    pub(super) resources: &'a [String],
    /// How long what redeems it is good for.
    pub(super) redeemed_within: Duration,
}

/// How long the grant lasts: with a refresh token as was decided for such, otherwise as long as any token of it could.
pub(super) fn lifetime(core: &Core, cx: &Context<'_>, client: &Client, asked: &Asked<'_>) -> Duration {
    let audience = if asked.resources.is_empty() { &cx.config.default_audience } else { asked.resources };
    let issuing = Issuing::new(client, asked.grant_type, asked.scope, audience);
    let refreshable = *asked.grant_type != GrantType::Implicit
        && core.issues_refresh_tokens()
        && client.allows_grant(&GrantType::RefreshToken);
    let by_default = asked.scope.contains(Scope::OFFLINE_ACCESS);
    let refreshed = refreshable && core.policy.issues_refresh_token(&issuing, by_default);
    match refreshed {
        true => Lasting::new(&*core.policy, cx.config, issuing).grant(),
        false => asked.redeemed_within + MAX_ACCESS_TOKEN_LIFETIME,
    }
}

/// Keeps a new grant, under another id where its own is taken.
///
/// # Errors
/// A store or a random source that fails.
pub(super) async fn insert(core: &Core, cx: &Context<'_>, mut grant: Grant) -> Result<Grant> {
    for _ in 0..MAX_ATTEMPTS {
        match core.stores.tokens.insert_grant(records::grant_record(cx, &grant)?, cx.now).await {
            Ok(()) => return Ok(grant),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                grant.id = GrantId::generate(cx.entropy, cx.now)?
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::from(StoreErrorKind::Conflict).into())
}
