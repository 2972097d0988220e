//! What a handler is told of the request that it works on.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use zeroize::Zeroizing;

use super::authorization_details::DetailsTypes;
use super::comeback::Comeback;
use super::config::Config;
use super::core::Core;
use super::subject;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::entropy::{Entropy, EntropyError};
use crate::error::{Error, Result};
use crate::event::{Endpoint, Event, EventKind, EventSink};
use crate::secret::SystemSecrets;
use crate::store::Grant;
use crate::types::{GrantId, Subject};

/// One request from its arrival to its answer. Endpoint functions make it; everything else sees its [`Context`].
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    core: &'a Core,
    now: Timestamp,
    endpoint: Endpoint,
    entropy: Pool<'a>,
    known: Known,
}

impl<'a> Arrival<'a> {
    /// A request that arrives at `endpoint` now: the one time that the clock is read for it.
    pub(crate) fn at(endpoint: Endpoint, core: &'a Core) -> Self {
        let entropy = Pool { source: &*core.entropy, drawn: Mutex::default() };
        Self { core, now: core.clock.now(), endpoint, entropy, known: Known::default() }
    }

    /// What the functions below the endpoint are given.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: self.now,
            config: &self.core.config,
            entropy: &self.entropy,
            secrets: &self.core.secrets,
            endpoint: self.endpoint,
            details: &self.core.details,
            events: &*self.core.events,
            known: &self.known,
            comeback: &self.core.comeback,
        }
    }
}

/// One request: its time, its randomness, and the configuration.
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
    pub(super) details: &'a DetailsTypes,
    events: &'a dyn EventSink,
    known: &'a Known,
    pub(super) comeback: &'a Comeback,
}

impl<'a> Context<'a> {
    /// The issuer, as it stands in every `iss`.
    #[must_use]
    pub fn issuer(&self) -> &'a str {
        self.config.issuer.as_str()
    }

    /// The `sub` by which `client` knows a person (OpenID Connect Core 1.0 section 8): what goes out to a client, where
    /// the host's own formats and grants name somebody.
    #[must_use]
    pub fn sub(&self, client: &Client, subject: &Subject) -> String {
        subject::of_person(self, client, subject)
    }

    /// Notes which client the request concerns; the first note stays. Events of the request then name it.
    pub fn note_client(&self, client: &Client) {
        self.known.client.get_or_init(|| client.clone());
    }

    /// Notes which grant the request concerns, and whose it is; the first note stays.
    pub fn note_grant(&self, grant: &Grant) {
        self.note_grant_id(grant.id);
        if let Some(authentication) = &grant.authentication {
            self.known.subject.get_or_init(|| authentication.subject.clone());
        }
    }

    /// Notes which grant the request concerns, where no more is known of it.
    pub(crate) fn note_grant_id(&self, grant: GrantId) {
        self.known.grant.get_or_init(|| grant);
    }

    /// The client that was noted.
    pub(crate) fn noted_client(&self) -> Option<&'a Client> {
        self.known.client.get()
    }

    /// Notes the nonce that the client is to use in its next DPoP proof; the first note stays.
    pub(crate) fn note_dpop_nonce(&self, nonce: String) {
        self.known.dpop_nonce.get_or_init(|| nonce);
    }

    /// The nonce that was noted.
    pub(crate) fn noted_dpop_nonce(&self) -> Option<&'a str> {
        self.known.dpop_nonce.get().map(String::as_str)
    }

    /// An event of this request: its time and endpoint, what was noted, and what happened.
    #[must_use]
    pub fn event(&self, kind: EventKind) -> Event {
        let mut event = Event::new(self.now, self.endpoint, kind);
        event.client = self.known.client.get().map(|client| client.id().clone());
        event.subject = self.known.subject.get().cloned();
        event.grant = self.known.grant.get().copied();
        event
    }

    /// Tells the event sink.
    pub fn emit(&self, event: &Event) {
        self.events.emit(event);
    }

    /// Tells the event sink that the request is refused, and what was behind it.
    pub(crate) fn report(&self, error: &Error) {
        self.emit_caused(&self.event(EventKind::Refused(error.reason())), error);
    }

    /// What came of the request, once the event sink was told if it is refused.
    pub(crate) fn reported<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| self.report(error))
    }

    /// Tells the event sink, and what was behind `error` if anything was.
    pub(crate) fn emit_caused(&self, event: &Event, error: &dyn std::error::Error) {
        self.events.emit(event);
        if let Some(cause) = error.source() {
            self.events.cause(event, cause);
        }
    }
}

/// What has been learned of a request, for its events.
#[derive(Debug, Default)]
struct Known {
    client: OnceLock<Client>,
    subject: OnceLock<Subject>,
    grant: OnceLock<GrantId>,
    dpop_nonce: OnceLock<String>,
}

/// Random bytes that are drawn at once: those of one access token under a new grant, and some to spare.
const POOL_BYTES: usize = 128;

/// The randomness of one request: asking the system is dear, so small needs are met from one drawing.
///
/// Every byte is handed out once, and wiped with the request.
struct Pool<'a> {
    source: &'a dyn Entropy,
    drawn: Mutex<Drawn>,
}

struct Drawn {
    bytes: Zeroizing<[u8; POOL_BYTES]>,
    used: usize,
}

impl Default for Drawn {
    fn default() -> Self {
        Self { bytes: Zeroizing::new([0; POOL_BYTES]), used: POOL_BYTES }
    }
}

impl Entropy for Pool<'_> {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        if dest.len() > POOL_BYTES {
            return self.source.fill(dest);
        }
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.used + dest.len() > POOL_BYTES {
            // Until the source has delivered there is nothing to hand out.
            drawn.used = POOL_BYTES;
            self.source.fill(&mut *drawn.bytes)?;
            drawn.used = 0;
        }
        let (from, to) = (drawn.used, drawn.used + dest.len());
        dest.copy_from_slice(&drawn.bytes[from..to]);
        drawn.used = to;
        Ok(())
    }
}

impl fmt::Debug for Pool<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

    use super::*;

    /// Counts calls, and never gives a byte of the same value twice in a row.
    #[derive(Debug, Default)]
    struct Counted {
        calls: AtomicUsize,
        next: AtomicU8,
    }

    impl Entropy for Counted {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            for byte in dest {
                *byte = self.next.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Broken;

    impl Entropy for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
            Err(EntropyError)
        }
    }

    #[test]
    fn bytes_of_one_drawing_are_handed_out_once() {
        let source = Counted::default();
        let pool = Pool { source: &source, drawn: Mutex::default() };
        let mut seen = Vec::new();
        for length in [16, 32, 24, 24, 32] {
            let mut bytes = vec![0; length];
            pool.fill(&mut bytes).unwrap();
            seen.extend(bytes);
        }
        assert_eq!(seen, (0..128).collect::<Vec<u8>>());
        assert_eq!(source.calls.load(Ordering::Relaxed), 1);
        pool.fill(&mut [0; 1]).unwrap();
        pool.fill(&mut [0; POOL_BYTES + 1]).unwrap();
        assert_eq!(source.calls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_source_that_fails_hands_out_nothing() {
        let pool = Pool { source: &Broken, drawn: Mutex::default() };
        for _ in 0..2 {
            assert_eq!(pool.fill(&mut [0; 16]), Err(EntropyError));
        }
    }
}
