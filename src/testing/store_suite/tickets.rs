//! What a [`TicketStore`] must do.

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::Conflict;
use crate::secret::TokenHash;
use crate::store::{TicketRecord, TicketStore};

/// Tickets are read while they are open and taken once while they are kept.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn tickets(store: &dyn TicketStore) {
    read_and_taken(store).await;
    ending(store).await;
    inserted_once(store).await;
}

async fn put(store: &dyn TicketStore) -> (TokenHash, TicketRecord) {
    let (key, ticket) = (draw::key(), draw::ticket());
    answered("put keeps a new ticket", store.put(key, ticket.clone(), NOW).await);
    (key, ticket)
}

async fn get(store: &dyn TicketStore, key: &TokenHash, now: Timestamp) -> Option<TicketRecord> {
    answered("get answers", store.get(key, now).await)
}

async fn take(store: &dyn TicketStore, key: &TokenHash, now: Timestamp) -> Option<TicketRecord> {
    answered("take answers", store.take(key, now).await)
}

async fn read_and_taken(store: &dyn TicketStore) {
    let (key, ticket) = put(store).await;
    for _ in 0..2 {
        assert_eq!(
            get(store, &key, NOW).await,
            Some(ticket.clone()),
            "get gives the ticket exactly, and it stays"
        );
    }
    assert_eq!(take(store, &key, NOW).await, Some(ticket), "take gives the ticket exactly");
    assert_eq!(take(store, &key, NOW).await, None, "a ticket is taken once");
    assert_eq!(get(store, &key, NOW).await, None, "a ticket that was taken is not read");
    assert_eq!(get(store, &draw::key(), NOW).await, None, "a ticket that was never put is not read");
    assert_eq!(take(store, &draw::key(), NOW).await, None, "a ticket that was never put is not taken");
}

async fn ending(store: &dyn TicketStore) {
    let (key, ticket) = put(store).await;
    assert_eq!(get(store, &key, at(59)).await, Some(ticket.clone()), "a ticket is read before open_until");
    assert_eq!(get(store, &key, at(60)).await, None, "a ticket is not read from open_until on");
    assert_eq!(take(store, &key, at(119)).await, Some(ticket), "a ticket is taken until keep_until");
    let (key, _) = put(store).await;
    assert_eq!(take(store, &key, at(120)).await, None, "a ticket is not taken from keep_until on");
    assert_eq!(get(store, &key, at(120)).await, None, "a ticket is not read from keep_until on");
}

async fn inserted_once(store: &dyn TicketStore) {
    let (key, ticket) = put(store).await;
    refused("put under a key that exists", Conflict, store.put(key, draw::ticket(), NOW).await);
    assert_eq!(take(store, &key, NOW).await, Some(ticket), "a Conflict leaves the ticket that was there");
}
