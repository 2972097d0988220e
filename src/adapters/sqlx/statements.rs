//! The statements, as plain text: which there are. What they say stands with each database.
//!
//! `$1` is the namespace everywhere. A verb gives the same values to all of its statements; each takes those that it
//! names.

use std::fmt::Write as _;

use super::value::Value;
use crate::store::{Filter, RowKind};

/// A statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    sql: &'static str,
    /// Which values it takes, counted from zero, where it does not number them itself.
    order: Option<&'static [usize]>,
}

impl Text {
    /// A statement for a database that knows numbers: `$1` and so on.
    pub(super) const fn numbered(sql: &'static str) -> Self {
        Self { sql, order: None }
    }

    /// The same for a database that knows only `?`, which takes one value after the other.
    ///
    /// What this makes is kept until the process ends: it is for the statements of a program, once each.
    pub(super) fn positional(numbered: &str) -> Self {
        let (mut sql, mut order) = (String::with_capacity(numbered.len()), Vec::new());
        let mut pieces = numbered.split('$');
        sql.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
            let (number, rest) = piece.split_at(end);
            let number: usize = number.parse().unwrap_or_default();
            order.push(number.saturating_sub(1));
            let _written = write!(sql, "?{rest}");
        }
        Self { sql: String::leak(sql), order: Some(Vec::leak(order)) }
    }

    pub(super) const fn sql(&self) -> &'static str {
        self.sql
    }

    /// The values of a verb as this statement takes them.
    pub(super) fn order<'q>(&self, values: &[Value<'q>]) -> impl Iterator<Item = Value<'q>> {
        let count = self.order.map_or(values.len(), <[usize]>::len);
        let at = |n| self.order.map_or(Some(n), |order| order.get(n).copied());
        (0..count).filter_map(move |n| values.get(at(n)?).copied())
    }
}

/// A write of one row that has to be as the verb demands, and what is told of the row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guarded {
    /// One statement, which answers with the row in any case; the column `won` is 1 if it was written.
    AtOnce(Text),
    /// A write that answers with the row; `look` is for the case that it did not.
    Returning { write: Text, look: Text },
    /// A write that says how many rows it concerned, and a look at the row in any case: at columns that never change, or
    /// never again.
    Counted { write: Text, look: Text },
    /// In one transaction: a look that locks the row, whose column `won` is 1 if it is to be written, then the write.
    Locked { look: Text, write: Text },
}

/// A write where there is no row, or over one that it may write over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Upsert {
    /// One statement.
    AtOnce(Text),
    /// An insertion, and a write that concerns one row or none where the key exists.
    InsertOrUpdate { insert: Text, update: Text },
}

/// How tokens are inserted and refresh tokens used.
///
/// The values are the same for all: the grant `$2`, the moment `$5`, the new idle limit `$4`, and the access token from `$6` to
/// `$10`, NULL where there is none. `$3` is the key of a new family; or the sequence number presented, and then `$11` says
/// whether the head moves on, and `$12` is the earliest rotation after which its predecessor is in grace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Families {
    /// One statement each.
    HeadFirst(HeadFirst),
    /// Several statements.
    InSteps(Steps),
}

/// One statement for each, of which `insert_token` and `use_other` say in the column `outcome` what they have decided. The
/// others answer with a row if they have written.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadFirst {
    pub(super) insert_token: Text,
    pub(super) begin_family: Text,
    pub(super) use_head: Text,
    /// For a refresh token that was not the head: decides as `RefreshUse::outcome` does.
    pub(super) use_other: Text,
}

/// Guarded writes, and a look at the grant's row for when one of them wrote nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// Inserts the token if its grant takes it.
    pub(super) insert_token: Text,
    /// Inserts the token, in a transaction that has written to its grant or locked it.
    pub(super) add_token: Text,
    pub(super) begin_family: Text,
    /// Moves the head from `$3`, below the largest number that a column holds, to the next.
    pub(super) rotate: Text,
    pub(super) keep: Text,
    /// Reads the grant, and locks it where others could write meanwhile.
    pub(super) lock: Text,
    /// Revokes the grant, in a transaction that has locked it.
    pub(super) revoke: Text,
}

/// One text for each filter; `$2` and `$3` are what it names, and `$4` is the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByFilter {
    pub(super) id: Text,
    pub(super) client: Text,
    pub(super) session: Text,
    pub(super) subject: Text,
    pub(super) subject_and_client: Text,
}

impl ByFilter {
    pub(super) const fn text(&self, of: &Filter) -> &Text {
        match of {
            Filter::Id(_) => &self.id,
            Filter::Client(_) => &self.client,
            Filter::Session(_) => &self.session,
            Filter::Subject(_) => &self.subject,
            Filter::SubjectAndClient(..) => &self.subject_and_client,
        }
    }
}

