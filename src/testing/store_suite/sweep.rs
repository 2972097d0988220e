//! What a [`Sweep`] must do.

use super::answered;
use super::draw::{self, NOW, at};
use crate::clock::Timestamp;
use crate::store::{
    Advance, CodeStore, ConsentStore, Consumed, Filter, Grace, Insertion, RefreshUse, Refreshed, Remembered,
    ReplayStore, Sweep, TicketStore, TokenRecord, TokenStore,
};
use crate::types::GrantId;

/// Sweeping removes what no verb can see, and nothing else.
///
/// It sweeps at times to come: run it when no other function of the suite is running on the same namespace.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn sweep<S>(store: &S)
where
    S: CodeStore + ConsentStore + ReplayStore + Sweep + TicketStore + TokenStore,
{
    counted(store).await;
    beside_codes(store).await;
    beside_tokens_and_families(store).await;
    beside_a_granted_token(store).await;
    beside_what_is_small(store).await;
}

/// Sweeps until nothing is left to sweep, in steps of `limit`.
async fn sweep_all<S: Sweep>(store: &S, limit: u16, now: Timestamp) {
    for _ in 0..100_000 {
        let swept = answered("sweep answers", store.sweep(limit, now).await);
        assert!(swept <= limit, "sweep removes at most its limit");
        if swept < limit {
            return;
        }
    }
    panic!("sweep must come to an end when nothing is added");
}

async fn counted<S: Sweep + TicketStore>(store: &S) {
    sweep_all(store, 1000, at(200)).await;
    for _ in 0..5 {
        answered("put keeps a new ticket", store.put(draw::key(), draw::ticket(), NOW).await);
    }
    let early = answered("sweep answers", store.sweep(10, at(119)).await);
    assert_eq!(early, 0, "nothing is swept before its end");
    let none = answered("sweep answers", store.sweep(0, at(120)).await);
    assert_eq!(none, 0, "a limit of 0 sweeps nothing");
    for expected in [2, 2, 1, 0] {
        let swept = answered("sweep answers", store.sweep(2, at(120)).await);
        assert_eq!(swept, expected, "sweep says how many rows it removed, from their end on");
    }
}

async fn beside_codes<S: CodeStore + Sweep>(store: &S) {
    let code = draw::code(&draw::client());
    let (used, unused) = (draw::key(), draw::key());
    for key in [used, unused] {
        answered("insert_code keeps a new code", store.insert_code(key, code.clone(), NOW).await);
    }
    let fresh = answered("consume_code answers", store.consume_code(&used, &code.client, NOW).await);
    assert_eq!(fresh, Consumed::Fresh(code.clone()), "a new code is Fresh");
    for now in [at(60), at(3999)] {
        sweep_all(store, 3, now).await;
        let again = answered("consume_code answers", store.consume_code(&used, &code.client, now).await);
        assert_eq!(
            again,
            Consumed::Replayed { grant: code.grant },
            "a used code is not swept before retain_until"
        );
        let late = answered("consume_code answers", store.consume_code(&unused, &code.client, now).await);
        assert_eq!(late, Consumed::Expired, "an expired code is not swept before retain_until");
    }
    sweep_all(store, 3, at(4000)).await;
    let gone = answered("consume_code answers", store.consume_code(&used, &code.client, at(4000)).await);
    assert_eq!(gone, Consumed::Absent, "a swept code is Absent");
    let inserted = store.insert_code(used, code, at(4000)).await;
    answered("the key of a swept code is free", inserted);
}

