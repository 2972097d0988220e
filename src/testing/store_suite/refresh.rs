//! What a [`TokenStore`] must do with refresh tokens.

use std::time::Duration;

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::{Conflict, Corrupt};
use crate::store::{
    Advance, Filter, Grace, GrantRecord, Insertion, NewFamily, RefreshHead, RefreshUse, Refreshed,
    StoredGrant, TokenRecord, TokenStore,
};

/// A family has one head, its predecessor is answered in grace, and anything older revokes the grant.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn refresh(store: &dyn TokenStore) {
    kept(store).await;
    rotated(store).await;
    retried_in_grace(store).await;
    retried_until_the_successor_is_used(store).await;
    replayed(store).await;
    ahead(store).await;
    past_a_limit(store).await;
    without_a_family(store).await;
    conflicting(store).await;
}

const HALF_A_MINUTE: Grace = Grace::For(Duration::from_secs(30));

/// One family, and what its verbs did to it.
struct Family<'a> {
    store: &'a dyn TokenStore,
    grant: GrantRecord,
    family: NewFamily,
}

impl<'a> Family<'a> {
    async fn begin(store: &'a dyn TokenStore) -> Self {
        let (grant, family) = (draw::any_grant(), draw::family());
        answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
        let issued = draw::issued(Some(&draw::token(&grant)), Some(&family));
        let inserted = store.insert_tokens(&grant.id, issued, NOW).await;
        assert_eq!(
            answered("insert_tokens answers", inserted),
            Insertion::Inserted,
            "a grant takes one family"
        );
        Self { store, grant, family }
    }

    fn token(&self) -> TokenRecord {
        TokenRecord { expires_at: Timestamp::NEVER, ..draw::token(&self.grant) }
    }

    /// Uses `seq`, moving the idle limit to 500 seconds after `now`, and checks that the token is inserted where
    /// the outcome says so, and that nothing at all is changed where it says that.
    async fn use_seq(&self, seq: u64, advance: Advance, grace: Grace, now: Timestamp) -> Refreshed {
        let token = self.token();
        let used = RefreshUse { seq, advance, grace, idle_until: now.plus(Duration::from_secs(500)) };
        let before = self.stored().await;
        let result = self.store.use_refresh_token(&self.grant.id, used, Some(token.clone()), now).await;
        let outcome = answered("use_refresh_token answers", result);
        let after = self.stored().await;
        let inserts = matches!(outcome, Refreshed::Kept | Refreshed::Rotated | Refreshed::Retried { .. });
        if !matches!(outcome, Refreshed::Kept | Refreshed::Rotated | Refreshed::Replayed) {
            assert_eq!(after, before, "{outcome:?} changes nothing of the grant");
        }
        let found = answered("access_token answers", self.store.access_token(&token.key, now).await);
        assert_eq!(found, inserts.then(|| token.clone()), "{outcome:?}: whether the token is there");
        if !inserts {
            self.assert_free(&token).await;
        }
        outcome
    }

    /// A token that was not inserted leaves its key to others.
    async fn assert_free(&self, token: &TokenRecord) {
        let mut granted = draw::granted();
        granted.token.key = token.key;
        let inserted = self.store.insert_granted_token(granted, NOW).await;
        answered("a token that was not issued is not inserted", inserted);
    }

    async fn stored(&self) -> Option<StoredGrant> {
        answered("grant answers", self.store.grant(&self.grant.id, NOW).await)
    }

    async fn assert_head(&self, clause: &str, expected: RefreshHead) {
        let grant = self.stored().await.expect("the grant of a family is kept");
        assert_eq!(grant.revoked_at, None, "{clause}");
        assert_eq!(grant.head, Some(expected), "{clause}");
    }

    /// The head at `seq`, as it is after a use at `now`.
    fn head(&self, seq: u64, now: Timestamp) -> RefreshHead {
        let idle_until = now.plus(Duration::from_secs(500));
        RefreshHead { key: self.family.key, seq, first_used_at: None, rotated_at: None, idle_until }
    }
}

