//! The offline checker: do the answers that clients got, and the rows that are left, fit together?
//!
//! It knows nothing of how the provider works, only what must hold. Calls overlap, and an answer that was lost may have
//! been carried out or not; where several orders explain what was seen, the checker is content with one.
//!
//! | invariant | what must hold |
//! |---|---|
//! | 1 | a code is redeemed once; nothing of its grant is active once a replay was answered; no row is half of a set |
//! | 2 | the numbers of a family grow by one, there is one head, and nobody is logged out who did nothing wrong |
//! | 3 | an access token belongs to a grant that is there, to its client, and does not outlive it |
//! | 4 | what was revoked is not active |
//! | 5 | what a client was given is there and active, unless something ended it |
//! | 6 | an assertion is accepted once |
//! | 7 | nothing of a login session is active once a logout was answered |

mod known;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use self::known::Known;
use super::history::{Answer, Call, Entry};
use super::rows::Rows;

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which invariant; 0 for what no invariant is about, such as an answer that no client understands.
    pub(crate) invariant: u8,
    /// What was seen.
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn new(invariant: u8, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

/// What the scenario did that changes what must hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowed {
    /// Clocks were moved, so that things expire at any time.
    pub(crate) expiry: bool,
    /// Answers of 500 were asked for, by a panic or a random source that fails.
    pub(crate) faults: bool,
    /// System secrets changed, so that a refresh token that is given again may be written otherwise.
    pub(crate) rewritten: bool,
    /// Some logins did not ask for `offline_access`, so that their tokens end with their session.
    pub(crate) sessions: bool,
    /// Nodes were taken away, so that clients are told nothing.
    pub(crate) silence: bool,
    /// A node, the database or the way to it was taken away, so that clients are told to come again.
    pub(crate) unavailable: bool,
}

/// Everything that is wrong.
pub(crate) fn check(history: &[Entry], rows: &Rows, allowed: Allowed) -> Vec<Violation> {
    let known = Known::of(history, rows, allowed);
    let mut found = Vec::new();
    found.extend(history.iter().filter_map(|entry| told_wrong(entry, allowed)));
    codes(history, allowed, &mut found);
    families(&known, allowed, &mut found);
    refused_refreshes(history, &known, allowed, &mut found);
    introspections(history, &known, allowed, &mut found);
    assertions(history, &mut found);
    stored::check(&known, rows, allowed, &mut found);
    found
}

/// Answers that nobody may get, unless the scenario asks for them.
fn told_wrong(entry: &Entry, allowed: Allowed) -> Option<Violation> {
    let may_be = match (&entry.call, &entry.answer) {
        (_, Answer::Fault(_)) => allowed.faults,
        (_, Answer::Lost) => allowed.silence,
        (_, Answer::Unavailable) => allowed.unavailable,
        // Nothing is ever wrong with these.
        (
            Call::Authorize { .. }
            | Call::Credentials
            | Call::Introspect { .. }
            | Call::LogOut { .. }
            | Call::Revoke { .. },
            Answer::Refused(_),
        ) => false,
        _ => true,
    };
    (!may_be).then(|| Violation::new(0, format!("{:?} was answered {:?}", entry.call, entry.answer)))
}

/// Invariant 1: a code is redeemed once; and it is, where it was sent once.
fn codes(history: &[Entry], allowed: Allowed, found: &mut Vec<Violation>) {
    let mut redeemed = BTreeMap::<&str, (usize, Vec<&Answer>)>::new();
    for entry in history {
        if let Call::Redeem { code } = &entry.call {
            let (times, answers) = redeemed.entry(code).or_default();
            *times += usize::from(matches!(entry.answer, Answer::Tokens(_)));
            answers.push(&entry.answer);
        }
    }
    for (code, (times, answers)) in redeemed {
        if times > 1 {
            found.push(Violation::new(1, format!("{code} was redeemed {times} times")));
        }
        if allowed.expiry {
            continue;
        }
        match *answers {
            [Answer::Refused(why)] => {
                found.push(Violation::new(0, format!("{code} was new and was refused: {why}")));
            }
            // Somebody heard of nothing, and may be the one who has it.
            _ if !answers.iter().all(|answer| matches!(answer, Answer::Refused(_))) => {}
            _ if !answers.iter().any(|answer| is_overtaken(answer)) => {
                found.push(Violation::new(1, format!("all were too late for {code}")));
            }
            _ => {}
        }
    }
}

/// Whether a code was taken, but its grant was over before tokens of it were written: another that sent it was told that
/// it was too late.
pub(crate) fn is_overtaken(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(why) if why == "invalid_grant: the grant is not valid")
}

/// Invariant 2: the successor of a refresh token is one, and its number is one more.
fn families(known: &Known<'_>, allowed: Allowed, found: &mut Vec<Violation>) {
    for (place, texts) in &known.given {
        if texts.len() > 1 && !allowed.rewritten {
            found.push(Violation::new(2, format!("a family forks at {}", place.seq)));
        }
    }
    for (presented, given) in &known.steps {
        let follows =
            given.grant == presented.grant && (given.seq == presented.seq || given.seq == presented.seq + 1);
        if !follows {
            found.push(Violation::new(2, format!("{} was answered by {}", presented.seq, given.seq)));
        }
    }
}

/// Invariant 2: nobody is logged out who did nothing wrong.
fn refused_refreshes(history: &[Entry], known: &Known<'_>, allowed: Allowed, found: &mut Vec<Violation>) {
    for entry in history {
        let (Call::Refresh { token }, Answer::Refused(why)) = (&entry.call, &entry.answer) else { continue };
        let ended = known.may_have_ended(known.grant_of(token), token, entry.ended);
        if !ended && !allowed.expiry {
            found.push(Violation::new(
                2,
                format!("a refresh token was refused, though nothing ended it: {why}"),
            ));
        }
    }
}

/// Invariants 1, 4, 5 and 7: what is active, and what is not.
fn introspections(history: &[Entry], known: &Known<'_>, allowed: Allowed, found: &mut Vec<Violation>) {
    for entry in history {
        let (Call::Introspect { token }, Answer::Active(active)) = (&entry.call, &entry.answer) else {
            continue;
        };
        let grant = known.grant_of(token);
        if *active {
            if let Some(end) = known.has_ended(grant, token, entry.begun) {
                let what = format!(
                    "{token} was active {:?} after its end",
                    entry.begun.saturating_sub(end.answered)
                );
                found.push(Violation::new(end.invariant, what));
            }
        } else if known.given_before(token, entry.begun)
            && !known.may_have_ended(grant, token, entry.ended)
            && !allowed.expiry
        {
            found.push(Violation::new(
                5,
                format!("{token} was given to a client, nothing ended it, and it is not active"),
            ));
        }
    }
}

/// Invariant 6: an assertion is accepted once.
fn assertions(history: &[Entry], found: &mut Vec<Violation>) {
    let mut accepted = BTreeMap::<&str, usize>::new();
    for entry in history {
        if let (Call::Assert { jti }, Answer::Tokens(_)) = (&entry.call, &entry.answer) {
            *accepted.entry(jti).or_default() += 1;
        }
    }
    let twice = accepted.into_iter().filter(|(_, times)| *times > 1);
    found
        .extend(twice.map(|(jti, times)| {
            Violation::new(6, format!("the assertion {jti} was accepted {times} times"))
        }));
}

/// How long the predecessor of an unused head is answered.
const GRACE: Duration = Duration::from_secs(30);
