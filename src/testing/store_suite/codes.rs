//! What a [`CodeStore`] must do.

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::Conflict;
use crate::secret::TokenHash;
use crate::store::{CodeRecord, CodeStore, Consumed};
use crate::types::ClientId;

/// Codes are redeemed once, by their client, in time; and remembered as used.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn codes(store: &dyn CodeStore) {
    used_once(store).await;
    owned(store).await;
    expiring(store).await;
    forgotten(store).await;
    inserted_once(store).await;
    at_the_ends_of_time(store).await;
}

async fn insert(store: &dyn CodeStore, code: &CodeRecord) -> TokenHash {
    let key = draw::key();
    answered("insert_code keeps a new code", store.insert_code(key, code.clone(), NOW).await);
    key
}

async fn consume(store: &dyn CodeStore, key: &TokenHash, client: &ClientId, now: Timestamp) -> Consumed {
    answered("consume_code answers", store.consume_code(key, client, now).await)
}

async fn used_once(store: &dyn CodeStore) {
    let code = draw::code(&draw::client());
    let replayed = Consumed::Replayed { grant: code.grant };
    let key = insert(store, &code).await;
    let fresh = consume(store, &key, &code.client, NOW).await;
    assert_eq!(
        fresh,
        Consumed::Fresh(code.clone()),
        "the first use gives the record exactly as it was inserted"
    );
    for _ in 0..2 {
        let again = consume(store, &key, &code.client, NOW).await;
        assert_eq!(again, replayed, "a used code is Replayed and names its grant");
    }
    let late = consume(store, &key, &code.client, at(60)).await;
    assert_eq!(late, replayed, "whether a code was used is told before whether it has expired");
    let unknown = consume(store, &draw::key(), &code.client, NOW).await;
    assert_eq!(unknown, Consumed::Absent, "a code that was never inserted is Absent");
}

async fn owned(store: &dyn CodeStore) {
    let name = format!("client {}", draw::grant_id());
    let code = draw::code(&draw::client_named(&name));
    let key = insert(store, &code).await;
    let strangers =
        [name.to_uppercase(), format!("{name} "), format!("{name}x"), name[..6].to_owned(), "%".to_owned()];
    for stranger in strangers {
        let foreign = consume(store, &key, &draw::client_named(&stranger), NOW).await;
        assert_eq!(foreign, Consumed::Foreign, "a code of {name:?} presented by {stranger:?} is Foreign");
    }
    let fresh = consume(store, &key, &code.client, NOW).await;
    assert_eq!(fresh, Consumed::Fresh(code), "Foreign leaves the code as it is");
    for now in [NOW, at(60)] {
        let foreign = consume(store, &key, &draw::client(), now).await;
        assert_eq!(foreign, Consumed::Foreign, "the owner is checked before anything else");
    }
}

async fn expiring(store: &dyn CodeStore) {
    let code = draw::code(&draw::client());
    let key = insert(store, &code).await;
    for now in [60, 61, 3999] {
        let expired = consume(store, &key, &code.client, at(now)).await;
        assert_eq!(expired, Consumed::Expired, "a code is Expired from expires_at on");
    }
    let fresh = consume(store, &key, &code.client, at(59)).await;
    assert_eq!(
        fresh,
        Consumed::Fresh(code),
        "a code is Fresh before expires_at, and Expired leaves it as it is"
    );
}

async fn forgotten(store: &dyn CodeStore) {
    let code = draw::code(&draw::client());
    let (used, unused) = (insert(store, &code).await, insert(store, &code).await);
    let fresh = consume(store, &used, &code.client, NOW).await;
    assert_eq!(fresh, Consumed::Fresh(code.clone()), "a code of a grant that has another code is Fresh");
    let remembered = consume(store, &used, &code.client, at(3999)).await;
    assert_eq!(
        remembered,
        Consumed::Replayed { grant: code.grant },
        "a used code is remembered until retain_until"
    );
    for key in [used, unused] {
        let gone = consume(store, &key, &code.client, at(4000)).await;
        assert_eq!(gone, Consumed::Absent, "a code is Absent from retain_until on");
        let gone = consume(store, &key, &draw::client(), at(4000)).await;
        assert_eq!(gone, Consumed::Absent, "a code is Absent from retain_until on, whoever asks");
    }
}

async fn inserted_once(store: &dyn CodeStore) {
    let (first, second) = (draw::code(&draw::client()), draw::code(&draw::client()));
    let key = insert(store, &first).await;
    let again = || store.insert_code(key, second.clone(), NOW);
    refused("insert_code under a key that exists", Conflict, again().await);
    let fresh = consume(store, &key, &first.client, NOW).await;
    assert_eq!(fresh, Consumed::Fresh(first.clone()), "a Conflict leaves the code that was there");
    refused("insert_code under the key of a used code", Conflict, again().await);
    let replayed = consume(store, &key, &first.client, NOW).await;
    assert_eq!(replayed, Consumed::Replayed { grant: first.grant }, "a Conflict leaves a used code used");
}

async fn at_the_ends_of_time(store: &dyn CodeStore) {
    let mut code = draw::code(&draw::client());
    (code.expires_at, code.retain_until) = (Timestamp::NEVER, Timestamp::NEVER);
    let key = insert(store, &code).await;
    let before_the_epoch = consume(store, &key, &code.client, Timestamp::from_unix(-5)).await;
    assert_eq!(before_the_epoch, Consumed::Fresh(code.clone()), "times reach from before the epoch to NEVER");
    let at_the_end = consume(store, &key, &code.client, Timestamp::from_unix(i64::MAX - 1)).await;
    assert_eq!(at_the_end, Consumed::Replayed { grant: code.grant }, "NEVER does not come");
}