async fn kept(store: &dyn TokenStore) {
    let family = Family::begin(store).await;
    for now in [at(10), at(20)] {
        let outcome = family.use_seq(0, Advance::Keep, HALF_A_MINUTE, now).await;
        assert_eq!(outcome, Refreshed::Kept, "the head may be used again and again");
        let head = RefreshHead { first_used_at: Some(at(10)), ..family.head(0, now) };
        family.assert_head("Kept notes the first use and moves the idle limit", head).await;
    }
    let used = RefreshUse { seq: 0, advance: Advance::Keep, grace: HALF_A_MINUTE, idle_until: at(530) };
    let outcome = store.use_refresh_token(&family.grant.id, used, None, at(30)).await;
    assert_eq!(
        answered("use_refresh_token answers", outcome),
        Refreshed::Kept,
        "no access token need be recorded"
    );
}

async fn rotated(store: &dyn TokenStore) {
    let family = Family::begin(store).await;
    for (seq, now) in [(0, at(10)), (1, at(11)), (2, at(400))] {
        let outcome = family.use_seq(seq, Advance::Rotate, HALF_A_MINUTE, now).await;
        assert_eq!(outcome, Refreshed::Rotated, "the head rotates");
        let head = RefreshHead { rotated_at: Some(now), ..family.head(seq + 1, now) };
        family.assert_head("Rotated moves the head by one and its first use is open again", head).await;
    }
    let outcome = family.use_seq(3, Advance::Keep, HALF_A_MINUTE, at(410)).await;
    assert_eq!(outcome, Refreshed::Kept, "a client that rotated may stop rotating");
    let head =
        RefreshHead { rotated_at: Some(at(400)), first_used_at: Some(at(410)), ..family.head(3, at(410)) };
    family.assert_head("Kept leaves the time of the rotation", head).await;
    let outcome = family.use_seq(3, Advance::Rotate, HALF_A_MINUTE, at(420)).await;
    assert_eq!(outcome, Refreshed::Rotated, "and begin again");
    let head = RefreshHead { rotated_at: Some(at(420)), ..family.head(4, at(420)) };
    family.assert_head("Rotated clears the first use of the head before", head).await;
}

async fn retried_in_grace(store: &dyn TokenStore) {
    for advance in [Advance::Keep, Advance::Rotate] {
        let family = Family::begin(store).await;
        let outcome = family.use_seq(0, Advance::Rotate, HALF_A_MINUTE, at(100)).await;
        assert_eq!(outcome, Refreshed::Rotated, "the head rotates");
        for now in [at(100), at(130), at(99), NOW] {
            let outcome = family.use_seq(0, advance, HALF_A_MINUTE, now).await;
            assert_eq!(
                outcome,
                Refreshed::Retried { head: 1 },
                "the predecessor is answered in grace, at {now:?}"
            );
        }
        let outcome = family.use_seq(0, advance, Grace::For(Duration::ZERO), at(100)).await;
        assert_eq!(
            outcome,
            Refreshed::Retried { head: 1 },
            "a grace of zero covers the second of the rotation"
        );
        let outcome = family.use_seq(0, advance, HALF_A_MINUTE, at(131)).await;
        assert_eq!(outcome, Refreshed::Replayed, "the predecessor is refused when the grace has passed");
    }
    let family = Family::begin(store).await;
    assert_eq!(family.use_seq(0, Advance::Rotate, HALF_A_MINUTE, at(1)).await, Refreshed::Rotated, "seq 0");
    assert_eq!(family.use_seq(1, Advance::Keep, HALF_A_MINUTE, at(2)).await, Refreshed::Kept, "seq 1");
    let outcome = family.use_seq(0, Advance::Rotate, HALF_A_MINUTE, at(3)).await;
    assert_eq!(outcome, Refreshed::Replayed, "the first use of the head ends the grace");
}

