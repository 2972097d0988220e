//! What holds when many ask at once.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::answered;
use super::draw::{self, NOW, at};
use super::meeting::meet;
use crate::error::StoreErrorKind::Conflict;
use crate::error::{StoreError, StoreErrorKind};
use crate::runtime::Runtime;
use crate::store::{
    Advance, CodeStore, ConsentStore, Consumed, Filter, Grace, GrantRecord, Insertion, Page, RefreshUse,
    Refreshed, Remembered, ReplayStore, RevokedGrants, TicketStore, TokenRecord, TokenStore,
};

/// How many tasks meet.
const CROWD: usize = 64;

/// Where one caller may win, exactly one does; and what is revoked stays revoked, whoever was on the way.
///
/// `nodes` are stores on one database, as several processes have them; the tasks are spread over them.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn race<S>(nodes: &[Arc<S>], runtime: &dyn Runtime)
where
    S: CodeStore + ConsentStore + ReplayStore + TicketStore + TokenStore + 'static,
{
    let race = Race { nodes, runtime };
    race.one_consumes_a_code().await;
    race.one_rotates_a_refresh_token().await;
    race.one_replay_revokes().await;
    race.one_takes_a_ticket().await;
    race.one_uses_a_value_first().await;
    race.one_inserts_a_key().await;
    race.one_remembers_and_one_forgets().await;
    race.one_revokes().await;
    race.batches_revoke_all_once().await;
    for _ in 0..8 {
        race.a_replay_beats_the_redemption().await;
        race.a_revocation_beats_the_refresh().await;
    }
}

struct Race<'a, S> {
    nodes: &'a [Arc<S>],
    runtime: &'a dyn Runtime,
}

