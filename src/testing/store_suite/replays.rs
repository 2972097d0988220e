//! What a [`ReplayStore`] must do.

use super::answered;
use super::draw::{self, NOW, at};
use crate::clock::Timestamp;
use crate::secret::TokenHash;
use crate::store::ReplayStore;

/// A value is used for the first time once, until its time is over, in each space.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn replays(store: &dyn ReplayStore) {
    let (id, other) = (draw::key(), draw::key());
    assert!(first(store, "a", &id, at(60), NOW).await, "the first use of a value is the first");
    assert!(!first(store, "a", &id, at(60), NOW).await, "the second use is not");
    assert!(first(store, "A", &id, at(60), NOW).await, "a value used in one space is new in another");
    assert!(first(store, "a ", &id, at(60), NOW).await, "no space is taken for another");
    assert!(first(store, "a", &other, at(60), NOW).await, "one value is not taken for another");

    assert!(!first(store, "a", &id, at(100), at(59)).await, "a use is remembered until its end");
    assert!(first(store, "a", &id, at(100), at(60)).await, "from its end on the next use is a first");
    assert!(!first(store, "a", &id, at(100), at(99)).await, "that one is remembered until its own end");
    assert!(
        !first(store, "a", &id, Timestamp::NEVER, at(99)).await,
        "a use that is not the first prolongs nothing"
    );
    assert!(
        first(store, "a", &id, Timestamp::NEVER, at(100)).await,
        "a use may be remembered without an end"
    );
    assert!(!first(store, "a", &id, Timestamp::NEVER, at(100_000)).await, "NEVER does not come");
    over_at_once(store).await;
}

async fn over_at_once(store: &dyn ReplayStore) {
    for until in [at(50), at(49)] {
        let id = draw::key();
        for _ in 0..2 {
            assert!(
                first(store, "a", &id, until, at(50)).await,
                "a use whose end has come is not remembered"
            );
        }
        assert!(first(store, "a", &id, at(51), at(50)).await, "nor does it stand in the way of another");
        assert!(!first(store, "a", &id, at(51), at(50)).await, "which is remembered");
    }
}

async fn first(
    store: &dyn ReplayStore,
    space: &'static str,
    id: &TokenHash,
    until: Timestamp,
    now: Timestamp,
) -> bool {
    answered("first_use answers", store.first_use(space, id, until, now).await)
}
