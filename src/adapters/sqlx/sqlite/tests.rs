use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::{SqliteStore, statements};
use crate::store::{Filter, SessionKey, SubjectKey};
use crate::types::{ClientId, GrantId};

fn filters() -> [Filter; 5] {
    let client = ClientId::new("client").unwrap();
    let subject = SubjectKey::from_bytes([1; 32]);
    [
        Filter::Id(GrantId::from_bytes([1; 16])),
        Filter::Client(client.clone()),
        Filter::Session(SessionKey::from_bytes([1; 32])),
        Filter::Subject(subject),
        Filter::SubjectAndClient(subject, client),
    ]
}

/// Every statement that concerns the rows of a key, a filter or an end.
fn all() -> Vec<&'static str> {
    let mut all = vec![
        statements::INSERT_CODE,
        statements::CONSUME_CODE,
        statements::CODE,
        statements::INSERT_GRANT,
        statements::INSERT_TOKEN,
        statements::BEGIN_FAMILY,
        statements::ROTATE,
        statements::KEEP,
        statements::REVOKE_ID,
        statements::GRANT,
        statements::ACCESS_TOKEN,
        statements::REVOKE_TOKEN,
        statements::REMEMBER_FIRST,
        statements::REMEMBER_AGAIN,
        statements::REMEMBERED,
        statements::CONSENTS_OF_CLIENT,
        statements::CONSENTS_OF_SUBJECT,
        statements::FORGET,
        statements::FIRST_USE,
        statements::PUT,
        statements::GET,
        statements::TAKE,
        statements::INSERT_DEFERRED,
        statements::DEFERRED,
        statements::BY_USER_CODE,
        statements::DECIDE,
        statements::POLL,
        statements::UNPOLLED,
        statements::REGISTER,
        statements::REGISTERED,
        statements::REPLACE_REGISTERED,
        statements::UNREGISTER,
        statements::REGISTERED_CLIENTS,
        statements::KEY_SET,
        statements::INSERT_KEY_SET,
        statements::REPLACE_KEY_SET,
        statements::RESEAL_KEY_SET,
    ];
    for table in [
        statements::RESEAL_CLIENTS,
        statements::RESEAL_CODES,
        statements::RESEAL_CONSENTS,
        statements::RESEAL_DEFERRED,
        statements::RESEAL_ISSUED,
        statements::RESEAL_TICKETS,
    ] {
        all.extend([table.page, table.replace]);
    }
    all.extend(statements::SWEEP);
    all.extend(filters().iter().map(|of| statements::GRANTS.text(of)));
    all.extend(filters().iter().map(|of| statements::REVOKE.text(of)));
    all.extend(filters().iter().map(|of| statements::REVOKE_SOME.text(of)));
    all
}

/// attack 135: no statement reads a table from its beginning; each finds its rows by an index.
#[tokio::test]
async fn every_statement_goes_by_an_index() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    SqliteStore::new(pool.clone()).migrate().await.unwrap();
    for text in all() {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        for step in sqlx::query(explain).fetch_all(&pool).await.unwrap() {
            let step: String = step.get("detail");
            let no_table = step.contains("VALUES CLAUSE") || step.contains("CONSTANT ROW");
            let scans = step.starts_with("SCAN") && !no_table;
            assert!(!scans, "{step}: {text}");
            assert!(!step.contains("TEMP B-TREE"), "{step}: {text}");
        }
    }
}

/// The index of a filter is the one made for it, also where another would do.
#[tokio::test]
async fn every_filter_goes_by_its_own_index() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    SqliteStore::new(pool.clone()).migrate().await.unwrap();
    let mut texts = vec![
        (statements::CONSENTS_OF_CLIENT, "vouchsafe_consents_client (namespace=? AND client=?"),
        (statements::CONSENTS_OF_SUBJECT, "sqlite_autoindex_vouchsafe_consents_1 (namespace=? AND subject=?"),
    ];
    let indexes = [
        "vouchsafe_issued_grant (namespace=? AND grant_id=?",
        "vouchsafe_issued_client (namespace=? AND client=?",
        "vouchsafe_issued_session (namespace=? AND session=?",
        "vouchsafe_issued_subject (namespace=? AND subject=?",
        "vouchsafe_issued_subject (namespace=? AND subject=?",
    ];
    for (of, index) in filters().iter().zip(indexes) {
        texts.push((statements::GRANTS.text(of), index));
        texts.push((statements::REVOKE.text(of), index));
        texts.push((statements::REVOKE_SOME.text(of), index));
    }
    for (text, index) in texts {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let steps = sqlx::query(explain).fetch_all(&pool).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}: {text}");
    }
}
