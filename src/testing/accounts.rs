//! Accounts from a table.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::json;

use crate::accounts::{AccountQuery, Accounts};
use crate::error::BoxError;
use crate::types::{Claims, Subject};

/// People in a table: [`alice`](AccountTable::new), who has every standard claim, and whoever is added.
#[derive(Debug)]
pub struct AccountTable(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<Subject, Account>,
    failing: bool,
}

#[derive(Debug)]
struct Account {
    claims: Claims,
    disabled: bool,
}

impl AccountTable {
    /// A table with `alice`, who has every claim of OpenID Connect Core 1.0 section 5.1.
    #[must_use]
    pub fn new() -> Self {
        let table = Self(Mutex::default());
        if let Ok(alice) = Subject::new("alice") {
            table.insert(alice, alice_claims());
        }
        table
    }

    /// Adds a person, or replaces one, who can sign in.
    pub fn insert(&self, subject: Subject, claims: Claims) {
        self.state().accounts.insert(subject, Account { claims, disabled: false });
    }

    /// Disables the person of this name; nothing when there is none.
    pub fn disable(&self, subject: &str) {
        self.switch(subject, true);
    }

    /// Enables the person of this name again.
    pub fn enable(&self, subject: &str) {
        self.switch(subject, false);
    }

    /// Lets every question fail from here on, until it is called with `false`.
    pub fn fail(&self, failing: bool) {
        self.state().failing = failing;
    }

    fn switch(&self, subject: &str, disabled: bool) {
        let mut state = self.state();
        let account = state.accounts.iter_mut().find(|(name, _)| name.as_str() == subject);
        if let Some((_, account)) = account {
            account.disabled = disabled;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for AccountTable {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Accounts for AccountTable {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        let state = self.state();
        if state.failing {
            return Err("the table of accounts was told to fail".into());
        }
        let account = state.accounts.get(query.subject).filter(|account| !account.disabled);
        Ok(account.map(|account| account.claims.clone()))
    }
}

/// Every standard claim but `sub`.
fn alice_claims() -> Claims {
    Claims::new()
        .with("name", "Alice Liddell")
        .with("given_name", "Alice")
        .with("family_name", "Liddell")
        .with("middle_name", "Pleasance")
        .with("nickname", "ali")
        .with("preferred_username", "alice")
        .with("profile", "https://people.example/alice")
        .with("picture", "https://people.example/alice.png")
        .with("website", "https://alice.example")
        .with("email", "alice@people.example")
        .with("email_verified", true)
        .with("gender", "female")
        .with("birthdate", "1852-05-04")
        .with("zoneinfo", "Europe/London")
        .with("locale", "en-GB")
        .with("phone_number", "+44 1865 276150")
        .with("phone_number_verified", true)
        .with("address", alice_address())
        .with("updated_at", 1_700_000_000)
}

fn alice_address() -> serde_json::Value {
    json!({
        "formatted": "St Aldate's\nOxford\nOX1 1DP\nUnited Kingdom",
        "street_address": "St Aldate's",
        "locality": "Oxford",
        "region": "Oxfordshire",
        "postal_code": "OX1 1DP",
        "country": "United Kingdom",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::testing::block_on;
    use crate::types::{ClientId, Scope, scope_claims};

    fn claims(table: &AccountTable, subject: &str) -> Result<Option<Claims>, BoxError> {
        let (subject, client) = (Subject::new(subject).unwrap(), ClientId::new("web").unwrap());
        let scope = Scope::empty();
        block_on(table.claims(AccountQuery::new(&subject, &client, &scope, Timestamp::from_unix(0))))
    }

    #[test]
    fn alice_has_every_standard_claim() {
        let alice = claims(&AccountTable::new(), "alice").unwrap().unwrap();
        for name in ["profile", "email", "address", "phone"].into_iter().flat_map(scope_claims) {
            assert!(alice.value(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_disabled_or_unknown_person_is_gone() {
        let table = AccountTable::new();
        table.disable("alice");
        assert_eq!(claims(&table, "alice").unwrap(), None);
        assert_eq!(claims(&table, "bob").unwrap(), None);
        table.enable("alice");
        assert!(claims(&table, "alice").unwrap().is_some());
        table.fail(true);
        assert!(claims(&table, "alice").is_err());
    }
}
