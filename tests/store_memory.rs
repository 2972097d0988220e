//! The storage contract, run by the store in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/capped.rs"]
mod capped;

use std::sync::Arc;

use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::store_suite as suite;

#[tokio::test]
async fn codes_are_redeemed_once() {
    suite::codes(&MemoryStore::new()).await;
}

#[tokio::test]
async fn grants_are_listed_and_revoked() {
    suite::grants(&MemoryStore::new()).await;
}

#[tokio::test]
async fn tokens_end_with_their_grants() {
    suite::tokens(&MemoryStore::new()).await;
}

/// attack 122, attack 123, attack 125
#[tokio::test]
async fn refresh_tokens_have_one_head() {
    suite::refresh(&MemoryStore::new()).await;
}

#[tokio::test]
async fn consents_are_written_by_who_saw_them() {
    suite::consents(&MemoryStore::new()).await;
}

/// attack 316
#[tokio::test]
async fn used_values_are_remembered_until_their_end() {
    suite::replays(&MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_are_registered_and_written_over_by_who_saw_them() {
    let runtime = TokioRuntime::current().unwrap();
    suite::registry(&[Arc::new(MemoryStore::new())], &runtime).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_key_set_is_written_by_who_saw_it() {
    let runtime = TokioRuntime::current().unwrap();
    suite::key_sets(&[Arc::new(MemoryStore::new())], &runtime).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payloads_move_to_another_secret_beside_every_other_verb() {
    let store = Arc::new(MemoryStore::new());
    let stores = Stores::of(store.clone())
        .with_registry(store.clone())
        .with_tickets(store.clone())
        .with_deferred(store.clone())
        .with_key_sets(store.clone())
        .with_reseal(store);
    suite::reseal(&[stores], &TokioRuntime::current().unwrap()).await;
}

/// attack 220, attack 222
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_wait_are_answered_and_redeemed_once() {
    let runtime = TokioRuntime::current().unwrap();
    suite::deferred(&[Arc::new(MemoryStore::new())], &runtime).await;
}

#[tokio::test]
async fn tickets_are_taken_once() {
    suite::tickets(&MemoryStore::new()).await;
}

/// attack 322
#[tokio::test]
async fn sweeping_removes_what_no_verb_sees() {
    suite::sweep(&MemoryStore::new()).await;
}

#[tokio::test]
async fn a_sweep_removes_a_thousand_rows_at_most() {
    capped::sweep(&MemoryStore::new()).await;
}

#[tokio::test]
async fn a_revocation_in_steps_revokes_a_thousand_grants_at_most() {
    capped::revoke_some(&MemoryStore::new()).await;
}

#[tokio::test]
async fn a_dropped_verb_has_happened_or_it_has_not() {
    suite::cancelled(&MemoryStore::new()).await;
}

#[tokio::test]
async fn random_questions_are_answered_as_by_the_model() {
    let store = MemoryStore::new();
    for seed in 1..=100 {
        suite::model(&store, seed, 1000).await;
    }
}

/// attack 109, attack 124, attack 131
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_wins() {
    let runtime = TokioRuntime::current().unwrap();
    suite::race(&[Arc::new(MemoryStore::new())], &runtime).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_namespaces_are_two_stores() {
    let runtime = TokioRuntime::current().unwrap();
    let store = MemoryStore::new();
    for name in ["a", "b", "a "] {
        suite::all(&[Arc::new(store.namespace(name))], &runtime).await;
    }
}