/// What it takes to move the payloads of a table to another system secret, in the order of its primary key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resealing {
    /// `$3` rows behind the key that begins at `$4`, each with its payload if it was sealed under `$2`.
    pub(super) page: Text,
    /// Puts the secret `$2` and the payload `$3` in the place of `$4` and `$5` in the row whose key begins at `$6`.
    pub(super) replace: Text,
}

/// The same for each table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reseals {
    pub(super) clients: Resealing,
    pub(super) codes: Resealing,
    pub(super) consents: Resealing,
    pub(super) deferred: Resealing,
    /// Grants and tokens: the id of a grant is its name.
    pub(super) issued: Resealing,
    pub(super) tickets: Resealing,
}

impl Reseals {
    /// Of the table that this kind stands for.
    pub(super) const fn of(&self, table: RowKind) -> &Resealing {
        match table {
            RowKind::Client => &self.clients,
            RowKind::Code => &self.codes,
            RowKind::Consent => &self.consents,
            RowKind::Deferred => &self.deferred,
            RowKind::Ticket => &self.tickets,
            RowKind::Grant | RowKind::KeySet | RowKind::Token => &self.issued,
        }
    }
}

/// Every statement of the stores.
#[derive(Debug)]
pub(super) struct Statements {
    /// Answers with a row if there is a table of versions.
    pub(super) schema_exists: Text,
    pub(super) schema_version: Text,
    /// The `name` and the `value` of each setting by which the database may lose what it has acknowledged, as texts.
    pub(super) lossy_settings: Text,

    pub(super) insert_code: Text,
    pub(super) consume_code: Guarded,

    /// Inserts a grant, or a token with the grant that it brings along: the kind is `$2`.
    pub(super) insert_grant: Text,
    pub(super) grant: Text,
    /// A page of grants, with revoked ones if `$7`, behind the id `$5`.
    pub(super) grants: ByFilter,
    pub(super) revoke: ByFilter,
    /// Revokes at most `$5` grants.
    pub(super) revoke_some: ByFilter,

    pub(super) families: Families,
    /// A token that is active, under a grant that is.
    pub(super) access_token: Text,
    /// Revokes a token, and the grant in its row if it brought one along.
    pub(super) revoke_token: Text,

    /// Writes a consent where there is none, or over one that has expired at `$8`. The version is
    /// `ConsentRecord::next_version`; `$4` is that of a first writing.
    pub(super) remember_first: Upsert,
    /// Writes over the consent whose version is `$8`.
    pub(super) remember_again: Text,
    pub(super) remembered: Text,
    pub(super) consents_of_client: Text,
    pub(super) consents_of_subject: Text,
    pub(super) forget: Text,

    /// Writes a use where there is none, or over one whose time is over at `$5`.
    pub(super) first_use: Upsert,

    pub(super) put: Text,
    pub(super) get: Text,
    pub(super) take: Guarded,

    /// Where requests about one subject are inserted one after the other only if something is locked first: writes the
    /// row of the subject `$5`, which lasts as long as the request.
    pub(super) lock_subject: Option<Text>,
    /// Inserts a request unless `$12` of its client, or `$13` of all, wait for its subject `$5` at `$11`.
    pub(super) insert_deferred: Text,
    pub(super) deferred: Text,
    pub(super) by_user_code: Text,
    pub(super) decide: Text,
    /// Takes note of a poll at `$4`: one that comes too early adds `$5` to the pace, up to `$6`.
    pub(super) poll: Guarded,

    pub(super) register: Text,
    pub(super) registered: Text,
    /// Writes over the client whose version is `$3`.
    pub(super) replace_registered: Guarded,
    pub(super) unregister: Text,
    /// A page of clients behind the id `$2`.
    pub(super) registered_clients: Text,

    pub(super) key_set: Text,
    /// Inserts the key set, or fails because there is one.
    pub(super) insert_key_set: Text,
    /// Writes over the key set whose version is `$2`.
    pub(super) replace_key_set: Guarded,

    pub(super) reseal: Reseals,
    pub(super) reseal_key_set: Text,

    /// Removes `$3` rows at most whose end is not after `$2`, from one table each.
    pub(super) sweep: &'static [Text],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::sqlx::value::values;

    #[test]
    fn a_number_that_comes_twice_is_given_twice() {
        let text = Text::positional("SELECT $2, $10 FROM a WHERE b = $2 AND c > $1");
        assert_eq!(text.sql(), "SELECT ?, ? FROM a WHERE b = ? AND c > ?");
        let values = values![1_i64, 2_i64, 3_i64, 4_i64, 5_i64, 6_i64, 7_i64, 8_i64, 9_i64, 10_i64];
        let order: Vec<_> = text.order(&values).map(|value| format!("{value:?}")).collect();
        let expected = values![2_i64, 10_i64, 2_i64, 1_i64].map(|value| format!("{value:?}"));
        assert_eq!(order, expected);
    }

    #[test]
    fn a_numbered_statement_takes_the_values_as_they_come() {
        let values = values![1_i64, 2_i64];
        assert_eq!(Text::numbered("SELECT $2, $1").order(&values).count(), 2);
    }
}
