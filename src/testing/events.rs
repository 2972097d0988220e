//! An event sink that remembers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Reason;
use crate::event::{Event, EventKind, EventSink};

/// Keeps every event, in order.
#[derive(Debug, Default)]
pub struct RecordedEvents(Mutex<Vec<Event>>);

impl RecordedEvents {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The events so far.
    #[must_use]
    pub fn all(&self) -> Vec<Event> {
        self.events().clone()
    }

    /// The events so far, and forgets them.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events())
    }

    /// The reasons of the refusals so far.
    #[must_use]
    pub fn refusals(&self) -> Vec<Reason> {
        refusals(&self.events())
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for RecordedEvents {
    fn emit(&self, event: &Event) {
        self.events().push(event.clone());
    }
}

/// The reasons of the refusals among `events`.
#[must_use]
pub fn refusals(events: &[Event]) -> Vec<Reason> {
    let reason = |event: &Event| match event.kind {
        EventKind::Refused(reason) => Some(reason),
        _ => None,
    };
    events.iter().filter_map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::event::Endpoint;

    #[test]
    fn events_are_kept_in_order_until_taken() {
        let (events, now) = (RecordedEvents::new(), Timestamp::from_unix(0));
        events.emit(&Event::new(now, Endpoint::Token, EventKind::Refused(Reason::CodeExpired)));
        events.emit(&Event::new(now, Endpoint::Token, EventKind::Revoked));
        assert_eq!(events.refusals(), [Reason::CodeExpired]);
        assert_eq!(events.take().len(), 2);
        assert!(events.all().is_empty());
    }
}
