//! What waits for its turn: a line for each client, and the clients take turns.
//!
//! However much one client has waiting, another's comes next: a client has few turns at once, and seats only while there
//! are as many free.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::types::ClientId;

/// How much may be under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most that is seated, over all clients.
    pub(super) seats: usize,
    /// Most turns at once, over all clients.
    pub(super) turns: usize,
    /// Most turns of one client at once.
    pub(super) turns_of_client: usize,
}

/// The lines of all clients.
pub(super) struct Lines<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    bounds: Bounds,
    lines: BTreeMap<ClientId, Line<T>>,
    /// The clients that may have a turn, each once: it has something waiting, and fewer turns than a client may.
    next: VecDeque<ClientId>,
    free_seats: usize,
    turns: usize,
}

struct Line<T> {
    waiting: VecDeque<T>,
    seats: usize,
    turns: usize,
    is_next: bool,
}

/// A seat, given up when it is dropped.
pub(super) struct Seat<T>(Held<T>);

/// A turn, over when it is dropped.
pub(super) struct Turn<T>(Held<T>);

struct Held<T> {
    lines: Weak<Mutex<State<T>>>,
    client: ClientId,
}

impl<T> Lines<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        let state = State {
            bounds,
            lines: BTreeMap::new(),
            next: VecDeque::new(),
            free_seats: bounds.seats,
            turns: 0,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A seat for something of `client`; `None` when it has as many as there are free.
    pub(super) fn admit(&self, client: &ClientId) -> Option<Seat<T>> {
        let mut state = lock(&self.0);
        let seats = state.lines.get(client).map_or(0, |line| line.seats);
        if seats >= state.free_seats {
            return None;
        }
        state.free_seats -= 1;
        state.lines.entry(client.clone()).or_default().seats += 1;
        Some(Seat(Held { lines: Arc::downgrade(&self.0), client: client.clone() }))
    }

    /// Puts something at the end of its client's line.
    pub(super) fn stand(&self, client: &ClientId, item: T) {
        let mut state = lock(&self.0);
        state.lines.entry(client.clone()).or_default().waiting.push_back(item);
        state.let_be_next(client);
    }

    /// Whose turn it is; `None` when nobody's is.
    pub(super) fn take_turn(&self) -> Option<(T, Turn<T>)> {
        let mut state = lock(&self.0);
        if state.turns >= state.bounds.turns {
            return None;
        }
        let client = state.next.pop_front()?;
        let line = state.lines.get_mut(&client)?;
        line.is_next = false;
        let item = line.waiting.pop_front()?;
        line.turns += 1;
        state.turns += 1;
        state.let_be_next(&client);
        Some((item, Turn(Held { lines: Arc::downgrade(&self.0), client })))
    }
}

impl<T> State<T> {
    fn let_be_next(&mut self, client: &ClientId) {
        let Some(line) = self.lines.get_mut(client) else { return };
        if !line.is_next && !line.waiting.is_empty() && line.turns < self.bounds.turns_of_client {
            line.is_next = true;
            self.next.push_back(client.clone());
        }
    }

    fn forget_if_empty(&mut self, client: &ClientId) {
        if self.lines.get(client).is_some_and(Line::is_empty) {
            self.lines.remove(client);
        }
    }
}

impl<T> Line<T> {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.seats == 0 && self.turns == 0
    }
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), seats: 0, turns: 0, is_next: false }
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        let Some(lines) = self.0.lines.upgrade() else { return };
        let mut state = lock(&lines);
        state.free_seats += 1;
        if let Some(line) = state.lines.get_mut(&self.0.client) {
            line.seats -= 1;
        }
        state.forget_if_empty(&self.0.client);
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        let Some(lines) = self.0.lines.upgrade() else { return };
        let mut state = lock(&lines);
        state.turns -= 1;
        if let Some(line) = state.lines.get_mut(&self.0.client) {
            line.turns -= 1;
        }
        state.let_be_next(&self.0.client);
        state.forget_if_empty(&self.0.client);
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves out what waits.
impl<T> fmt::Debug for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0);
        let (clients, turns) = (state.lines.len(), state.turns);
        f.debug_struct("Lines").field("clients", &clients).field("turns", &turns).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { seats: 12, turns: 4, turns_of_client: 2 };

    fn id(client: &str) -> ClientId {
        ClientId::new(client).unwrap()
    }

    fn lines(waiting: &[(&str, u8)]) -> Lines<u8> {
        let lines = Lines::new(BOUNDS);
        waiting.iter().for_each(|(client, item)| lines.stand(&id(client), *item));
        lines
    }

    #[test]
    fn clients_take_turns_and_none_has_more_than_its_share() {
        let lines = lines(&[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("c", 6)]);
        let mut turns: Vec<_> = std::iter::from_fn(|| lines.take_turn()).collect();
        let items = |turns: &[(u8, Turn<u8>)]| turns.iter().map(|(item, _)| *item).collect::<Vec<_>>();
        assert_eq!(items(&turns), [1, 4, 5, 2], "four at once");
        drop(turns.remove(1));
        turns.extend(lines.take_turn());
        assert_eq!(items(&turns), [1, 5, 2, 6], "the third of the first client waits for its own");
        drop(turns.remove(3));
        assert!(lines.take_turn().is_none());
        drop(turns.remove(0));
        turns.extend(lines.take_turn());
        assert_eq!(items(&turns), [5, 2, 3]);
    }

    #[test]
    fn a_client_has_seats_while_as_many_are_free_so_that_some_are_left_for_others() {
        let lines = lines(&[]);
        let seats_of = |client: &str| -> Vec<_> { std::iter::from_fn(|| lines.admit(&id(client))).collect() };
        let first = seats_of("a");
        assert_eq!((first.len(), seats_of("b").len(), seats_of("c").len()), (6, 3, 2));
        let second = seats_of("b");
        assert_eq!((second.len(), seats_of("c").len()), (3, 2));
        drop(first);
        assert_eq!(seats_of("a").len(), 5);
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let lines = lines(&[]);
        let seat = lines.admit(&id("a"));
        lines.stand(&id("a"), 1);
        let turn = lines.take_turn();
        drop(seat);
        assert_eq!(lock(&lines.0).lines.len(), 1, "its turn goes on");
        drop(turn);
        assert_eq!(format!("{lines:?}"), "Lines { clients: 0, turns: 0, .. }");
        assert_eq!(lock(&lines.0).free_seats, BOUNDS.seats);
    }
}
