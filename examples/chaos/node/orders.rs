//! What a node is told: once when it starts, and whenever it is to misbehave otherwise.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a node starts. It comes as one line of JSON on standard input, since it holds secrets.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Setup {
    /// The issuer, which all nodes share.
    pub(crate) issuer: String,
    /// The port of the loopback address to answer at.
    pub(crate) port: u16,
    /// The URL of the database, or of what stands between.
    pub(crate) database: String,
    /// Most connections to it.
    pub(crate) connections: u32,
    /// The part of the database that belongs to the scenario.
    pub(crate) namespace: String,
    /// The system secrets, as `SystemSecrets::export` writes them.
    pub(crate) system_secrets: String,
    /// The signing keys, as `Keyring::export` writes them.
    pub(crate) signing_keys: String,
    /// What the confidential clients authenticate with.
    pub(crate) client_secret: String,
    /// The public key of the client that signs its assertions, as a key set.
    pub(crate) client_keys: serde_json::Value,
}

/// How a node misbehaves from now on, until it is told otherwise. The default is not at all.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct Orders {
    /// The process dies at this failpoint. They are counted from now: 0 is before the next call of a store, 1 after it, 2
    /// before the one after that.
    pub(crate) dies_at: Option<u64>,
    /// At one failpoint of so many a panic begins. 0 is never.
    pub(crate) panics_one_in: u64,
    /// Every call of a store takes so much longer.
    pub(crate) store_delay_ms: u64,
    /// The random source fails.
    pub(crate) entropy_fails: bool,
    /// Every second draw from the random source is the one before again.
    pub(crate) entropy_repeats: bool,
    /// How far its clock is off, in seconds.
    pub(crate) clock_offset: i64,
    /// How often it sweeps the stores. 0 is never.
    pub(crate) sweeps_every_ms: u64,
    /// System secrets to use instead of those it started with.
    pub(crate) system_secrets: Option<String>,
    /// It moves what is stored to the first of them before it answers.
    pub(crate) reseals: bool,
}

/// They may hold secrets.
impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orders").finish_non_exhaustive()
    }
}

/// What a node tells of itself when it is given orders.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Told {
    /// Calls of stores since it started.
    pub(crate) calls: u64,
    /// Faults that were injected into it since it started.
    pub(crate) faults: u64,
    /// Rows that it has swept.
    pub(crate) swept: u64,
    /// Rows that it has moved to another system secret.
    pub(crate) resealed: u64,
}
