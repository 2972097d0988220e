//! The scripts: one for each verb that writes, so that it happens as a whole or not at all.
//!
//! Each begins with `#!lua`: a server that has become a replica, or whose memory is full, then refuses the whole script
//! and not its first write, so that nobody is told what a replica has not heard of yet. Those that only read or remove
//! are run with a full memory too.

use std::sync::OnceLock;

use redis::Cmd;

/// A script, sent by the hash of its text as long as the server knows it.
pub(super) struct Script {
    text: &'static str,
    hash: OnceLock<String>,
    effect: Effect,
}

/// What a script may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Writes,
}

pub(super) static BY_USER_CODE: Script = Script::new(include_str!("scripts/by_user_code.lua"), Effect::Reads);
pub(super) static CONSUME_CODE: Script =
    Script::new(include_str!("scripts/consume_code.lua"), Effect::Writes);
pub(super) static DECIDE: Script = Script::new(include_str!("scripts/decide.lua"), Effect::Writes);
pub(super) static FIELDS: Script = Script::new(include_str!("scripts/fields.lua"), Effect::Reads);
pub(super) static FIRST_USE: Script = Script::new(include_str!("scripts/first_use.lua"), Effect::Writes);
pub(super) static INITIALIZE: Script = Script::new(include_str!("scripts/initialize.lua"), Effect::Writes);
pub(super) static INSERT: Script = Script::new(include_str!("scripts/insert.lua"), Effect::Writes);
pub(super) static INSERT_DEFERRED: Script =
    Script::new(include_str!("scripts/insert_deferred.lua"), Effect::Writes);
pub(super) static POLL: Script = Script::new(include_str!("scripts/poll.lua"), Effect::Writes);
pub(super) static SCAN: Script = Script::new(include_str!("scripts/scan.lua"), Effect::Reads);
pub(super) static SWEEP: Script = Script::new(include_str!("scripts/sweep.lua"), Effect::Writes);
pub(super) static TAKE: Script = Script::new(include_str!("scripts/take.lua"), Effect::Writes);

impl Script {
    const fn new(text: &'static str, effect: Effect) -> Self {
        Self { text, hash: OnceLock::new(), effect }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| redis::Script::new(self.text).get_hash().to_owned())
    }
}

/// A script with what it is given.
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

impl Call {
    pub(super) const fn new(script: &'static Script) -> Self {
        Self { script, keys: Vec::new(), args: Vec::new() }
    }

    pub(super) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(super) fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    pub(super) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| arg.as_bytes().to_vec()));
        self
    }

    /// A field of a row, and its value.
    pub(super) fn field(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.arg(name).arg(value)
    }

    pub(super) const fn effect(&self) -> Effect {
        self.script.effect
    }

    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", self.script.hash())
    }

    /// With its text, by which the server knows it from now on.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.args);
        command
    }
}
