//! What must hold of the rows, by themselves and beside the history.

use std::collections::BTreeMap;

use vouchsafe::secret::TokenHash;

use super::super::rows::Rows;
use super::known::Known;
use super::{Allowed, Violation};

pub(super) fn check(known: &Known<'_>, rows: &Rows, allowed: Allowed, found: &mut Vec<Violation>) {
    sets(known, rows, allowed, found);
    tokens(rows, found);
    heads(known, rows, found);
    acknowledged(known, rows, allowed, found);
}

/// Invariant 1: tokens of a code only where the code is used, and then all of them: an access token and a family, unless
/// somebody did not ask for `offline_access`. And one set, also where no client has heard of the first.
fn sets(known: &Known<'_>, rows: &Rows, allowed: Allowed, found: &mut Vec<Violation>) {
    let mut tokens = BTreeMap::<&[u8], usize>::new();
    for token in rows.tokens.values() {
        *tokens.entry(&token.grant).or_default() += 1;
    }
    for code in &rows.codes {
        let count = tokens.get(&*code.grant).copied().unwrap_or_default();
        let has_tokens = count > 0;
        let refreshed =
            <[u8; 16]>::try_from(&*code.grant).is_ok_and(|grant| known.presented.contains_key(&grant));
        if count > 1 && !refreshed {
            found.push(Violation::new(1, format!("there are {count} sets of tokens of one code")));
        }
        let has_family = rows.grants.get(&code.grant).is_some_and(|grant| grant.head.is_some());
        if (has_tokens || has_family) && !code.used {
            found.push(Violation::new(1, "there are tokens of a code that was not used"));
        }
        if has_family && !has_tokens && !allowed.expiry {
            found.push(Violation::new(1, "there is a refresh token without its access token"));
        }
        if has_tokens && !has_family && !allowed.sessions {
            found.push(Violation::new(1, "there is an access token without its refresh token"));
        }
    }
}

/// Invariant 3.
fn tokens(rows: &Rows, found: &mut Vec<Violation>) {
    for token in rows.tokens.values() {
        match rows.grants.get(&token.grant) {
            None => found.push(Violation::new(3, "an access token has no grant")),
            Some(grant) if grant.client != token.client => {
                found.push(Violation::new(3, "an access token is of another client than its grant"));
            }
            Some(grant) if grant.expires_at < token.expires_at => {
                found.push(Violation::new(3, "an access token outlives its grant"));
            }
            Some(_) => {}
        }
    }
}

/// Invariant 2: the head is what was given last, or one more where that was not heard of.
fn heads(known: &Known<'_>, rows: &Rows, found: &mut Vec<Violation>) {
    for place in known.given.keys() {
        let Some(grant) = rows.grants.get(&place.grant[..]) else { continue };
        let Some(head) = grant.head else {
            found.push(Violation::new(2, "a refresh token was given whose family is not there"));
            continue;
        };
        let highest = known.presented.get(&place.grant).map_or(0, |presented| presented + 1);
        if !grant.revoked && !(place.seq..=highest.max(place.seq)).contains(&head) {
            found.push(Violation::new(2, format!("the head is {head}, {} was given", place.seq)));
        }
    }
}

/// Invariant 5: what was given is there.
fn acknowledged(known: &Known<'_>, rows: &Rows, allowed: Allowed, found: &mut Vec<Violation>) {
    for access in known.access.keys().filter(|token| token.starts_with("vs_at_")) {
        let there = rows.tokens.contains_key(&TokenHash::of(access).as_bytes()[..]);
        if !there && !allowed.expiry {
            found.push(Violation::new(
                5,
                format!("{access} was given to a client and is not in the database"),
            ));
        }
    }
}
