//! A `code_challenge` that comes back (RFC 9700 section 2.1.1, attack 35).
//!
//! A challenge is to be of one transaction. A client whose verifier is a constant has no PKCE: whoever learned the
//! verifier once can redeem every code. Only the provider can notice, since each redemption by itself is sound.

use std::time::Duration;

use super::pending::PendingAuthorization;
use crate::error::{Reason, Result};
use crate::event::EventKind;
use crate::pkce::CodeChallenge;
use crate::provider::config::CodeChallengeReuse;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::replay;
use crate::store::ReplayStore;

/// Where challenges of approved requests are kept.
const CHALLENGES: &str = "code challenge";

/// Where it is kept which request a challenge is of.
const OWNERS: &str = "code challenge of a request";

/// How long a challenge is remembered.
///
/// Longer than any request and its code can live, so that of two codes that one verifier redeems the second is always
/// noticed; and long enough for a constant to show at the second sign-in of a day. What is kept is bounded by the
/// approvals of a day.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Weighs the challenge of a request that is about to be approved. A page that is merely opened uses nothing up.
///
/// # Errors
/// [`Reason::PkceChallengeReused`] where reuse is refused; a store that fails.
pub(super) async fn weigh(core: &Core, cx: &Context<'_>, pending: &PendingAuthorization) -> Result<()> {
    let (Some(challenge), Some(replays)) = (&pending.request().code_challenge, &core.stores.replays) else {
        return Ok(());
    };
    let reuse = cx.config.code_challenge_reuse;
    if reuse == CodeChallengeReuse::Ignored || is_its_own(cx, &**replays, (challenge, pending)).await? {
        return Ok(());
    }
    if reuse == CodeChallengeReuse::Refused {
        return Err(Reason::PkceChallengeReused.into());
    }
    cx.emit(&cx.event(EventKind::PkceChallengeReused));
    Ok(())
}

/// Whether the challenge is of this request and no other, as far as is remembered.
///
/// A request may be approved again. Should that happen between the two writes of its first approval, or after the
/// second of them failed, it counts as another: what is not known is not let through.
async fn is_its_own(
    cx: &Context<'_>,
    replays: &dyn ReplayStore,
    (challenge, pending): (&CodeChallenge, &PendingAuthorization),
) -> Result<bool> {
    let (client, until) = (pending.client().id(), cx.now.plus(MEMORY));
    let owner = replay::id(client, &format!("{challenge}\0{}", pending.identity()));
    let challenge = replay::id(client, &challenge.to_string());
    if replays.first_use(CHALLENGES, &challenge, until, cx.now).await? {
        replays.first_use(OWNERS, &owner, until, cx.now).await?;
        return Ok(true);
    }
    // What is remembered until now is not remembered: this only looks.
    Ok(!replays.first_use(OWNERS, &owner, cx.now, cx.now).await?)
}
