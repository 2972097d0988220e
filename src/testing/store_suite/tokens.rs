//! What a [`TokenStore`] must do with access tokens.

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::{Conflict, Corrupt};
use crate::secret::TokenHash;
use crate::store::RevokedGrants::LeftOut;
use crate::store::{
    Filter, GrantRecord, GrantedToken, Insertion, Issued, Page, StoredGrant, TokenRecord, TokenStore,
};
use crate::types::GrantId;

/// Tokens are inserted as a whole under a live grant, and end with it.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn tokens(store: &dyn TokenStore) {
    with_the_grant(store).await;
    further_tokens(store).await;
    under_an_existing_grant(store).await;
    with_a_family(store).await;
    under_no_live_grant(store).await;
    conflicting(store).await;
    of_another_grant(store).await;
    ending(store).await;
    revoked_alone(store).await;
    revoked_with_the_grant(store).await;
    refused_after_a_replay(store).await;
}

/// A grant that was inserted at approval.
async fn approved(store: &dyn TokenStore) -> GrantRecord {
    let grant = draw::any_grant();
    answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
    grant
}

async fn insert(store: &dyn TokenStore, grant: &GrantId, issued: Issued, now: Timestamp) -> Insertion {
    answered("insert_tokens answers", store.insert_tokens(grant, issued, now).await)
}

/// A token that brought its grant along.
async fn brought(store: &dyn TokenStore) -> GrantedToken {
    let granted = draw::granted();
    let inserted = store.insert_granted_token(granted.clone(), NOW).await;
    answered("insert_granted_token inserts a token with its grant", inserted);
    granted
}

async fn read(store: &dyn TokenStore, key: &TokenHash, now: Timestamp) -> Option<TokenRecord> {
    answered("access_token answers", store.access_token(key, now).await)
}

async fn stored(store: &dyn TokenStore, grant: &GrantRecord) -> Option<StoredGrant> {
    answered("grant answers", store.grant(&grant.id, NOW).await)
}

/// Nothing is left of a token that was refused: its key is free.
async fn assert_free(store: &dyn TokenStore, refused: &TokenRecord, clause: &str) {
    assert_eq!(read(store, &refused.key, NOW).await, None, "{clause}");
    let mut granted = draw::granted();
    granted.token.key = refused.key;
    answered(clause, store.insert_granted_token(granted, NOW).await);
}

async fn with_the_grant(store: &dyn TokenStore) {
    let mut of_nobody = draw::granted();
    of_nobody.subject = None;
    let mut in_a_session = draw::granted();
    in_a_session.session = Some(draw::session());
    for granted in [of_nobody, in_a_session] {
        let (token, grant) = (granted.token.clone(), granted.clone().into_grant());
        let inserted = store.insert_granted_token(granted, NOW).await;
        answered("insert_granted_token inserts a token with its grant", inserted);
        let found = read(store, &token.key, NOW).await;
        assert_eq!(found, Some(token.clone()), "a token is read exactly as it was inserted");
        let whole = StoredGrant { record: grant.clone(), revoked_at: None, head: None };
        let found = stored(store, &grant).await;
        assert_eq!(found, Some(whole.clone()), "grant sees a grant that came with its token");
        let filter = Filter::Client(grant.client.clone());
        let listing = answered("grants answers", store.grants(&filter, LeftOut, &Page::first(10), NOW).await);
        assert_eq!(listing.items, [whole], "grants sees a grant that came with its token");
        let revoked = answered("revoke answers", store.revoke(&filter, NOW).await);
        assert_eq!(revoked, 1, "revoke sees a grant that came with its token");
        assert_eq!(read(store, &token.key, NOW).await, None, "no token of a revoked grant is active");
    }
    let ending = brought(store).await.token;
    assert!(read(store, &ending.key, at(599)).await.is_some(), "a token is active before expires_at");
    assert_eq!(read(store, &ending.key, at(600)).await, None, "a token is not active from expires_at on");
}

async fn further_tokens(store: &dyn TokenStore) {
    let granted = brought(store).await;
    let first = granted.token.clone();
    let grant = granted.into_grant();
    let (further, family) = (draw::token(&grant), draw::family());
    let inserted = insert(store, &grant.id, draw::issued(Some(&further), Some(&family)), NOW).await;
    assert_eq!(inserted, Insertion::Inserted, "a grant that came with its token takes another and a family");
    for token in [&first, &further] {
        let found = read(store, &token.key, NOW).await;
        assert_eq!(found, Some(token.clone()), "all tokens of a grant are active");
    }
    let head = stored(store, &grant).await.and_then(|grant| grant.head);
    assert_eq!(head, Some(family.head()), "the family is there beside the token that brought the grant");
    answered("revoke_token answers", store.revoke_token(&first.key, at(1)).await);
    for token in [&first, &further] {
        let found = read(store, &token.key, at(1)).await;
        assert_eq!(found, None, "with the token that brought a grant along, the grant is revoked");
    }
    let revoked_at = stored(store, &grant).await.and_then(|grant| grant.revoked_at);
    assert_eq!(revoked_at, Some(at(1)), "with the token that brought a grant along, the grant is revoked");
    let late = insert(store, &grant.id, draw::issued(Some(&draw::token(&grant)), None), at(1)).await;
    assert_eq!(late, Insertion::GrantRevoked, "a revoked grant takes nothing");
}

