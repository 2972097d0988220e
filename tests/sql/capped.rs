//! How much one call of a store does at most, whatever it is asked for: so long, and no longer, it holds its locks.

use std::time::Duration;

use futures_util::future::join_all;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::{Filter, GrantRecord, GrantStore, Sweep, TicketRecord, TicketStore};
use vouchsafe::types::{ClientId, GrantId};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// Most rows of one call.
const CAP: u16 = 1000;

/// How many rows are inserted at once.
const BATCH: u16 = 11;

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn payload() -> Sealed {
    Sealed::from_parts(SecretId::from_bytes([7; 4]), b"sealed".to_vec())
}

/// Of one row more than the cap a sweep leaves that row to the next.
pub(super) async fn sweep<S: Sweep + TicketStore>(store: &S) {
    one_too_many(async || {
        let key = TokenHash::from_bytes(random(&OsEntropy).unwrap());
        let ticket = TicketRecord { open_until: at(60), keep_until: at(120), payload: payload() };
        store.put(key, ticket, NOW).await.unwrap();
    })
    .await;
    for expected in [CAP, 1, 0] {
        assert_eq!(store.sweep(u16::MAX, at(120)).await.unwrap(), expected);
    }
}

/// Of one grant more than the cap a revocation in steps leaves that grant to the next.
pub(super) async fn revoke_some(store: &impl GrantStore) {
    let client = ClientId::new("client").unwrap();
    one_too_many(async || {
        let grant = GrantRecord {
            id: GrantId::generate(&OsEntropy, NOW).unwrap(),
            client: client.clone(),
            subject: None,
            session: None,
            created_at: NOW,
            expires_at: at(1000),
            keep_until: at(2000),
            token: None,
            payload: payload(),
        };
        store.insert_grant(grant, NOW).await.unwrap();
    })
    .await;
    for expected in [CAP, 1, 0] {
        let revoked = store.revoke_some(&Filter::Client(client.clone()), u16::MAX, NOW).await;
        assert_eq!(revoked.unwrap(), expected);
    }
}

/// Inserts one row more than one call removes or revokes.
async fn one_too_many(insert: impl AsyncFn()) {
    for _ in 0..(CAP + 1) / BATCH {
        join_all((0..BATCH).map(|_| insert())).await;
    }
}
