//! The real thing: two nodes of a provider over one store, and what their clients hold.

mod browsers;
mod build;
mod clients;
mod elsewhere;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

pub(super) use build::Guarantees;

use super::cast::{Answer, Key, Kind, Party, Person, Place, Set};
use super::operation::{Nth, Operation};
use crate::clock::{Clock as _, Timestamp};
use crate::error::Reason;
use crate::provider::Provider;
use crate::store::Sweep as _;
use crate::store::memory::MemoryStore;
use crate::testing::{
    AccountTable, AskingHost, Fault, Faults, ManualClock, RecordedEvents, block_on, refusals,
};
use crate::types::{Claims, Scope, Subject};

/// A provider, its store, and everybody around.
pub(super) struct World {
    nodes: [Provider; 2],
    /// Whether the second node answers.
    second: bool,
    clock: Arc<ManualClock>,
    /// When the run began.
    began: Timestamp,
    events: Arc<RecordedEvents>,
    accounts: Arc<AccountTable>,
    host: Arc<AskingHost>,
    faults: Faults,
    pub(super) store: MemoryStore,
    /// The cookie of the browsers, which all of them share.
    cookie: String,
    requests: Vec<String>,
    pushed: Vec<String>,
    codes: Vec<HeldCode>,
    elsewhere: Vec<HeldElsewhere>,
    pub(super) access: Vec<HeldToken>,
    refresh: Vec<HeldToken>,
    proof: Option<String>,
    /// How many proofs were made.
    proofs: u64,
    /// What every proof that was accepted was, in order.
    pub(super) accepted_proofs: Vec<String>,
    pub(super) redemptions: Vec<Redemption>,
}

struct HeldCode {
    client: Party,
    key: Option<Key>,
    text: String,
}

struct HeldElsewhere {
    kind: Kind,
    client: Party,
    credential: String,
    /// What the person types, for a device.
    user_code: String,
    /// What the host was asked, where there is none.
    asked: Scope,
}

/// A token that was received.
#[derive(Clone)]
pub(super) struct HeldToken {
    pub(super) client: Party,
    pub(super) key: Option<Key>,
    pub(super) text: String,
    pub(super) scope: Set,
    /// When it ends at the latest, as far as its client was told.
    pub(super) expires_at: Timestamp,
}

/// What became of a code, or of a request that was approved elsewhere.
pub(super) struct Redemption {
    credential: String,
    /// The access tokens that it brought.
    pub(super) tokens: Vec<usize>,
    pub(super) is_replayed: bool,
}

impl World {
    /// Does the operation; `None` where it concerns something that is not there.
    pub(super) fn apply(&mut self, operation: Operation) -> Option<Answer> {
        drop(self.events.take());
        let outcome = self.outcome(operation);
        let refused = refusals(&self.events.take());
        let answer = match outcome {
            Ok(answer) => answer?,
            Err(reason) => Answer::Refused(reason),
        };
        // What is refused in silence is told by an event alone.
        Some(refused.first().map_or(answer, |reason| Answer::Refused(*reason)))
    }

    fn outcome(&mut self, operation: Operation) -> Result<Option<Answer>, Reason> {
        match operation {
            Operation::Account { person, enabled } => Ok(self.set_account(person, enabled)),
            Operation::Answer { request, browser, decision } => self.answer(request, browser, decision),
            Operation::Ask { request, browser } => self.ask(request, browser),
            Operation::Authorize { asked, pushed: None } => self.authorize(asked),
            Operation::Authorize { asked, pushed: Some(nth) } => self.authorize_pushed(asked.client, nth),
            Operation::Begin { kind, person, asked } => self.begin(kind, person, asked),
            Operation::ClientCredentials { asked, proof } => self.client_credentials(asked, proof),
            Operation::Clock { by } => Ok(self.move_clock(by)),
            Operation::Decide { request, browser, decision } => self.decide(request, browser, decision),
            Operation::Exchange { token, sent } => self.exchange(token, sent),
            Operation::Fault { .. } => Ok(Some(Answer::Done)),
            Operation::Introspect { token, sender } => self.introspect(token, sender),
            Operation::LogOut { browser, offline_access } => self.log_out(browser, offline_access),
            Operation::Node => Ok(self.switch_node()),
            Operation::Poll { request, sent } => self.poll(request, sent),
            Operation::Push { asked, proof } => self.push(asked, proof),
            Operation::RedeemCode { code, sent, flaw } => self.redeem_code(code, sent, flaw),
            Operation::Refresh { token, sent } => self.refresh(token, sent),
            Operation::Revoke { token, sender } => self.revoke(token, sender),
            Operation::RevokeGrants { person, client, consent } => {
                self.revoke_grants(person, client, consent)
            }
            Operation::Sweep => Ok(self.sweep()),
            Operation::Userinfo { token, proof } => self.userinfo(token, proof),
        }
    }

    /// Lets the `nth` call to the store from now on go wrong.
    pub(super) fn plan(&self, nth: usize, fault: Fault) {
        self.faults.plan(nth, fault);
    }

    /// Forgets what was to go wrong and has not; whether the store was asked anything since.
    pub(super) fn mend(&self) -> bool {
        !self.faults.calls().is_empty()
    }

    /// The node that answers.
    pub(super) fn node(&self) -> &Provider {
        if self.second { &self.nodes[1] } else { &self.nodes[0] }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A moment as the model counts.
    pub(super) fn since(&self, at: Timestamp) -> i64 {
        at.unix() - self.began.unix()
    }

    fn switch_node(&mut self) -> Option<Answer> {
        self.second = !self.second;
        Some(Answer::Done)
    }

    fn set_account(&self, person: Person, enabled: bool) -> Option<Answer> {
        let name = person.subject();
        if enabled {
            self.accounts.enable(name)
        } else {
            self.accounts.disable(name)
        }
        Some(Answer::Done)
    }

    fn move_clock(&self, by: i64) -> Option<Answer> {
        let step = Duration::from_secs(by.unsigned_abs());
        let now = self.now();
        self.clock.set(if by < 0 { now.minus(step) } else { now.plus(step) });
        Some(Answer::Done)
    }

    fn sweep(&self) -> Option<Answer> {
        let swept = block_on(self.store.sweep(u16::MAX, self.now()));
        assert!(swept.is_ok(), "a store in memory can be swept: {swept:?}");
        Some(Answer::Done)
    }

    /// The place of a refresh token among those that were received; behind them where it is new.
    fn receive(&mut self, token: HeldToken) -> usize {
        let known = self.refresh.iter().position(|held| held.text == token.text);
        known.unwrap_or_else(|| {
            self.refresh.push(token);
            self.refresh.len() - 1
        })
    }
}

fn nth<T>(held: &[T], nth: Nth) -> Option<&T> {
    held.get(nth.of(held.len())?)
}

/// People with no claims but who they are.
fn register_people(accounts: &AccountTable) {
    for person in Person::ALL {
        let subject = Subject::new(person.subject()).expect("the name is a subject");
        accounts.insert(subject, Claims::new());
    }
}
