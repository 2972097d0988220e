//! What is in the database at the end, as far as it can be read without the secrets: payloads stay sealed.

use std::collections::BTreeMap;

use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{PgPool, Row as _};
use vouchsafe::BoxError;

/// The kinds of rows in the table of what was issued.
const GRANT: i64 = 0;
const TOKEN: i64 = 1;

/// The rows of one scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) codes: Vec<CodeRow>,
    /// By the grant's name. A token that brought its grant along is among both.
    pub(crate) grants: BTreeMap<Vec<u8>, GrantRow>,
    /// By the hash of the token.
    pub(crate) tokens: BTreeMap<Vec<u8>, TokenRow>,
}

#[derive(Clone, Debug)]
pub(crate) struct CodeRow {
    pub(crate) grant: Vec<u8>,
    pub(crate) used: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct GrantRow {
    pub(crate) client: String,
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
    /// The sequence number of the head, where there is a family.
    pub(crate) head: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) grant: Vec<u8>,
    pub(crate) client: String,
    pub(crate) expires_at: i64,
}

/// A way to the database that no fault is on.
pub(crate) async fn direct(url: &str) -> Result<PgPool, BoxError> {
    Ok(PgPoolOptions::new().max_connections(2).connect(url).await?)
}

impl Rows {
    /// Reads all rows of a scenario.
    pub(crate) async fn read(pool: &PgPool, namespace: &str) -> Result<Self, BoxError> {
        let mut rows = Self::default();
        let codes = sqlx::query("SELECT grant_id, used_at FROM vouchsafe_codes WHERE namespace = $1");
        for row in codes.bind(namespace).fetch_all(pool).await? {
            let used: Option<i64> = row.try_get("used_at")?;
            rows.codes.push(CodeRow { grant: row.try_get("grant_id")?, used: used.is_some() });
        }
        let issued = sqlx::query(
            "SELECT CAST(kind AS BIGINT) AS kind, id, grant_id, client, expires_at, revoked_at, seq \
             FROM vouchsafe_issued WHERE namespace = $1",
        );
        for row in issued.bind(namespace).fetch_all(pool).await? {
            rows.add(&row)?;
        }
        Ok(rows)
    }

    fn add(&mut self, row: &PgRow) -> Result<(), BoxError> {
        let kind: i64 = row.try_get("kind")?;
        let (grant, client): (Vec<u8>, String) = (row.try_get("grant_id")?, row.try_get("client")?);
        let (expires_at, revoked_at): (i64, Option<i64>) =
            (row.try_get("expires_at")?, row.try_get("revoked_at")?);
        let seq: Option<i64> = row.try_get("seq")?;
        if kind != GRANT {
            let token = TokenRow { grant: grant.clone(), client: client.clone(), expires_at };
            self.tokens.insert(row.try_get("id")?, token);
        }
        if kind != TOKEN {
            let head = seq.map(u64::try_from).transpose()?;
            let row = GrantRow { client, expires_at, revoked: revoked_at.is_some(), head };
            self.grants.insert(grant, row);
        }
        Ok(())
    }
}
