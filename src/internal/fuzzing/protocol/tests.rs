use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::*;
use crate::clock::Timestamp;
use crate::entropy::Entropy as _;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::{
    CodeRecord, CodeStore, Consumed, Decision, Deferral, DeferredRecord, DeferredStore, Polled, ReplayStore,
    Stores, TicketRecord, TicketStore, WaitingLimit,
};
use crate::testing::SeededEntropy;
use crate::types::ClientId;

/// Operations of each random sequence.
const LENGTH: usize = 48;

/// Random records, in which most concern what is newest, come from whom it was issued to, and ask for what is there.
fn sequence(seed: u64) -> Vec<u8> {
    let mut bytes = [0; LENGTH * 8];
    SeededEntropy::new(seed).fill(&mut bytes).expect("the seed delivers");
    let (records, _) = bytes.as_chunks::<8>();
    let record = |[verb, which, who, what, near, usual, common, fine]: &[u8; 8]| {
        let which = if near % 4 > 0 { which % 3 } else { *which };
        let who = if usual % 4 > 0 { 0 } else { *who };
        let what = if common % 2 > 0 { 7 } else { *what };
        [*verb, which, who, if fine % 4 > 0 { what % 64 } else { what }]
    };
    records.iter().flat_map(record).collect()
}

#[test]
fn random_sequences_come_to_what_the_model_says() {
    for seed in 0..300 {
        let outcome = differs(&sequence(seed), identity);
        assert_eq!(outcome, Ok(()), "seed {seed}");
    }
}

/// A browser of alice approves a request of the client `web`, for `openid offline_access read`.
const APPROVED: [[u8; 4]; 2] = [[0, 1, 0, 7], [4, 0, 0, 0]];

const REDEEM: [u8; 4] = [6, 0, 0, 0];

/// That these operations differ, and how, over a store with these guarantees; and that they do not over a sound one.
fn noticed(operations: &[[u8; 4]], guarantees: Guarantees) -> String {
    let data = operations.as_flattened();
    assert_eq!(differs(data, identity), Ok(()), "the store is sound");
    differs(data, guarantees).expect_err("the store breaks a guarantee")
}

#[test]
fn a_code_that_is_given_twice_is_noticed() {
    let operations = [&APPROVED[..], &[REDEEM, REDEEM]].concat();
    let noticed = noticed(&operations, |stores| Stores {
        codes: Arc::new(Lenient { inner: Arc::clone(&stores.codes), used: Mutex::default() }),
        ..stores
    });
    assert!(noticed.contains("CodeReplayed"), "{noticed}");
}

#[test]
fn a_proof_that_counts_twice_is_noticed() {
    // The client `web` asks for itself with a proof of its first key, and once more with the same proof.
    let operations = [[11, 1, 40, 4], [11, 1, 56, 4]];
    let noticed = noticed(&operations, |stores| Stores { replays: Some(Arc::new(Amnesiac)), ..stores });
    assert!(noticed.contains("DpopProofReplayed"), "{noticed}");
}

#[test]
fn a_pushed_request_that_is_answered_twice_is_noticed() {
    let operations = [[2, 1, 0, 7], [1, 1, 0, 0], [4, 0, 0, 0], [4, 0, 0, 0]];
    let noticed = noticed(&operations, |stores| {
        let tickets = stores.tickets.map(|inner| Arc::new(Sticky(inner)) as Arc<dyn TicketStore>);
        Stores { tickets, ..stores }
    });
    assert!(noticed.contains("PushedRequestSpent"), "{noticed}");
}

#[test]
fn a_no_that_gets_lost_is_noticed() {
    // A device waits, the person says no, the device asks.
    let operations = [[12, 0, 0, 7], [13, 0, 0, 96], [14, 0, 0, 0]];
    let noticed = noticed(&operations, |stores| {
        let deferred = stores.deferred.map(|inner| Arc::new(Deaf(inner)) as Arc<dyn DeferredStore>);
        Stores { deferred, ..stores }
    });
    assert!(noticed.contains("DeferredDenied"), "{noticed}");
}

/// Gives a code again that was used.
#[derive(Debug)]
struct Lenient {
    inner: Arc<dyn CodeStore>,
    used: Mutex<HashMap<TokenHash, CodeRecord>>,
}

#[async_trait]
impl CodeStore for Lenient {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, now: Timestamp) -> Result<(), StoreError> {
        self.inner.insert_code(key, code, now).await
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let consumed = self.inner.consume_code(key, client, now).await?;
        let mut used = self.used.lock().expect("nobody panics under this lock");
        if let Consumed::Fresh(record) = &consumed {
            used.insert(*key, record.clone());
        }
        Ok(match (&consumed, used.get(key)) {
            (Consumed::Replayed { .. }, Some(record)) => Consumed::Fresh(record.clone()),
            _ => consumed,
        })
    }
}

/// Remembers nothing.
#[derive(Debug)]
struct Amnesiac;

#[async_trait]
impl ReplayStore for Amnesiac {
    async fn first_use(
        &self,
        _: &'static str,
        _: &TokenHash,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(true)
    }
}

/// Keeps what was taken.
#[derive(Debug)]
struct Sticky(Arc<dyn TicketStore>);

#[async_trait]
impl TicketStore for Sticky {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, now: Timestamp) -> Result<(), StoreError> {
        self.0.put(key, ticket, now).await
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        self.0.get(key, now).await
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        self.0.get(key, now).await
    }
}

/// Does not hear what was decided.
#[derive(Debug)]
struct Deaf(Arc<dyn DeferredStore>);

#[async_trait]
impl DeferredStore for Deaf {
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        self.0.insert_deferred(record, limit, now).await
    }

    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
        self.0.deferred(key, now).await
    }

    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        self.0.by_user_code(user_code, now).await
    }

    async fn decide(&self, _: &TokenHash, _: Decision, _: Timestamp) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
        self.0.poll(key, client, now).await
    }
}