async fn retried_until_the_successor_is_used(store: &dyn TokenStore) {
    let grace = Grace::UntilSuccessorUsed;
    for advance in [Advance::Keep, Advance::Rotate] {
        let family = Family::begin(store).await;
        assert_eq!(family.use_seq(0, Advance::Rotate, grace, at(1)).await, Refreshed::Rotated, "seq 0");
        for now in [at(1), at(450)] {
            let outcome = family.use_seq(0, advance, grace, now).await;
            assert_eq!(outcome, Refreshed::Retried { head: 1 }, "this grace has no limit of time");
        }
        let used = family.use_seq(1, advance, grace, at(451)).await;
        assert!(matches!(used, Refreshed::Kept | Refreshed::Rotated), "the successor is used");
        let outcome = family.use_seq(0, advance, grace, at(452)).await;
        assert_eq!(outcome, Refreshed::Replayed, "the first use of the successor ends the grace");
    }
}

async fn replayed(store: &dyn TokenStore) {
    let family = Family::begin(store).await;
    let token = family.token();
    let issued = draw::issued(Some(&token), None);
    let inserted = store.insert_tokens(&family.grant.id, issued, NOW).await;
    assert_eq!(answered("insert_tokens answers", inserted), Insertion::Inserted, "a live grant takes tokens");
    for seq in 0..3 {
        let outcome = family.use_seq(seq, Advance::Rotate, Grace::UntilSuccessorUsed, at(5)).await;
        assert_eq!(outcome, Refreshed::Rotated, "the head rotates");
    }
    let before = family.stored().await.expect("the grant of a family is kept");
    let outcome = family.use_seq(1, Advance::Keep, Grace::UntilSuccessorUsed, at(6)).await;
    assert_eq!(outcome, Refreshed::Replayed, "a token older than the head's predecessor is a replay");
    let after = family.stored().await;
    let expected = StoredGrant { revoked_at: Some(at(6)), ..before };
    assert_eq!(after, Some(expected), "Replayed revokes the grant and leaves the rest of it");
    let active = answered("access_token answers", store.access_token(&token.key, at(6)).await);
    assert_eq!(active, None, "no token is active after a replay was answered");
    for seq in [0, 2, 3, 4] {
        let outcome = family.use_seq(seq, Advance::Rotate, Grace::UntilSuccessorUsed, at(7)).await;
        assert_eq!(outcome, Refreshed::GrantRevoked, "after a replay the whole family is refused");
    }
    let late = store.insert_tokens(&family.grant.id, draw::issued(None, None), at(7)).await;
    assert_eq!(
        answered("insert_tokens answers", late),
        Insertion::GrantRevoked,
        "after a replay nothing is inserted"
    );
}

async fn ahead(store: &dyn TokenStore) {
    let family = Family::begin(store).await;
    for seq in [1, 2, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        let outcome = family.use_seq(seq, Advance::Rotate, HALF_A_MINUTE, at(1)).await;
        assert_eq!(outcome, Refreshed::Ahead, "a token beyond the head is Ahead, and revokes nothing");
    }
    let outcome = family.use_seq(0, Advance::Rotate, HALF_A_MINUTE, at(2)).await;
    assert_eq!(outcome, Refreshed::Rotated, "the head is still good");
}

