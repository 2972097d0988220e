//! What a [`TokenStore`] must do with access tokens.

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::{Conflict, Corrupt};
use crate::secret::TokenHash;
use crate::store::{
    Filter, GrantRecord, Insertion, Issued, Page, StoredGrant, TokenRecord, TokenStore, Under,
};

/// Tokens are inserted as a whole under a live grant, and end with it.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn tokens(store: &dyn TokenStore) {
    under_a_new_grant(store).await;
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

async fn insert(store: &dyn TokenStore, under: Under, issued: Issued, now: Timestamp) -> Insertion {
    answered("insert_tokens answers", store.insert_tokens(under, issued, now).await)
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
    let grant = draw::any_grant();
    let token = TokenRecord { key: refused.key, ..draw::token(&grant) };
    let inserted = store.insert_tokens(Under::New(grant), draw::issued(Some(&token), None), NOW).await;
    assert_eq!(answered(clause, inserted), Insertion::Inserted, "{clause}");
}

async fn under_a_new_grant(store: &dyn TokenStore) {
    let mut own = draw::any_grant();
    own.subject = None;
    for grant in [own, draw::any_grant()] {
        let token = draw::token(&grant);
        let inserted = insert(store, Under::New(grant.clone()), draw::issued(Some(&token), None), NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "a new grant with one token is inserted");
        let found = read(store, &token.key, NOW).await;
        assert_eq!(found, Some(token.clone()), "a token is read exactly as it was inserted");
        let whole = StoredGrant { record: grant.clone(), revoked_at: None, head: None };
        assert_eq!(
            stored(store, &grant).await,
            Some(whole.clone()),
            "grant sees a grant that came with its token"
        );
        let filter = Filter::Client(grant.client.clone());
        let listing = answered("grants answers", store.grants(&filter, &Page::first(10), NOW).await);
        assert_eq!(listing.items, [whole], "grants sees a grant that came with its token");
        let revoked = answered("revoke answers", store.revoke(&filter, NOW).await);
        assert_eq!(revoked, 1, "revoke sees a grant that came with its token");
        assert_eq!(read(store, &token.key, NOW).await, None, "no token of a revoked grant is active");
    }
    let alone = draw::any_grant();
    let inserted = insert(store, Under::New(alone.clone()), Issued::default(), NOW).await;
    assert_eq!(inserted, Insertion::Inserted, "a new grant without a recorded token is inserted");
    assert!(stored(store, &alone).await.is_some(), "grant sees a grant that came without a token");
}

async fn under_an_existing_grant(store: &dyn TokenStore) {
    let grant = approved(store).await;
    let tokens = [draw::token(&grant), draw::token(&grant)];
    for token in &tokens {
        let under = Under::Existing(grant.id);
        let inserted = insert(store, under, draw::issued(Some(token), None), NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "a live grant takes tokens");
    }
    for token in tokens {
        assert_eq!(read(store, &token.key, NOW).await, Some(token), "all tokens of a grant are active");
    }
    let nothing = insert(store, Under::Existing(grant.id), Issued::default(), NOW).await;
    assert_eq!(nothing, Insertion::Inserted, "a live grant takes an issue of which nothing is recorded");
    assert_eq!(read(store, &draw::key(), NOW).await, None, "a token that was never inserted is None");
}

async fn with_a_family(store: &dyn TokenStore) {
    let (new, existing, bare) = (draw::any_grant(), approved(store).await, approved(store).await);
    for (grant, under, with_token) in [
        (&new, Under::New(new.clone()), true),
        (&existing, Under::Existing(existing.id), true),
        (&bare, Under::Existing(bare.id), false),
    ] {
        let (token, family) = (draw::token(grant), draw::family());
        let issued = draw::issued(with_token.then_some(&token), Some(&family));
        assert_eq!(insert(store, under, issued, NOW).await, Insertion::Inserted, "a grant takes one family");
        assert_eq!(
            read(store, &token.key, NOW).await.is_some(),
            with_token,
            "the token is beside its family"
        );
        let head = stored(store, grant).await.and_then(|grant| grant.head);
        assert_eq!(head, Some(family.head()), "a family begins at 0, unused, with its key and idle limit");

        let (second, other) = (draw::token(grant), draw::family());
        let issued = draw::issued(Some(&second), Some(&other));
        let result = store.insert_tokens(Under::Existing(grant.id), issued, NOW).await;
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
            let answer = insert(store, Under::Existing(grant.id), issued, now).await;
            assert_eq!(answer, expected, "a grant that is absent, past its limit or revoked takes nothing");
        }
        let head = stored(store, grant).await.and_then(|grant| grant.head);
        assert_eq!(head, None, "{expected:?} inserts no family");
        assert_free(store, &token, "no token is inserted without a live grant").await;
    }
}

