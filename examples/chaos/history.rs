//! What clients asked and were answered, in the order in which they were answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::time::Instant;

/// A text that many entries name.
pub(crate) type Text = Arc<str>;

/// One call of a client.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// When it was sent, since the history began.
    pub(crate) begun: Duration,
    /// When its answer was there, or it was given up.
    pub(crate) ended: Duration,
    /// What was asked.
    pub(crate) call: Call,
    /// What the client was told.
    pub(crate) answer: Answer,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A token for itself, by an assertion with this `jti`.
    Assert { jti: Text },
    /// A code, in a login session that ends what hangs on it, or in one that does not matter.
    Authorize { session: Option<Text> },
    /// A token for itself.
    Credentials,
    /// Whether an access token is active.
    Introspect { token: Text },
    /// The end of a login session.
    LogOut { session: Text },
    /// Tokens for a code.
    Redeem { code: Text },
    /// Tokens for a refresh token.
    Refresh { token: Text },
    /// The end of a token.
    Revoke { token: Text },
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Whether the token is active.
    Active(bool),
    /// The code.
    Code(Text),
    /// It is done.
    Done,
    /// This is broken: a 500, or an answer that no client understands.
    Fault(String),
    /// Nothing: the client hung up before the answer was there.
    HungUp,
    /// Nothing: the connection was gone, or the time over.
    Lost,
    /// No, with this `error`.
    Refused(String),
    /// The tokens.
    Tokens(Tokens),
    /// Come again: a 503 that says when.
    Unavailable,
}

/// What a token response holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: Text,
    pub(crate) refresh: Option<Text>,
    pub(crate) id: Option<Text>,
}

/// Where a refresh token stands: its family, which is a grant, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) grant: [u8; 16],
    pub(crate) seq: u64,
}

impl Place {
    /// Reads it out of the token: after the prefix come base64url of a layout, a secret's name, the grant, and the number.
    pub(crate) fn of(refresh_token: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(refresh_token.strip_prefix("vs_rt_")?).ok()?;
        let (grant, rest) = bytes.get(5..)?.split_first_chunk()?;
        Some(Self { grant: *grant, seq: u64::from_be_bytes(*rest.first_chunk()?) })
    }
}

/// A history that grows. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct History {
    began: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), entries: Arc::default() }
    }

    /// The time on its clock.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Notes what a call that began then was answered now.
    pub(crate) fn note(&self, begun: Duration, call: Call, answer: Answer) {
        let ended = self.now();
        self.entries().push(Entry { begun, ended, call, answer });
    }

    /// How many calls there were.
    pub(crate) fn len(&self) -> u64 {
        self.entries().len() as u64
    }

    /// All entries so far, which leave it.
    pub(crate) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.entries())
    }

    /// Those that `keep` chooses of all entries so far.
    pub(crate) fn collect<T>(&self, keep: impl FnMut(&Entry) -> Option<T>) -> Vec<T> {
        self.entries().iter().filter_map(keep).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
