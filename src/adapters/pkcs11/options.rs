//! Which token, and how it is used.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// Sessions that are open at once.
const SESSIONS: usize = 4;

/// How long a caller waits for the token.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Which token of which module a [`Pkcs11Token`](super::Pkcs11Token) is, and how it is used.
#[derive(Clone)]
#[must_use]
pub struct Pkcs11Options {
    pub(super) module: PathBuf,
    pub(super) token: String,
    pub(super) pin: Secret,
    pub(super) sessions: usize,
    pub(super) timeout: Duration,
}

impl Pkcs11Options {
    /// The token with this label, reached through the module at this path, and the PIN of its user.
    pub fn new(module: impl Into<PathBuf>, token: impl Into<String>, pin: Secret) -> Self {
        Self { module: module.into(), token: token.into(), pin, sessions: SESSIONS, timeout: TIMEOUT }
    }

    /// How many sessions are open at once at most, hence how many signatures are made at once; default 4, at least 1.
    pub const fn with_sessions(mut self, sessions: usize) -> Self {
        self.sessions = if sessions == 0 { 1 } else { sessions };
        self
    }

    /// How long a caller waits for the token at most; default 3 seconds. A call that takes longer goes on, and keeps its
    /// session until it ends.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// Leaves out the PIN.
impl fmt::Debug for Pkcs11Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Options")
            .field("module", &self.module)
            .field("token", &self.token)
            .field("sessions", &self.sessions)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
