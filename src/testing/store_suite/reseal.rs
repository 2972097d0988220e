//! What a [`Reseal`] must do.

mod rows;

use std::collections::BTreeMap;
use std::pin::Pin;

use super::cancelled::dropped_after;
use super::draw::{self, NOW, at};
use super::meeting::meet;
use super::{answered, refused};
use crate::error::StoreErrorKind::Corrupt;
use crate::runtime::Runtime;
use crate::seal::Sealed;
use crate::secret::SecretId;
use crate::store::{Page, Remembered, RowName, SealedRow, Stores};
use rows::Rows;

/// How many tasks meet.
const CROWD: usize = 32;

/// Payloads are found by the secret that sealed them and moved to another, beside every other verb.
///
/// `nodes` are the stores of one database, as several processes have them; tasks that meet are spread over them. Rows of
/// every port that [`Stores`] has are made, so leave out those that are kept elsewhere; a key set is written over, as by
/// [`key_sets`](super::key_sets()).
///
/// # Panics
/// At the first clause that does not hold, and where the nodes have no [`Reseal`](crate::store::Reseal).
pub async fn reseal(nodes: &[Stores], runtime: &dyn Runtime) {
    for stores in nodes {
        let sealing = Sealing(stores);
        sealing.listed_by_secret().await;
        sealing.moved_alone().await;
        sealing.stale_ones_stay().await;
        sealing.cancelled().await;
    }
    one_of_many(nodes, runtime).await;
    for _ in 0..8 {
        a_write_is_not_undone(nodes, runtime).await;
    }
}

/// All stores of a node that move payloads, as one.
struct Sealing<'a>(&'a Stores);

impl Sealing<'_> {
    /// Every row under `secret`, read in pages of `limit`.
    async fn under(&self, secret: SecretId, limit: u16) -> Vec<SealedRow> {
        assert!(!self.0.reseal.is_empty(), "the stores have no Reseal");
        let mut all = Vec::new();
        for store in &self.0.reseal {
            let mut page = Some(Page::first(limit));
            while let Some(this) = page {
                let listing = answered("sealed_under answers", store.sealed_under(secret, &this, NOW).await);
                assert!(listing.items.len() <= usize::from(this.size()), "a page holds at most its limit");
                page = this.following(&listing);
                all.extend(listing.items);
            }
        }
        all
    }

    async fn reseal(&self, row: &SealedRow, new: &Sealed) -> bool {
        let mut moved = false;
        for store in &self.0.reseal {
            moved |= answered("reseal answers", store.reseal(row, new.clone(), at(1)).await);
        }
        moved
    }

    async fn listed_by_secret(&self) {
        let (mine, other) = (draw::secret(), draw::secret());
        let rows = [Rows::insert(self.0, mine).await, Rows::insert(self.0, mine).await];
        let foreign = Rows::insert(self.0, other).await;
        let [first, second] = &rows;
        // The key set is one row, which the last that was inserted has written over.
        let expected = by_name(first.rows.iter().chain(&second.rows).filter(|row| !row.is_key_set()));
        for limit in [1, 2, 3, 1000] {
            let listed = self.under(mine, limit).await;
            let count = listed.len();
            let listed = by_name(&listed);
            assert_eq!(listed.len(), count, "no row is listed twice");
            assert_eq!(listed, expected, "pages of {limit} list every row under the secret, exactly");
            assert_eq!(
                by_name(&self.under(other, limit).await),
                by_name(&foreign.rows),
                "rows under another secret are listed under that one alone"
            );
        }
        assert_eq!(
            self.under(draw::secret(), 1000).await,
            [],
            "nothing is under a secret that sealed nothing"
        );
        let strange = Page { after: Some("'not a cursor".to_owned()), limit: 2 };
        for store in &self.0.reseal {
            refused(
                "sealed_under after a text that is no cursor",
                Corrupt,
                store.sealed_under(mine, &strange, NOW).await,
            );
        }
    }

    /// A payload moves, and nothing else changes. Rows that stay do not keep a page from the next.
    async fn moved_alone(&self) {
        let (old, new) = (draw::secret(), draw::secret());
        let mut rows = Rows::insert(self.0, old).await;
        for n in 0..rows.rows.len() {
            let (row, payload) = (rows.rows[n].clone(), draw::payload_under(new));
            assert!(self.reseal(&row, &payload).await, "{:?}: a payload that was read is moved", row.name);
            rows.moved(n, payload);
            let left = self.under(old, 1).await;
            assert_eq!(
                by_name(&left),
                by_name(&rows.rows[n + 1..]),
                "a row that was moved is not under the old secret, and those that were not are"
            );
        }
        assert_eq!(
            by_name(&self.under(new, 1000).await),
            by_name(&rows.rows),
            "rows that were moved are under the new secret"
        );
        rows.check(self.0).await;
    }

    async fn stale_ones_stay(&self) {
        let (old, new) = (draw::secret(), draw::secret());
        let rows = Rows::insert(self.0, old).await;
        for row in &rows.rows {
            let payload = draw::payload_under(new);
            let stale = SealedRow { payload: draw::payload_under(old), ..row.clone() };
            assert!(!self.reseal(&stale, &payload).await, "{:?}: another payload is not moved", row.name);
            let renamed = Sealed::from_parts(draw::secret(), row.payload.as_bytes().to_vec());
            let renamed = SealedRow { payload: renamed, ..row.clone() };
            assert!(!self.reseal(&renamed, &payload).await, "{:?}: nor one of another secret", row.name);
            if !row.is_key_set() {
                let name = RowName::new(row.name.kind, rows::other_key(&row.name));
                let absent = SealedRow { name, payload: row.payload.clone() };
                assert!(!self.reseal(&absent, &payload).await, "{:?}: nor one that is not there", row.name);
            }
        }
        assert_eq!(self.under(new, 1000).await, [], "nothing was made");
        rows.check(self.0).await;
    }

    async fn cancelled(&self) {
        for suspensions in 0.. {
            let (old, new) = (draw::secret(), draw::secret());
            let mut rows = Rows::insert(self.0, old).await;
            let mut answered_all = true;
            for n in 0..rows.rows.len() {
                let (row, payload) = (rows.rows[n].clone(), draw::payload_under(new));
                let mut answer = None;
                for store in &self.0.reseal {
                    let verb = store.reseal(&row, payload.clone(), at(1));
                    let moved = dropped_after(suspensions, verb).await;
                    answer = answer.or(moved.filter(|moved| *moved));
                    answered_all &= moved.is_some();
                }
                // What was dropped may still happen, as a whole: doing it again shows that it has, or does it.
                let again = self.reseal(&row, &payload).await;
                assert!(answer.is_none() || !again, "{:?}: what was answered is done", row.name);
                rows.moved(n, payload);
            }
            rows.check(self.0).await;
            if answered_all {
                return;
            }
        }
    }
}