async fn past_a_limit(store: &dyn TokenStore) {
    let family = Family::begin(store).await;
    for (seq, now) in [(0, at(500)), (0, at(501)), (9, at(500)), (0, at(1000))] {
        let outcome = family.use_seq(seq, Advance::Rotate, HALF_A_MINUTE, now).await;
        assert_eq!(outcome, Refreshed::Expired, "a family has ended from its idle limit on");
    }
    let outcome = family.use_seq(0, Advance::Rotate, HALF_A_MINUTE, at(499)).await;
    assert_eq!(outcome, Refreshed::Rotated, "a family has not ended before its idle limit");
    let outcome = family.use_seq(1, Advance::Rotate, HALF_A_MINUTE, at(998)).await;
    assert_eq!(outcome, Refreshed::Rotated, "each use moves the idle limit");
    for (seq, now) in [(2, at(1000)), (0, at(1000)), (2, at(1999))] {
        let outcome = family.use_seq(seq, Advance::Rotate, HALF_A_MINUTE, now).await;
        assert_eq!(
            outcome,
            Refreshed::Expired,
            "no use reaches beyond the grant's limit, and none revokes there"
        );
    }
    let outcome = family.use_seq(2, Advance::Rotate, HALF_A_MINUTE, at(2000)).await;
    assert_eq!(outcome, Refreshed::Absent, "a grant that is no longer kept is Absent");
    let outcome = family.use_seq(2, Advance::Rotate, HALF_A_MINUTE, at(999)).await;
    assert_eq!(outcome, Refreshed::Rotated, "a family is good until the second before the grant's limit");

    answered("revoke answers", store.revoke(&Filter::Id(family.grant.id), at(999)).await);
    for now in [at(999), at(1000), at(1999)] {
        let outcome = family.use_seq(3, Advance::Rotate, HALF_A_MINUTE, now).await;
        assert_eq!(outcome, Refreshed::GrantRevoked, "revocation is told before expiry");
    }
}

async fn without_a_family(store: &dyn TokenStore) {
    let used = RefreshUse { seq: 0, advance: Advance::Rotate, grace: HALF_A_MINUTE, idle_until: at(500) };
    let grant = draw::any_grant();
    for _ in 0..2 {
        let outcome = store.use_refresh_token(&grant.id, used.clone(), Some(draw::token(&grant)), NOW).await;
        let outcome = answered("use_refresh_token answers", outcome);
        assert_eq!(outcome, Refreshed::Absent, "without a grant or without a family the answer is Absent");
        // The second time there is a grant, though no family.
        let _exists_already = store.insert_grant(grant.clone(), NOW).await;
    }
}

async fn conflicting(store: &dyn TokenStore) {
    let (family, other) = (Family::begin(store).await, Family::begin(store).await);
    let taken = other.token();
    let inserted = store.insert_tokens(&taken.grant, draw::issued(Some(&taken), None), NOW).await;
    assert_eq!(answered("insert_tokens answers", inserted), Insertion::Inserted, "a live grant takes tokens");
    let clash = TokenRecord { key: taken.key, ..family.token() };

    for (seq, advance) in [(0, Advance::Keep), (0, Advance::Rotate), (0, Advance::Rotate)] {
        let before = family.stored().await;
        let used = RefreshUse { seq, advance, grace: HALF_A_MINUTE, idle_until: at(900) };
        let result =
            store.use_refresh_token(&family.grant.id, used.clone(), Some(clash.clone()), at(5)).await;
        refused("use_refresh_token with a token whose key exists", Conflict, result);
        assert_eq!(family.stored().await, before, "a Conflict leaves the head as it was");
        let strange = Some(other.token());
        let result = store.use_refresh_token(&family.grant.id, used, strange, at(5)).await;
        refused("use_refresh_token with a token that names another grant", Corrupt, result);
        assert_eq!(family.stored().await, before, "a token of another grant leaves the head as it was");
        // Rotated once, the second round concerns the head and the third its predecessor.
        if advance == Advance::Rotate && before.and_then(|grant| grant.head).is_some_and(|head| head.seq == 0)
        {
            let outcome = family.use_seq(0, Advance::Rotate, HALF_A_MINUTE, at(5)).await;
            assert_eq!(outcome, Refreshed::Rotated, "after a Conflict the head is still good");
        }
    }
    let found = answered("access_token answers", store.access_token(&taken.key, NOW).await);
    assert_eq!(found, Some(taken), "a Conflict leaves the token that was there");
}
