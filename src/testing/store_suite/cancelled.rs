//! What holds when the one who asked goes away.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::answered;
use super::draw::{self, NOW, at};
use crate::error::StoreError;
use crate::store::{
    Advance, CodeStore, ConsentStore, Consumed, Filter, Grace, GrantRecord, Insertion, Page, RefreshUse,
    Refreshed, Remembered, ReplayStore, RevokedGrants, StoredGrant, TicketStore, TokenRecord, TokenStore,
};
use crate::types::GrantId;

/// A verb whose future is dropped at any await has happened as a whole or not at all.
///
/// Every verb that writes is asked again and again, and dropped at its first suspension, its second, and so on
/// until it comes to its end. What was dropped may still happen later, as a whole.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn cancelled<S>(store: &S)
where
    S: CodeStore + ConsentStore + ReplayStore + TicketStore + TokenStore,
{
    consuming_a_code(store).await;
    issuing_with_a_new_grant(store).await;
    issuing_under_a_grant(store).await;
    rotating(store).await;
    replaying(store).await;
    revoking(store).await;
    taking_a_ticket(store).await;
    using_a_value(store).await;
    remembering(store).await;
}

/// Polls `verb` until it has been suspended `suspensions` times, then drops it; or gives its answer.
pub(super) async fn dropped_after<T>(
    suspensions: u32,
    verb: impl Future<Output = Result<T, StoreError>>,
) -> Option<T> {
    let mut verb = pin!(verb);
    let mut left = suspensions;
    let result = poll_fn(|cx| match verb.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    });
    result.await.map(|result| answered("a verb that is waited for answers", result))
}

async fn consuming_a_code<S: CodeStore>(store: &S) {
    for suspensions in 0.. {
        let (code, key) = (draw::code(&draw::client()), draw::key());
        answered("insert_code keeps a new code", store.insert_code(key, code.clone(), NOW).await);
        let first = dropped_after(suspensions, store.consume_code(&key, &code.client, NOW)).await;
        let next = answered("consume_code answers", store.consume_code(&key, &code.client, NOW).await);
        let replayed = Consumed::Replayed { grant: code.grant };
        if first.is_some() {
            assert_eq!(next, replayed, "a code that was answered is used");
            return;
        }
        assert!(next == replayed || next == Consumed::Fresh(code), "a code is used or it is not: {next:?}");
    }
}

/// The grant, and whether its token is active, both at one moment: what was dropped may be happening just now.
async fn state<S: TokenStore>(
    store: &S,
    grant: &GrantId,
    token: &TokenRecord,
) -> (Option<StoredGrant>, bool) {
    loop {
        let before = answered("access_token answers", store.access_token(&token.key, at(5)).await);
        let stored = answered("grant answers", store.grant(grant, at(5)).await);
        let after = answered("access_token answers", store.access_token(&token.key, at(5)).await);
        if before == after {
            return (stored, after.is_some());
        }
    }
}

async fn issuing_with_a_new_grant<S: TokenStore>(store: &S) {
    for suspensions in 0.. {
        let granted = draw::granted();
        let token = granted.token.clone();
        let answer = dropped_after(suspensions, store.insert_granted_token(granted, NOW)).await;
        let (stored, active) = state(store, &token.grant, &token).await;
        assert_eq!(stored.is_some(), active, "a new grant and its token are both there or neither is");
        if answer.is_some() {
            assert!(active, "what was answered is there");
            return;
        }
    }
}

async fn issuing_under_a_grant<S: TokenStore>(store: &S) {
    for suspensions in 0.. {
        let (grant, family) = (draw::any_grant(), draw::family());
        let token = draw::token(&grant);
        answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
        let issued = draw::issued(Some(&token), Some(&family));
        let verb = store.insert_tokens(&grant.id, issued, NOW);
        let answer = dropped_after(suspensions, verb).await;
        let (stored, active) = state(store, &grant.id, &token).await;
        let family_there = stored.is_some_and(|grant| grant.head == Some(family.head()));
        assert_eq!(family_there, active, "a family and its token are both there or neither is");
        if let Some(answer) = answer {
            assert_eq!((answer, active), (Insertion::Inserted, true), "what was answered is there");
            return;
        }
    }
}

/// A grant whose head is at `seq`.
async fn family_at<S: TokenStore>(store: &S, seq: u64) -> GrantRecord {
    let grant = draw::any_grant();
    answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
    let issued = draw::issued(None, Some(&draw::family()));
    let inserted = store.insert_tokens(&grant.id, issued, NOW).await;
    assert_eq!(
        answered("insert_tokens answers", inserted),
        Insertion::Inserted,
        "a live grant takes a family"
    );
    for seq in 0..seq {
        let outcome = store.use_refresh_token(&grant.id, rotation(seq), None, at(1)).await;
        assert_eq!(answered("use_refresh_token answers", outcome), Refreshed::Rotated, "the head rotates");
    }
    grant
}