/// The rows by their names. The suite's other functions may have a row under a secret of the same four bytes: they
/// draw theirs at random, and this is not expected to happen.
fn by_name<'a>(rows: impl IntoIterator<Item = &'a SealedRow>) -> BTreeMap<RowName, Sealed> {
    rows.into_iter().map(|row| (row.name.clone(), row.payload.clone())).collect()
}

/// Of many that move one payload, one does.
async fn one_of_many(nodes: &[Stores], runtime: &dyn Runtime) {
    let stores = nodes.first().expect("a race needs a node");
    let mut rows = Rows::insert(stores, draw::secret()).await;
    for n in 0..rows.rows.len() {
        let row = rows.rows[n].clone();
        let tasks = nodes.iter().cycle().take(CROWD).cloned().map(|stores| {
            let (row, payload) = (row.clone(), draw::payload());
            let task = async move {
                let moved = Sealing(&stores).reseal(&row, &payload).await;
                moved.then_some(payload)
            };
            Box::pin(task) as Pin<Box<dyn Future<Output = Option<Sealed>> + Send>>
        });
        let mut moved = meet(runtime, tasks.collect()).await.into_iter().flatten();
        let winner = moved.next().expect("of many that move one payload one does");
        assert_eq!(moved.next(), None, "{:?}: of many that move one payload exactly one does", row.name);
        rows.moved(n, winner);
    }
    rows.check(stores).await;
}

/// Whoever writes over what it has seen is neither refused for a payload that was moved meanwhile, nor undone by it.
async fn a_write_is_not_undone(nodes: &[Stores], runtime: &dyn Runtime) {
    let stores = nodes.first().expect("a race needs a node");
    let (old, new) = (draw::secret(), draw::secret());
    let mut first = draw::consent(draw::subject(), &draw::client());
    first.payload = draw::payload_under(old);
    let written = answered("remember answers", stores.consents.remember(first.clone(), None, NOW).await);
    assert_eq!(written, Remembered::Written, "a first consent is written");
    let (subject, client) = (first.subject, first.client.clone());
    let seen = answered("remembered answers", stores.consents.remembered(&subject, &client, NOW).await);
    let seen = seen.map(|record| record.version);
    let second = draw::consent(subject, &client);
    let row = SealedRow { name: rows::consent_name(&first), payload: first.payload };
    let tasks = nodes.iter().cycle().take(CROWD).cloned().enumerate().map(|(n, stores)| {
        let (row, second) = (row.clone(), second.clone());
        let task = async move {
            if n == CROWD / 2 {
                let written = stores.consents.remember(second, seen, NOW).await;
                let written = answered("remember answers", written);
                assert_eq!(written, Remembered::Written, "moving a payload is no other version");
            } else {
                Sealing(&stores).reseal(&row, &draw::payload_under(new)).await;
            }
        };
        Box::pin(task) as Pin<Box<dyn Future<Output = ()> + Send>>
    });
    meet(runtime, tasks.collect()).await;
    let found = answered("remembered answers", stores.consents.remembered(&subject, &client, NOW).await);
    let found = found.map(|record| record.payload);
    assert_eq!(found, Some(second.payload), "what was written is not undone by moving what was there before");
}
