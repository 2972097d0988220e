//! The storage contract, run by the store in memory.

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