async fn conflicting(store: &dyn TokenStore) {
    let first = draw::any_grant();
    let taken = draw::token(&first);
    let inserted = insert(store, Under::New(first.clone()), draw::issued(Some(&taken), None), NOW).await;
    assert_eq!(inserted, Insertion::Inserted, "a new grant with one token is inserted");

    let second = draw::any_grant();
    let clash = TokenRecord { key: taken.key, ..draw::token(&second) };
    let issued = draw::issued(Some(&clash), Some(&draw::family()));
    let result = store.insert_tokens(Under::New(second.clone()), issued.clone(), NOW).await;
    refused("insert_tokens of a key that exists, under a new grant", Conflict, result);
    assert_eq!(stored(store, &second).await, None, "a Conflict of the token inserts no grant");

    let second = approved(store).await;
    let clash = TokenRecord { key: taken.key, ..draw::token(&second) };
    let issued = draw::issued(Some(&clash), Some(&draw::family()));
    let result = store.insert_tokens(Under::Existing(second.id), issued, NOW).await;
    refused("insert_tokens of a key that exists, under an existing grant", Conflict, result);
    let head = stored(store, &second).await.and_then(|grant| grant.head);
    assert_eq!(head, None, "a Conflict of the token inserts no family");
    assert_eq!(read(store, &taken.key, NOW).await, Some(taken), "a Conflict leaves the token that was there");

    let again = GrantRecord { id: first.id, ..draw::any_grant() };
    let token = draw::token(&again);
    let result = store.insert_tokens(Under::New(again), draw::issued(Some(&token), None), NOW).await;
    refused("insert_tokens under a new grant whose id exists", Conflict, result);
    let found = stored(store, &first).await.map(|grant| grant.record);
    assert_eq!(found, Some(first), "a Conflict leaves the grant that was there");
    assert_free(store, &token, "a Conflict of the grant inserts no token").await;
}

async fn of_another_grant(store: &dyn TokenStore) {
    let (named, other, new) = (approved(store).await, approved(store).await, draw::any_grant());
    for under in [Under::Existing(other.id), Under::New(new.clone())] {
        let token = draw::token(&named);
        let result = store.insert_tokens(under, draw::issued(Some(&token), None), NOW).await;
        refused("insert_tokens of a token that names another grant", Corrupt, result);
        assert_free(store, &token, "a token that names another grant is not inserted").await;
    }
    assert_eq!(stored(store, &new).await, None, "a token that names another grant brings no grant");
}

async fn ending(store: &dyn TokenStore) {
    let grant = approved(store).await;
    let short = draw::token(&grant);
    let long = TokenRecord { expires_at: Timestamp::NEVER, ..draw::token(&grant) };
    for token in [&short, &long] {
        let inserted = insert(store, Under::Existing(grant.id), draw::issued(Some(token), None), NOW).await;
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
    let grant = draw::any_grant();
    let (gone, stays) = (draw::token(&grant), draw::token(&grant));
    let inserted = insert(store, Under::New(grant.clone()), draw::issued(Some(&gone), None), NOW).await;
    assert_eq!(inserted, Insertion::Inserted, "a new grant with one token is inserted");
    let inserted = insert(store, Under::Existing(grant.id), draw::issued(Some(&stays), None), NOW).await;
    assert_eq!(inserted, Insertion::Inserted, "a grant that came with its token takes another");
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
        let (ended, active) = (draw::token(&grant), draw::token(&untouched));
        let issued = draw::issued(Some(&ended), Some(&draw::family()));
        assert_eq!(insert(store, Under::New(grant), issued, NOW).await, Insertion::Inserted, "{filter:?}");
        let issued = draw::issued(Some(&active), None);
        let inserted = insert(store, Under::Existing(untouched.id), issued, NOW).await;
        assert_eq!(inserted, Insertion::Inserted, "{filter:?}");
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
    let late = insert(store, Under::Existing(grant.id), issued, NOW).await;
    assert_eq!(late, Insertion::GrantRevoked, "what was begun before a revocation is refused after it");
    assert_eq!(read(store, &token.key, NOW).await, None, "what was refused is not active");
}
