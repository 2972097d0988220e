//! Operations one after the other, on the provider and on the model.

use super::cast::{Answer, Party};
use super::invariants::History;
use super::model::{Failure, GrantView, Model};
use super::operation::Operation;
use super::world::{Guarantees, HeldToken, World};
use crate::error::Reason;
use crate::store::{Filter, GrantStore as _, Page, RevokedGrants, StoredGrant, TokenStore as _};
use crate::testing::{Fault, block_on};
use crate::types::ClientId;

/// As far as the clocks of two nodes may differ, in seconds: the clock is set back no further.
const MAX_SETBACK: i64 = 120;

/// Most writes of one operation, and one more.
const MAX_WRITES: usize = 6;

/// Most states between which nothing has decided yet, with which the store may fail once more.
const MAX_DOUBTS: usize = 8;

/// A run, and every state in which it can be.
///
/// Where the store fails, or its answer is lost, only the next questions tell what was done. Until then each
/// possibility is a model of its own; the provider must agree with one of them.
pub(super) struct Run {
    world: World,
    models: Vec<Model>,
    history: History,
    /// What goes wrong in the next operation that asks the store anything.
    planned: Option<(usize, Fault)>,
    /// The latest that the clock has shown.
    latest: i64,
}

/// What a store shows without being asked by a client.
struct Sight {
    grants: Vec<StoredGrant>,
    views: Vec<GrantView>,
    active: Vec<bool>,
}

impl Run {
    pub(super) fn new(guarantees: Guarantees) -> Self {
        let (world, models) = (World::new(guarantees), vec![Model::default()]);
        Self { world, models, history: History::default(), planned: None, latest: 0 }
    }

    /// Does one operation.
    ///
    /// # Errors
    /// What the provider did otherwise than the model, or which rule it broke.
    pub(super) fn step(&mut self, operation: Operation) -> Result<(), String> {
        match operation {
            Operation::Clock { by } if self.now() + by < self.latest - MAX_SETBACK => return Ok(()),
            Operation::Clock { by } => self.latest = self.latest.max(self.now() + by),
            Operation::Fault { nth, fault } if self.models.len() <= MAX_DOUBTS => {
                self.planned = Some((nth, fault));
                return Ok(());
            }
            Operation::Fault { .. } => return Ok(()),
            Operation::LogOut { .. } if !self.models.iter().all(|model| can_be_torn(model, operation)) => {
                self.planned = None;
            }
            _ => {}
        }
        let planned = self.planned.take();
        if let Some((nth, fault)) = planned {
            self.world.plan(nth, fault);
        }
        let answer = self.world.apply(operation);
        if !self.world.mend() {
            self.planned = planned;
        }
        self.agree(operation, answer.as_ref(), planned.is_some())?;
        if answer.is_none() {
            return Ok(());
        }
        let sight = self.look();
        self.recognise(&sight)?;
        self.history.check(&self.world, (operation, answer.as_ref()), &sight.grants)?;
        self.world.mend();
        Ok(())
    }

    fn now(&self) -> i64 {
        self.models.first().map_or(0, Model::now)
    }

    /// Keeps the models that come to the same answer.
    fn agree(&mut self, operation: Operation, answer: Option<&Answer>, failing: bool) -> Result<(), String> {
        let failed = failing && answer == Some(&Answer::Refused(Reason::StoreUnavailable));
        let (mut agreeing, mut expected) = (Vec::new(), Vec::new());
        for model in &self.models {
            let mut next = model.clone();
            let answered = next.apply(operation);
            if answered.as_ref() == answer {
                agreeing.push(next);
            } else if failed {
                agreeing.extend(torn(model, operation));
            } else {
                expected.push(answered);
            }
        }
        if agreeing.is_empty() {
            return Err(format!("the provider answers {answer:?}, the model {expected:?}"));
        }
        self.models = distinct(agreeing);
        Ok(())
    }

    fn look(&self) -> Sight {
        let (store, now) = (&self.world.store, self.world.now());
        let mut grants = Vec::new();
        let mut views = Vec::new();
        for party in Party::ALL {
            let of = Filter::Client(ClientId::new(party.client_id()).expect("the name is a client_id"));
            let listed = block_on(store.grants(&of, RevokedGrants::Included, &Page::first(1000), now));
            let listed = listed.expect("a store in memory answers").items;
            views.extend(listed.iter().map(|stored| self.view(party, stored)));
            grants.extend(listed);
        }
        views.sort_unstable();
        let row = |token: &HeldToken| block_on(store.access_token(&token.row(), now));
        let is_active = |token| row(token).expect("a store in memory answers").is_some();
        let active = self.world.access.iter().map(is_active).collect();
        Sight { grants, views, active }
    }

    fn view(&self, client: Party, stored: &StoredGrant) -> GrantView {
        let since = |at| self.world.since(at);
        let head = stored.head.as_ref().map(|head| {
            (head.seq, head.first_used_at.map(since), head.rotated_at.map(since), since(head.idle_until))
        });
        GrantView {
            client,
            created_at: since(stored.record.created_at),
            expires_at: since(stored.record.expires_at),
            with_token: stored.record.token.is_some(),
            is_revoked: stored.revoked_at.is_some(),
            head,
        }
    }

    /// Keeps the models that hold what the store holds.
    fn recognise(&mut self, sight: &Sight) -> Result<(), String> {
        let known = |model: &Model| model.grants() == sight.views && model.active() == sight.active;
        if !self.models.iter().any(known) {
            let seen = format!("{:?} {:?}", sight.views, sight.active);
            let models: Vec<_> = self.models.iter().map(|model| (model.grants(), model.active())).collect();
            return Err(format!("the store holds {seen}, the model {models:?}"));
        }
        self.models.retain(known);
        Ok(())
    }
}

/// The states in which an operation can have left everything that the store failed.
fn torn(model: &Model, operation: Operation) -> Vec<Model> {
    let at_writes =
        (0..MAX_WRITES).flat_map(|after| [false, true].map(|done| Failure::AtWrite { after, done }));
    let failed = std::iter::once(Failure::AtOnce).chain(at_writes).filter_map(|failure| {
        let mut model = model.clone();
        model.fail(Some(failure));
        let failed = model.apply(operation) == Some(Answer::Refused(Reason::StoreUnavailable));
        model.fail(None);
        failed.then_some(model)
    });
    let mut states: Vec<_> = failed.collect();
    if let Operation::LogOut { browser, offline_access } = operation {
        states.extend(model.half_logged_out(browser, offline_access).unwrap_or_default());
    }
    states
}

fn can_be_torn(model: &Model, operation: Operation) -> bool {
    match operation {
        Operation::LogOut { browser, offline_access } => {
            model.half_logged_out(browser, offline_access).is_some()
        }
        _ => true,
    }
}

fn distinct(models: Vec<Model>) -> Vec<Model> {
    models.into_iter().fold(Vec::new(), |mut distinct, model| {
        if !distinct.contains(&model) {
            distinct.push(model);
        }
        distinct
    })
}
