//! What follows from a history: which token hangs on what, and what may have ended it, or has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use vouchsafe::secret::TokenHash;

use super::super::history::{Answer, Call, Entry, Place, Tokens};
use super::super::rows::Rows;
use super::{Allowed, GRACE};

/// The name of a grant, as its row has it.
type Grant = Vec<u8>;

/// Something that ends a grant or a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Which invariant is broken when something is active after it.
    pub(super) invariant: u8,
    /// From then on it may have happened.
    pub(super) begun: Duration,
    /// From then on it has; `Duration::MAX` where nobody was told.
    pub(super) answered: Duration,
}

/// What follows from a history.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    /// Access tokens, and when a client was given them first.
    pub(super) access: HashMap<&'a str, Duration>,
    grants: HashMap<&'a str, Grant>,
    grant_ends: HashMap<Grant, Vec<End>>,
    token_ends: HashMap<&'a str, Vec<End>>,
    /// The texts in which each refresh token was given.
    pub(super) given: BTreeMap<Place, BTreeSet<&'a str>>,
    /// The largest number that was presented in each family.
    pub(super) presented: BTreeMap<[u8; 16], u64>,
    /// Refresh tokens, and those that they were answered by.
    pub(super) steps: Vec<(Place, Place)>,
}

impl<'a> Known<'a> {
    pub(super) fn of(history: &'a [Entry], rows: &Rows, allowed: Allowed) -> Self {
        let mut known = Self::default();
        for entry in history {
            if let Answer::Tokens(tokens) = &entry.answer {
                known.given(entry, tokens, rows);
            }
        }
        known.replays(history, allowed);
        known.revocations(history);
        known.logouts(history);
        known.reuses(history);
        known
    }

    /// The grant that a token hangs on, where that is known.
    pub(super) fn grant_of(&self, token: &str) -> Option<Grant> {
        match Place::of(token) {
            Some(place) => Some(place.grant.to_vec()),
            None => self.grants.get(token).cloned(),
        }
    }

    /// Whether a client had been given an access token before then.
    pub(super) fn given_before(&self, token: &str, then: Duration) -> bool {
        self.access.get(token).is_some_and(|given| *given <= then)
    }

    /// Whether something may have ended a token by then.
    pub(super) fn may_have_ended(&self, grant: Option<Grant>, token: &str, by: Duration) -> bool {
        self.ends(grant, token).any(|end| end.begun <= by)
    }

    /// What has certainly ended a token before then.
    pub(super) fn has_ended(&self, grant: Option<Grant>, token: &str, before: Duration) -> Option<End> {
        self.ends(grant, token).find(|end| end.answered < before).copied()
    }

    fn ends(&self, grant: Option<Grant>, token: &str) -> impl Iterator<Item = &End> {
        let of_grant = grant.and_then(|grant| self.grant_ends.get(&grant));
        of_grant.into_iter().flatten().chain(self.token_ends.get(token).into_iter().flatten())
    }

    fn given(&mut self, entry: &'a Entry, tokens: &'a Tokens, rows: &Rows) {
        let place = tokens.refresh.as_deref().and_then(Place::of);
        let access = &*tokens.access;
        self.access.entry(access).or_insert(entry.ended);
        let row = rows.tokens.get(&TokenHash::of(access).as_bytes()[..]);
        if let Some(grant) =
            place.map(|place| place.grant.to_vec()).or_else(|| row.map(|row| row.grant.clone()))
        {
            self.grants.insert(access, grant);
        }
        let Some((text, place)) = tokens.refresh.as_deref().zip(place) else { return };
        self.given.entry(place).or_default().insert(text);
        if let Call::Refresh { token } = &entry.call
            && let Some(presented) = Place::of(token)
        {
            self.steps.push((presented, place));
        }
    }