impl<S> Race<'_, S>
where
    S: CodeStore + ConsentStore + ReplayStore + TicketStore + TokenStore + 'static,
{
    /// Lets `size` tasks begin together, each on the next node, and gives their answers.
    async fn crowd<T, F>(&self, size: usize, task: impl Fn(usize, Arc<S>) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let nodes = self.nodes.iter().cycle().take(size).cloned();
        let tasks = nodes
            .enumerate()
            .map(|(n, store)| Box::pin(task(n, store)) as Pin<Box<dyn Future<Output = T> + Send>>);
        meet(self.runtime, tasks.collect()).await
    }

    fn node(&self) -> &S {
        self.nodes.first().expect("a race needs a node")
    }

    async fn insert_grant(&self) -> GrantRecord {
        let grant = draw::any_grant();
        answered("insert_grant keeps a new grant", self.node().insert_grant(grant.clone(), NOW).await);
        grant
    }

    /// A grant with a family whose head is at `seq`.
    async fn insert_family(&self, seq: u64) -> GrantRecord {
        let (grant, store) = (draw::any_grant(), self.node());
        answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
        let issued = draw::issued(None, Some(&draw::family()));
        let inserted = store.insert_tokens(&grant.id, issued, NOW).await;
        assert_eq!(
            answered("insert_tokens answers", inserted),
            Insertion::Inserted,
            "a live grant takes a family"
        );
        for seq in 0..seq {
            let outcome = refresh(store, &grant, seq, Advance::Rotate, None).await;
            assert_eq!(outcome, Refreshed::Rotated, "the head rotates");
        }
        grant
    }

    async fn one_consumes_a_code(&self) {
        let (code, key) = (draw::code(&draw::client()), draw::key());
        answered("insert_code keeps a new code", self.node().insert_code(key, code.clone(), NOW).await);
        let client = &code.client;
        let answers = self.crowd(CROWD, |_, store| {
            let client = client.clone();
            async move { answered("consume_code answers", store.consume_code(&key, &client, NOW).await) }
        });
        let counts = count(answers.await);
        let (fresh, replayed) = (Consumed::Fresh(code.clone()), Consumed::Replayed { grant: code.grant });
        let expected = count([vec![fresh], vec![replayed; CROWD - 1]].concat());
        assert_eq!(
            counts, expected,
            "of many that redeem one code exactly one gets it, and the others are told"
        );
    }

    async fn one_rotates_a_refresh_token(&self) {
        let grant = self.insert_family(0).await;
        for seq in 0..3 {
            let answers = self.crowd(CROWD, |_, store| {
                let (grant, token) = (grant.clone(), draw::token(&grant));
                async move {
                    let outcome = refresh(&*store, &grant, seq, Advance::Rotate, Some(&token)).await;
                    let active =
                        answered("access_token answers", store.access_token(&token.key, at(5)).await);
                    assert_eq!(active, Some(token), "{outcome:?}: the token of an answer is active");
                    outcome
                }
            });
            let retried = Refreshed::Retried { head: seq + 1 };
            let expected = count([vec![Refreshed::Rotated], vec![retried; CROWD - 1]].concat());
            assert_eq!(
                count(answers.await),
                expected,
                "of many that rotate one token exactly one moves the head"
            );
            let stored = answered("grant answers", self.node().grant(&grant.id, NOW).await);
            let stored = stored.expect("a grant is kept");
            let state = (stored.revoked_at, stored.head.map(|head| head.seq));
            assert_eq!(state, (None, Some(seq + 1)), "the family has one head, and nobody is logged out");
        }
    }

    async fn one_replay_revokes(&self) {
        let grant = self.insert_family(3).await;
        let answers = self.crowd(CROWD, |_, store| {
            let grant = grant.clone();
            async move { refresh(&*store, &grant, 0, Advance::Rotate, Some(&draw::token(&grant))).await }
        });
        let expected = count([vec![Refreshed::Replayed], vec![Refreshed::GrantRevoked; CROWD - 1]].concat());
        assert_eq!(
            count(answers.await),
            expected,
            "the first replay revokes the grant, and the others find it so"
        );
    }

    async fn one_takes_a_ticket(&self) {
        let (key, ticket) = (draw::key(), draw::ticket());
        answered("put keeps a new ticket", self.node().put(key, ticket.clone(), NOW).await);
        let answers = self
            .crowd(CROWD, |_, store| async move { answered("take answers", store.take(&key, NOW).await) });
        let expected = count([vec![Some(ticket)], vec![None; CROWD - 1]].concat());
        assert_eq!(count(answers.await), expected, "of many that take one ticket exactly one gets it");
    }

    async fn one_uses_a_value_first(&self) {
        let id = draw::key();
        for (now, until) in [(NOW, at(60)), (at(60), at(120))] {
            let answers = self.crowd(CROWD, |_, store| async move {
                answered("first_use answers", store.first_use("race", &id, until, now).await)
            });
            let expected = count([vec![true], vec![false; CROWD - 1]].concat());
            assert_eq!(count(answers.await), expected, "of many that use one value exactly one is the first");
        }
    }

    async fn one_inserts_a_key(&self) {
        let (key, id) = (draw::key(), draw::grant_id());
        let expected = count([vec![Ok(())], vec![Err(Conflict); CROWD - 1]].concat());
        let codes = self.crowd(CROWD, |_, store| async move {
            kind(store.insert_code(key, draw::code(&draw::client()), NOW).await)
        });
        assert_eq!(count(codes.await), expected, "of many codes under one key exactly one is inserted");
        let grants = self.crowd(CROWD, |_, store| async move {
            kind(store.insert_grant(GrantRecord { id, ..draw::any_grant() }, NOW).await)
        });
        assert_eq!(count(grants.await), expected, "of many grants of one id exactly one is inserted");
        let tickets =
            self.crowd(CROWD, |_, store| async move { kind(store.put(key, draw::ticket(), NOW).await) });
        assert_eq!(count(tickets.await), expected, "of many tickets under one key exactly one is inserted");
        let tokens = self.crowd(CROWD, |_, store| async move {
            let mut granted = draw::granted();
            granted.token.key = key;
            kind(store.insert_granted_token(granted, NOW).await)
        });
        assert_eq!(count(tokens.await), expected, "of many tokens under one key exactly one is inserted");
        let id = draw::grant_id();
        let tokens = self.crowd(CROWD, |_, store| async move {
            let mut granted = draw::granted();
            granted.token.grant = id;
            kind(store.insert_granted_token(granted, NOW).await)
        });
        assert_eq!(count(tokens.await), expected, "of many tokens with one grant exactly one is inserted");
    }

    async fn one_remembers_and_one_forgets(&self) {
        let (subject, client) = (draw::subject(), &draw::client());
        let mut seen = None;
        for _ in 0..2 {
            let answers = self.crowd(CROWD, |_, store| {
                let record = draw::consent(subject, client);
                async move { answered("remember answers", store.remember(record, seen, NOW).await) }
            });
            let expected = count([vec![Remembered::Written], vec![Remembered::Stale; CROWD - 1]].concat());
            assert_eq!(count(answers.await), expected, "of many that saw one version exactly one writes");
            let record = answered("remembered answers", self.node().remembered(&subject, client, NOW).await);
            seen = record.map(|record| record.version);
        }
        let answers = self.crowd(CROWD, |_, store| {
            let client = client.clone();
            async move { answered("forget answers", store.forget(&subject, &client, NOW).await) }
        });
        let expected = count([vec![true], vec![false; CROWD - 1]].concat());
        assert_eq!(count(answers.await), expected, "of many that forget one consent exactly one did it");
    }

    async fn one_revokes(&self) {
        let grant = self.insert_grant().await;
        let answers = self.crowd(CROWD, |n, store| {
            let by_client = Filter::Client(grant.client.clone());
            let filter = if n % 2 == 0 { Filter::Id(grant.id) } else { by_client };
            async move { answered("revoke answers", store.revoke(&filter, NOW).await) }
        });
        let expected = count([vec![1], vec![0; CROWD - 1]].concat());
        assert_eq!(count(answers.await), expected, "of many that revoke one grant exactly one did it");
    }

    /// Whoever is told that fewer than its limit were revoked finds none left, whoever revokes beside it.
    async fn batches_revoke_all_once(&self) {
        const GRANTS: u16 = 48;
        let client = draw::client();
        for _ in 0..GRANTS {
            let grant = draw::grant(&client, draw::subject());
            answered("insert_grant keeps a new grant", self.node().insert_grant(grant, NOW).await);
        }
        let filter = Filter::Client(client);
        let answers = self.crowd(8, |_, store| {
            let filter = filter.clone();
            async move {
                let mut revoked = 0;
                loop {
                    let batch = answered("revoke_some answers", store.revoke_some(&filter, 5, NOW).await);
                    revoked += batch;
                    if batch < 5 {
                        break;
                    }
                }
                let left = store.grants(&filter, RevokedGrants::LeftOut, &Page::first(1), NOW).await;
                let left = answered("grants answers", left);
                assert_eq!(left.items, [], "fewer than the limit means that none is left");
                revoked
            }
        });
        let revoked: u16 = answers.await.into_iter().sum();
        assert_eq!(revoked, GRANTS, "no two calls count one grant");
    }

    /// The race behind the race: whoever consumed the code may still be about to write its tokens when a replay
    /// revokes the grant.
    async fn a_replay_beats_the_redemption(&self) {
        let (grant, key) = (self.insert_grant().await, draw::key());
        let mut code = draw::code(&grant.client);
        code.grant = grant.id;
        answered("insert_code keeps a new code", self.node().insert_code(key, code, NOW).await);
        let token = draw::token(&grant);
        let answers = self.crowd(8, |_, store| {
            let (grant, token) = (grant.clone(), token.clone());
            async move {
                let consumed = store.consume_code(&key, &grant.client, NOW).await;
                match answered("consume_code answers", consumed) {
                    Consumed::Fresh(code) => {
                        let issued = draw::issued(Some(&token), Some(&draw::family()));
                        let inserted = store.insert_tokens(&code.grant, issued, NOW).await;
                        let _either = answered("insert_tokens answers", inserted);
                    }
                    Consumed::Replayed { grant } => {
                        answered("revoke answers", store.revoke(&Filter::Id(grant), NOW).await);
                        assert_inactive(&*store, &token).await;
                    }
                    other => panic!("a code that is presented by its client in time is {other:?}"),
                }
            }
        });
        answers.await;
        assert_inactive(self.node(), &token).await;
        let late = draw::issued(Some(&draw::token(&grant)), None);
        let late = self.node().insert_tokens(&grant.id, late, NOW).await;
        let late = answered("insert_tokens answers", late);
        assert_eq!(late, Insertion::GrantRevoked, "after a replay and its revocation nothing is inserted");
    }

    async fn a_revocation_beats_the_refresh(&self) {
        let grant = self.insert_family(0).await;
        let tokens: Vec<TokenRecord> = (0..16).map(|_| draw::token(&grant)).collect();
        let revoked = Arc::new(AtomicBool::new(false));
        let answers = self.crowd(tokens.len(), |n, store| {
            let (grant, token, revoked) = (grant.clone(), tokens[n].clone(), Arc::clone(&revoked));
            async move {
                if n == 8 {
                    answered("revoke answers", store.revoke(&Filter::Id(grant.id), at(5)).await);
                    revoked.store(true, Ordering::SeqCst);
                    return;
                }
                let (late, advance) =
                    (revoked.load(Ordering::SeqCst), [Advance::Keep, Advance::Rotate][n % 2]);
                let outcome = refresh(&*store, &grant, 0, advance, Some(&token)).await;
                if late {
                    assert_eq!(
                        outcome,
                        Refreshed::GrantRevoked,
                        "a refresh begun after a revocation is refused"
                    );
                }
            }
        });
        answers.await;
        for token in &tokens {
            assert_inactive(self.node(), token).await;
        }
    }
}

async fn refresh<S: TokenStore>(
    store: &S,
    grant: &GrantRecord,
    seq: u64,
    advance: Advance,
    issued: Option<&TokenRecord>,
) -> Refreshed {
    let used = RefreshUse { seq, advance, grace: Grace::UntilSuccessorUsed, idle_until: at(500) };
    let outcome = store.use_refresh_token(&grant.id, used, issued.cloned(), at(5)).await;
    answered("use_refresh_token answers", outcome)
}

async fn assert_inactive<S: TokenStore>(store: &S, token: &TokenRecord) {
    let active = answered("access_token answers", store.access_token(&token.key, at(5)).await);
    assert_eq!(active, None, "once a revocation was answered no token of the grant is active");
}

fn kind<T>(result: Result<T, StoreError>) -> Result<T, StoreErrorKind> {
    result.map_err(|error| error.kind())
}

/// How often each answer was given.
fn count<T: Debug>(answers: Vec<T>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(format!("{answer:?}")).or_default() += 1;
    }
    counts
}
