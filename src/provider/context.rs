//! What a handler is told of the request that it works on.

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::event::{Endpoint, Event, EventKind, EventSink};
use crate::secret::SystemSecrets;

use super::config::Config;

/// One request: its time, its randomness, and the configuration. Made once, at the endpoint.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Context<'a> {
    /// When the request arrived; everything is decided by this.
    pub now: Timestamp,
    /// The configuration.
    pub config: &'a Config,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// The deployment's secrets.
    pub secrets: &'a SystemSecrets,
    /// The endpoint that was asked.
    pub endpoint: Endpoint,
    events: &'a dyn EventSink,
}

impl<'a> Context<'a> {
    pub(crate) fn new(core: &'a super::core::Core, endpoint: Endpoint) -> Self {
        Self {
            now: core.clock.now(),
            config: &core.config,
            entropy: &*core.entropy,
            secrets: &core.secrets,
            endpoint,
            events: &*core.events,
        }
    }

    /// The issuer, as it stands in every `iss`.
    #[must_use]
    pub fn issuer(&self) -> &'a str {
        self.config.issuer.as_str()
    }

    /// An event of this request: its time and endpoint, and what happened.
    #[must_use]
    pub const fn event(&self, kind: EventKind) -> Event {
        Event::new(self.now, self.endpoint, kind)
    }

    /// Tells the event sink.
    pub fn emit(&self, event: &Event) {
        self.events.emit(event);
    }
}