    /// A code that is sent twice ends its grant.
    fn replays(&mut self, history: &'a [Entry], allowed: Allowed) {
        let mut sent = HashMap::<&str, Vec<&'a Entry>>::new();
        for entry in history {
            if let Call::Redeem { code } = &entry.call {
                sent.entry(code).or_default().push(entry);
            }
        }
        for calls in sent.into_values() {
            let mut begun: Vec<_> = calls.iter().map(|call| call.begun).collect();
            begun.sort_unstable();
            let (Some(second), Some(tokens)) = (begun.get(1), calls.iter().find_map(|call| tokens_of(call)))
            else {
                continue;
            };
            let told = calls
                .iter()
                .filter(|call| is_refused(&call.answer) && !allowed.expiry)
                .map(|call| call.ended)
                .min();
            let end = End { invariant: 1, begun: *second, answered: told.unwrap_or(Duration::MAX) };
            self.ends_what(&tokens.access, end);
        }
    }

    fn revocations(&mut self, history: &'a [Entry]) {
        for entry in history {
            let Call::Revoke { token } = &entry.call else { continue };
            let end = End { invariant: 4, begun: entry.begun, answered: answered(entry) };
            match Place::of(token) {
                Some(place) => self.grant_ends.entry(place.grant.to_vec()).or_default().push(end),
                None => self.token_ends.entry(token).or_default().push(end),
            }
        }
    }

    fn logouts(&mut self, history: &'a [Entry]) {
        let mut sessions = HashMap::<&str, Vec<&str>>::new();
        let mut redeemed = HashMap::<&str, &'a Tokens>::new();
        for entry in history {
            match (&entry.call, &entry.answer) {
                (Call::Authorize { session: Some(session) }, Answer::Code(code)) => {
                    sessions.entry(session).or_default().push(code);
                }
                (Call::Redeem { code }, Answer::Tokens(tokens)) => {
                    redeemed.insert(code, tokens);
                }
                _ => {}
            }
        }
        for entry in history {
            let Call::LogOut { session } = &entry.call else { continue };
            let end = End { invariant: 7, begun: entry.begun, answered: answered(entry) };
            for code in sessions.get(&**session).into_iter().flatten() {
                if let Some(tokens) = redeemed.get(code) {
                    self.ends_what(&tokens.access, end);
                }
            }
        }
    }

    /// A refresh token that comes after its successor was used, or long after it was used itself, ends its grant.
    fn reuses(&mut self, history: &[Entry]) {
        let mut families = BTreeMap::<[u8; 16], BTreeMap<u64, Vec<&Entry>>>::new();
        for entry in history {
            if let Call::Refresh { token } = &entry.call
                && let Some(place) = Place::of(token)
            {
                families.entry(place.grant).or_default().entry(place.seq).or_default().push(entry);
            }
        }
        for (grant, uses) in families {
            self.presented.insert(grant, uses.keys().next_back().copied().unwrap_or_default());
            // Backwards, so that it is known when a later token was first sent.
            let mut later = Duration::MAX;
            for calls in uses.values().rev() {
                let first = calls.iter().map(|call| call.begun).min().unwrap_or(Duration::MAX);
                for call in calls {
                    let begun = match (call.ended >= later, call.ended >= first.saturating_add(GRACE)) {
                        (true, _) => later.max(call.begun),
                        (false, true) => call.begun,
                        (false, false) => continue,
                    };
                    let end = End { invariant: 4, begun, answered: Duration::MAX };
                    self.grant_ends.entry(grant.to_vec()).or_default().push(end);
                }
                later = later.min(first);
            }
        }
    }

    fn ends_what(&mut self, access: &'a str, end: End) {
        match self.grant_of(access) {
            Some(grant) => self.grant_ends.entry(grant).or_default().push(end),
            None => self.token_ends.entry(access).or_default().push(end),
        }
    }
}

fn tokens_of(entry: &Entry) -> Option<&Tokens> {
    match &entry.answer {
        Answer::Tokens(tokens) => Some(tokens),
        _ => None,
    }
}

/// When it was certain that what was asked is done.
fn answered(entry: &Entry) -> Duration {
    if entry.answer == Answer::Done { entry.ended } else { Duration::MAX }
}

/// Whether a client was told that its code is no good: every code here is sound, so it was used, or has expired.
fn is_refused(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(why) if why.starts_with("invalid_grant"))
}