const fn rotation(seq: u64) -> RefreshUse {
    let (advance, grace) = (Advance::Rotate, Grace::UntilSuccessorUsed);
    RefreshUse { seq, advance, grace, idle_until: draw::LATER }
}

async fn rotating<S: TokenStore>(store: &S) {
    for suspensions in 0.. {
        let grant = family_at(store, 0).await;
        let token = draw::token(&grant);
        let verb = store.use_refresh_token(&grant.id, rotation(0), Some(token.clone()), at(2));
        let answer = dropped_after(suspensions, verb).await;
        let (stored, active) = state(store, &grant.id, &token).await;
        let head = stored.and_then(|grant| grant.head).map(|head| head.seq);
        assert_eq!(head, Some(u64::from(active)), "the head has moved and the token is there, or neither");
        let retry = store.use_refresh_token(&grant.id, rotation(0), None, at(3)).await;
        let retry = answered("use_refresh_token answers", retry);
        let again = retry == Refreshed::Retried { head: 1 };
        assert!(
            again || !active && retry == Refreshed::Rotated,
            "a client that lost the answer gets it: {retry:?}"
        );
        if let Some(answer) = answer {
            assert_eq!((answer, active), (Refreshed::Rotated, true), "what was answered is there");
            return;
        }
    }
}

async fn replaying<S: TokenStore>(store: &S) {
    for suspensions in 0.. {
        let grant = family_at(store, 3).await;
        let token = draw::token(&grant);
        let verb = store.use_refresh_token(&grant.id, rotation(0), Some(token.clone()), at(2));
        let answer = dropped_after(suspensions, verb).await;
        let (stored, active) = state(store, &grant.id, &token).await;
        let stored = stored.expect("a grant is kept");
        assert!(!active, "a replay brings no token");
        assert_eq!(stored.head.map(|head| head.seq), Some(3), "a replay leaves the head");
        if let Some(answer) = answer {
            assert_eq!(answer, Refreshed::Replayed, "a token that was used up is a replay");
            assert_eq!(stored.revoked_at, Some(at(2)), "a replay that was answered has revoked the grant");
            return;
        }
        assert!(stored.revoked_at.is_none_or(|revoked| revoked == at(2)), "a grant is revoked or it is not");
    }
}

async fn revoking<S: TokenStore>(store: &S) {
    for suspensions in 0.. {
        let client = draw::client();
        for _ in 0..3 {
            let grant = draw::grant(&client, draw::subject());
            answered("insert_grant keeps a new grant", store.insert_grant(grant, NOW).await);
        }
        let filter = Filter::Client(client);
        let answer = dropped_after(suspensions, store.revoke_some(&filter, 2, at(2))).await;
        let left = store.grants(&filter, RevokedGrants::LeftOut, &Page::first(10), at(3)).await;
        let left = answered("grants answers", left).items.len();
        assert!([1, 3].contains(&left), "a batch is revoked as a whole or not at all: {left} of 3 are left");
        if let Some(answer) = answer {
            assert_eq!((answer, left), (2, 1), "what was answered is revoked");
            return;
        }
    }
}

async fn taking_a_ticket<S: TicketStore>(store: &S) {
    for suspensions in 0.. {
        let (key, ticket) = (draw::key(), draw::ticket());
        answered("put keeps a new ticket", store.put(key, ticket.clone(), NOW).await);
        let first = dropped_after(suspensions, store.take(&key, NOW)).await;
        let next = answered("take answers", store.take(&key, NOW).await);
        if first.is_some() {
            assert_eq!((first, next), (Some(Some(ticket)), None), "a ticket that was answered is taken");
            return;
        }
        assert!(next.is_none_or(|next| next == ticket), "a ticket is there as it was or it is not");
    }
}

async fn using_a_value<S: ReplayStore>(store: &S) {
    for suspensions in 0.. {
        let id = draw::key();
        let first = dropped_after(suspensions, store.first_use("cancelled", &id, at(60), NOW)).await;
        let next = answered("first_use answers", store.first_use("cancelled", &id, at(60), NOW).await);
        if let Some(first) = first {
            assert_eq!((first, next), (true, false), "a first use that was answered is remembered");
            return;
        }
    }
}

async fn remembering<S: ConsentStore>(store: &S) {
    for suspensions in 0.. {
        let record = draw::consent(draw::subject(), &draw::client());
        let answer = dropped_after(suspensions, store.remember(record.clone(), None, NOW)).await;
        let found =
            answered("remembered answers", store.remembered(&record.subject, &record.client, NOW).await);
        let whole = found.as_ref().is_none_or(|found| found.payload == record.payload);
        assert!(whole, "a consent is there as a whole or it is not");
        if let Some(answer) = answer {
            assert_eq!((answer, found.is_some()), (Remembered::Written, true), "what was answered is there");
            return;
        }
    }
}
