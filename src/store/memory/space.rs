//! What one namespace holds.

use std::collections::{BTreeMap, HashMap};

use super::consent::Consents;
use super::deferred::Deferred;
use super::grant::Grants;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::secret::TokenHash;
use crate::store::{CodeRecord, StoredClient, StoredKeySet, SubjectKey, TicketRecord, TokenRecord};
use crate::types::{ClientId, GrantId};

#[derive(Clone, Default, PartialEq)]
pub(super) struct Space {
    pub(super) clients: HashMap<ClientId, Client>,
    pub(super) codes: HashMap<TokenHash, Code>,
    pub(super) consents: Consents,
    pub(super) deferred: Deferred,
    pub(super) grants: Grants,
    pub(super) key_set: Option<StoredKeySet>,
    pub(super) registry: BTreeMap<ClientId, StoredClient>,
    pub(super) replays: HashMap<(&'static str, TokenHash), Timestamp>,
    pub(super) tickets: HashMap<TokenHash, TicketRecord>,
    pub(super) tokens: HashMap<TokenHash, Token>,
    pub(super) ends: Ends,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) record: CodeRecord,
    pub(super) usage: Usage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Unused,
    Used,
}

/// Where a token is. Boxed, so that the table stays small.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// In a row of its own.
    Own(Box<TokenRecord>),
    /// In the row of the grant that it brought along.
    OfGrant(GrantId),
}

/// The name of a row that has an end.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Row {
    Code(TokenHash),
    Consent(SubjectKey, ClientId),
    Deferred(TokenHash),
    Grant(GrantId),
    Replay(&'static str, TokenHash),
    Ticket(TokenHash),
    Token(TokenHash),
}

/// Which rows end when, so that sweeping looks at nothing else.
///
/// Every row that ends is listed at its end. A listed row may have been removed or renewed since.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Ends(BTreeMap<Timestamp, Vec<Row>>);

impl Ends {
    pub(super) fn add(&mut self, end: Timestamp, row: Row) {
        if end < Timestamp::NEVER {
            self.0.entry(end).or_default().push(row);
        }
    }

    /// Drops a row from the list, for rows that are renewed so often that the list would outgrow them.
    pub(super) fn remove(&mut self, end: Timestamp, row: &Row) {
        if let Some(rows) = self.0.get_mut(&end) {
            rows.retain(|listed| listed != row);
            if rows.is_empty() {
                self.0.remove(&end);
            }
        }
    }

    /// The next row whose listed end has come.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Row> {
        let mut first = self.0.first_entry()?;
        if !first.key().has_passed(now) {
            return None;
        }
        let row = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        row
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}
