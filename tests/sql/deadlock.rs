//! Verbs that the server fails because they and another transaction wait for each other.

use std::time::Duration;

use vouchsafe::adapters::sqlx::{Engine, SqlStore};
use vouchsafe::store::{Filter, GrantStore, Refreshed, TokenStore};

use super::sql::{NOW, client, family_at, rotation, token};

/// How long a test waits for the server to see that a verb waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it asks. MariaDB looks anew only when nobody has asked for a tenth of a second, and two tests ask at once.
const PACE: Duration = Duration::from_millis(300);

/// A transaction that goes on when it and a verb wait for each other: the server fails the verb.
pub(super) trait Rival {
    /// How bytes stand in a statement, from their digits.
    fn literal(hex: &str) -> String;

    /// Runs a statement in the transaction, and says how many rows it answered with.
    async fn run(&mut self, text: String) -> usize;

    /// Whether somebody waits for the transaction.
    async fn is_waited_for(&self) -> bool;

    async fn roll_back(self);
}

/// Two grants are revoked together, and another transaction locks them from the last to the first.
pub(super) async fn revoked<E: Engine, R: Rival>(store: &SqlStore<E>, mut rival: R) {
    let mut grants = [family_at(store, 0).await.id, family_at(store, 0).await.id];
    grants.sort();
    let [first, last] = grants.map(|grant| literal::<R>(grant.as_bytes()));
    assert_eq!(rival.run(locking(&last, "")).await, 1);
    let verb = {
        let store = store.clone();
        tokio::spawn(async move { store.revoke_some(&Filter::Client(client()), 10, NOW).await })
    };
    take_from_the_verb(rival, &first).await;
    assert_eq!(verb.await.unwrap().unwrap(), 2);
}

/// A head moves on beside a new token whose row another transaction has written, which then wants that of the grant.
pub(super) async fn rotated<E: Engine, R: Rival>(store: &SqlStore<E>, mut rival: R) {
    let grant = family_at(store, 0).await;
    let (id, issued) = (grant.id, token(&grant));
    let key = literal::<R>(issued.key.as_bytes());
    let written = format!(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
         VALUES ('', 1, {key}, '', 'client', 0, 0, '', '')"
    );
    rival.run(written).await;
    let verb = {
        let store = store.clone();
        tokio::spawn(async move { store.use_refresh_token(&id, rotation(0), Some(issued), NOW).await })
    };
    take_from_the_verb(rival, &literal::<R>(id.as_bytes())).await;
    assert_eq!(verb.await.unwrap().unwrap(), Refreshed::Rotated);
}

/// Once the verb waits for the rival, the rival waits for the grant that the verb has locked, and gets it.
async fn take_from_the_verb(mut rival: impl Rival, grant: &str) {
    let waited_for = async {
        while !rival.is_waited_for().await {
            tokio::time::sleep(PACE).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited_for).await.unwrap();
    assert_eq!(rival.run(locking(grant, "SKIP LOCKED")).await, 0, "the verb has the grant");
    let taken = tokio::time::timeout(PATIENCE, rival.run(locking(grant, ""))).await;
    assert_eq!(taken.unwrap(), 1, "the verb was failed, and has let it go");
    rival.roll_back().await;
}

fn literal<R: Rival>(bytes: &[u8]) -> String {
    R::literal(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn locking(grant: &str, option: &str) -> String {
    format!("SELECT id FROM vouchsafe_issued WHERE namespace = '' AND id = {grant} FOR UPDATE {option}")
}