async fn under_an_existing_grant(store: &dyn TokenStore) {
    let grant = approved(store).await;
    let tokens = [draw::token(&grant), draw::token(&grant)];
    for token in &tokens {
        let inserted = insert(store, &grant.id, draw::issued(Some(token), None), NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "a live grant takes tokens");
    }
    for token in tokens {
        assert_eq!(read(store, &token.key, NOW).await, Some(token), "all tokens of a grant are active");
    }
    let nothing = insert(store, &grant.id, Issued::default(), NOW).await;
    assert_eq!(nothing, Insertion::Inserted, "a live grant takes an issue of which nothing is recorded");
    assert_eq!(read(store, &draw::key(), NOW).await, None, "a token that was never inserted is None");
}

async fn with_a_family(store: &dyn TokenStore) {
    for with_token in [true, false] {
        let grant = &approved(store).await;
        let (token, family) = (draw::token(grant), draw::family());
        let issued = draw::issued(with_token.then_some(&token), Some(&family));
        let inserted = insert(store, &grant.id, issued, NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "a grant takes one family");
        assert_eq!(
            read(store, &token.key, NOW).await.is_some(),
            with_token,
            "the token is beside its family"
        );
        let head = stored(store, grant).await.and_then(|grant| grant.head);
        assert_eq!(head, Some(family.head()), "a family begins at 0, unused, with its key and idle limit");

        let (second, other) = (draw::token(grant), draw::family());
        let issued = draw::issued(Some(&second), Some(&other));
        let result = store.insert_tokens(&grant.id, issued, NOW).await;
        refused("insert_tokens of a second family", Conflict, result);
        let head = stored(store, grant).await.and_then(|grant| grant.head);
        assert_eq!(head, Some(family.head()), "a Conflict leaves the family as it was");
        assert_free(store, &second, "a Conflict of the family inserts no token").await;
    }
}

async fn under_no_live_grant(store: &dyn TokenStore) {
    let (revoked, ended) = (approved(store).await, approved(store).await);
    answered("revoke answers", store.revoke(&Filter::Id(revoked.id), NOW).await);
    let absent = draw::any_grant();
    for (grant, now, expected) in [
        (&absent, NOW, Insertion::GrantAbsent),
        (&revoked, at(1), Insertion::GrantRevoked),
        (&revoked, at(1000), Insertion::GrantRevoked),
        (&revoked, at(2000), Insertion::GrantAbsent),
        (&ended, at(1000), Insertion::GrantAbsent),
        (&ended, at(2000), Insertion::GrantAbsent),
    ] {
        let (token, family) = (draw::token(grant), draw::family());
        for issued in [
            Issued::default(),
            draw::issued(Some(&token), None),
            draw::issued(None, Some(&family)),
            draw::issued(Some(&token), Some(&family)),
        ] {
            let answer = insert(store, &grant.id, issued, now).await;
            assert_eq!(answer, expected, "a grant that is absent, past its limit or revoked takes nothing");
        }
        let head = stored(store, grant).await.and_then(|grant| grant.head);
        assert_eq!(head, None, "{expected:?} inserts no family");
        assert_free(store, &token, "no token is inserted without a live grant").await;
    }
}

async fn conflicting(store: &dyn TokenStore) {
    let first = brought(store).await;
    let taken = first.token.clone();

    let mut second = draw::granted();
    second.token.key = taken.key;
    let result = store.insert_granted_token(second.clone(), NOW).await;
    refused("insert_granted_token of a key that exists", Conflict, result);
    assert_eq!(stored(store, &second.into_grant()).await, None, "a Conflict of the token inserts no grant");

    let second = approved(store).await;
    let clash = TokenRecord { key: taken.key, ..draw::token(&second) };
    let issued = draw::issued(Some(&clash), Some(&draw::family()));
    let result = store.insert_tokens(&second.id, issued, NOW).await;
    refused("insert_tokens of a key that exists", Conflict, result);
    let head = stored(store, &second).await.and_then(|grant| grant.head);
    assert_eq!(head, None, "a Conflict of the token inserts no family");
    let found = read(store, &taken.key, NOW).await;
    assert_eq!(found, Some(taken.clone()), "a Conflict leaves the token that was there");

    for there in [first.into_grant(), second] {
        let mut again = draw::granted();
        again.token.grant = there.id;
        let result = store.insert_granted_token(again.clone(), NOW).await;
        refused("insert_granted_token of a grant whose id exists", Conflict, result);
        let found = stored(store, &there).await.map(|grant| grant.record);
        assert_eq!(found, Some(there.clone()), "a Conflict leaves the grant that was there");
        assert_free(store, &again.token, "a Conflict of the grant inserts no token").await;
        let result = store.insert_grant(GrantRecord { token: None, ..there }, NOW).await;
        refused("insert_grant of an id that exists", Conflict, result);
    }
}