/// Reuse is still detected when the tokens that were issued along the way have been swept.
async fn beside_tokens_and_families<S: Sweep + TokenStore>(store: &S) {
    let (grant, family) = (draw::any_grant(), draw::family());
    let token = TokenRecord { expires_at: at(100), ..draw::token(&grant) };
    answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
    let issued = draw::issued(Some(&token), Some(&family));
    let inserted = answered("insert_tokens answers", store.insert_tokens(&grant.id, issued, NOW).await);
    assert_eq!(inserted, Insertion::Inserted, "a live grant takes tokens");
    for seq in 0..3 {
        assert_eq!(refresh(store, &grant.id, seq, at(10)).await, Refreshed::Rotated, "the head rotates");
    }
    sweep_all(store, 1000, at(99)).await;
    let active = answered("access_token answers", store.access_token(&token.key, at(99)).await);
    assert_eq!(active, Some(token.clone()), "a token is not swept before expires_at");
    sweep_all(store, 1000, at(900)).await;
    let before = answered("grant answers", store.grant(&grant.id, at(900)).await);
    assert!(
        before.is_some_and(|grant| grant.head.is_some()),
        "a grant keeps its family when its tokens are swept"
    );
    assert_eq!(
        refresh(store, &grant.id, 0, at(900)).await,
        Refreshed::Replayed,
        "reuse is detected after a sweep"
    );

    sweep_all(store, 1000, at(1999)).await;
    let kept = answered("grant answers", store.grant(&grant.id, at(1999)).await);
    let revoked_at = kept.and_then(|grant| grant.revoked_at);
    assert_eq!(revoked_at, Some(at(900)), "a revoked grant is not swept before keep_until");
    sweep_all(store, 1000, at(2000)).await;
    let gone = answered("grant answers", store.grant(&grant.id, NOW).await);
    assert_eq!(gone, None, "a grant is swept from keep_until on");
    let revoked = answered("revoke answers", store.revoke(&Filter::Client(grant.client), at(2000)).await);
    assert_eq!(revoked, 0, "a swept grant is found by no filter");
}

/// A token that brought its grant along goes with it, and not before.
async fn beside_a_granted_token<S: Sweep + TokenStore>(store: &S) {
    let granted = draw::granted();
    let (key, id) = (granted.token.key, granted.token.grant);
    answered("insert_granted_token inserts", store.insert_granted_token(granted.clone(), NOW).await);
    sweep_all(store, 1000, at(599)).await;
    let active = answered("access_token answers", store.access_token(&key, at(599)).await);
    assert!(active.is_some(), "a token is not swept before expires_at");
    sweep_all(store, 1000, at(1999)).await;
    let kept = answered("grant answers", store.grant(&id, at(1999)).await);
    assert!(kept.is_some(), "a grant is not swept before keep_until");
    sweep_all(store, 1000, at(2000)).await;
    let gone = answered("grant answers", store.grant(&id, NOW).await);
    assert_eq!(gone, None, "a grant is swept from keep_until on");
    answered("the names of what was swept are free", store.insert_granted_token(granted, NOW).await);
}

async fn refresh<S: TokenStore>(store: &S, grant: &GrantId, seq: u64, now: Timestamp) -> Refreshed {
    let (advance, grace) = (Advance::Rotate, Grace::UntilSuccessorUsed);
    let used = RefreshUse { seq, advance, grace, idle_until: at(1000) };
    answered("use_refresh_token answers", store.use_refresh_token(grant, used, None, now).await)
}

async fn beside_what_is_small<S: ConsentStore + ReplayStore + Sweep + TicketStore>(store: &S) {
    let (id, ticket) = (draw::key(), draw::ticket());
    let consent = draw::consent(draw::subject(), &draw::client());
    assert!(answered("first_use answers", store.first_use("sweep", &id, at(120), NOW).await), "a first use");
    answered("put keeps a new ticket", store.put(id, ticket.clone(), NOW).await);
    let written = answered("remember answers", store.remember(consent.clone(), None, NOW).await);
    assert_eq!(written, Remembered::Written, "a first consent is written");

    sweep_all(store, 1000, at(119)).await;
    let again = answered("first_use answers", store.first_use("sweep", &id, at(120), at(119)).await);
    assert!(!again, "a used value is not swept before its end");
    let taken = answered("take answers", store.take(&id, at(119)).await);
    assert_eq!(taken, Some(ticket), "a ticket is not swept before keep_until");
    sweep_all(store, 1000, at(999)).await;
    let found = store.remembered(&consent.subject, &consent.client, at(999)).await;
    assert!(answered("remembered answers", found).is_some(), "a consent is not swept before expires_at");
    sweep_all(store, 1000, at(1000)).await;
    let found = store.remembered(&consent.subject, &consent.client, NOW).await;
    assert_eq!(answered("remembered answers", found), None, "a consent is swept from expires_at on");
}