async fn of_another_grant(store: &dyn TokenStore) {
    let (named, other) = (approved(store).await, approved(store).await);
    let token = draw::token(&named);
    let result = store.insert_tokens(&other.id, draw::issued(Some(&token), None), NOW).await;
    refused("insert_tokens of a token that names another grant", Corrupt, result);
    assert_free(store, &token, "a token that names another grant is not inserted").await;
}

async fn ending(store: &dyn TokenStore) {
    let grant = approved(store).await;
    let short = draw::token(&grant);
    let long = TokenRecord { expires_at: Timestamp::NEVER, ..draw::token(&grant) };
    for token in [&short, &long] {
        let inserted = insert(store, &grant.id, draw::issued(Some(token), None), NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "a live grant takes tokens");
    }
    for (token, now, active, clause) in [
        (&short, 599, true, "a token is active before expires_at"),
        (&short, 600, false, "a token is not active from expires_at on"),
        (&long, 999, true, "a token is active before its grant's limit"),
        (&long, 1000, false, "a token is not active from its grant's limit on, though the grant is kept"),
        (&long, 2000, false, "a token is not active when its grant is no longer kept"),
    ] {
        assert_eq!(read(store, &token.key, at(now)).await.is_some(), active, "{clause}");
    }
}

async fn revoked_alone(store: &dyn TokenStore) {
    let grant = approved(store).await;
    let (gone, stays) = (draw::token(&grant), draw::token(&grant));
    for token in [&gone, &stays] {
        let inserted = insert(store, &grant.id, draw::issued(Some(token), None), NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "a live grant takes tokens");
    }
    for key in [gone.key, gone.key, draw::key()] {
        answered("revoke_token of a token or of none", store.revoke_token(&key, NOW).await);
    }
    assert_eq!(read(store, &gone.key, NOW).await, None, "a revoked token is not active");
    assert_eq!(read(store, &stays.key, NOW).await, Some(stays), "the other tokens of the grant are");
    let grant = stored(store, &grant).await.expect("revoke_token leaves the grant");
    assert_eq!(grant.revoked_at, None, "revoke_token does not revoke the grant");
}

async fn revoked_with_the_grant(store: &dyn TokenStore) {
    let mut grant = draw::any_grant();
    grant.session = Some(draw::session());
    let (subject, session) = (grant.subject.expect("drawn with one"), grant.session.expect("set above"));
    for filter in [
        Filter::Id(grant.id),
        Filter::Client(grant.client.clone()),
        Filter::Session(session),
        Filter::Subject(subject),
        Filter::SubjectAndClient(subject, grant.client.clone()),
    ] {
        let untouched = approved(store).await;
        let grant = match filter {
            Filter::Id(_) => grant.clone(),
            _ => GrantRecord { id: draw::grant_id(), ..grant.clone() },
        };
        answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
        let (ended, active) = (draw::token(&grant), draw::token(&untouched));
        for (grant, token, family) in [(&grant, &ended, Some(&draw::family())), (&untouched, &active, None)] {
            let inserted = insert(store, &grant.id, draw::issued(Some(token), family), NOW).await;
            assert_eq!(inserted, Insertion::Inserted, "{filter:?}");
        }
        answered("revoke answers", store.revoke(&filter, NOW).await);
        assert_eq!(read(store, &ended.key, NOW).await, None, "no token of a grant of {filter:?} is active");
        assert!(read(store, &active.key, NOW).await.is_some(), "tokens of other grants than {filter:?} are");
    }
}

/// The code was consumed, then replayed by another, whose replay revoked the grant; only now the first one writes.
async fn refused_after_a_replay(store: &dyn TokenStore) {
    let grant = approved(store).await;
    answered("revoke answers", store.revoke(&Filter::Id(grant.id), NOW).await);
    let (token, family) = (draw::token(&grant), draw::family());
    let issued = draw::issued(Some(&token), Some(&family));
    let late = insert(store, &grant.id, issued, NOW).await;
    assert_eq!(late, Insertion::GrantRevoked, "what was begun before a revocation is refused after it");
    assert_eq!(read(store, &token.key, NOW).await, None, "what was refused is not active");
}
