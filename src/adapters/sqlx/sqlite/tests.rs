use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::{SqliteStore, statements};
use crate::adapters::sqlx::statements::{Families, Guarded, Text, Upsert};
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
    let texts = &statements::STATEMENTS;
    let mut all = Vec::from(texts.sweep);
    all.extend([texts.insert_code, texts.insert_grant, texts.grant, texts.access_token, texts.revoke_token]);
    all.extend([texts.remember_again, texts.remembered, texts.consents_of_client, texts.consents_of_subject]);
    all.extend([texts.forget, texts.put, texts.get, texts.insert_deferred, texts.deferred]);
    all.extend([texts.by_user_code, texts.decide, texts.register, texts.registered, texts.unregister]);
    all.extend(
        filters()
            .iter()
            .flat_map(|of| [*texts.grants.text(of), *texts.revoke.text(of), *texts.revoke_some.text(of)]),
    );
    all.extend([texts.registered_clients, texts.key_set, texts.insert_key_set, texts.reseal_key_set]);
    let reseal = texts.reseal;
    for table in
        [reseal.clients, reseal.codes, reseal.consents, reseal.deferred, reseal.issued, reseal.tickets]
    {
        all.extend([table.page, table.replace]);
    }
    let written = [texts.consume_code, texts.poll, texts.take];
    for guarded in written.into_iter().chain([texts.replace_registered, texts.replace_key_set]) {
        match guarded {
            Guarded::AtOnce(text) => all.push(text),
            Guarded::Counted { write, look }
            | Guarded::Locked { look, write }
            | Guarded::Returning { write, look } => all.extend([write, look]),
        }
    }
    for upsert in [texts.remember_first, texts.first_use] {
        match upsert {
            Upsert::AtOnce(text) => all.push(text),
            Upsert::InsertOrUpdate { insert, update } => all.extend([insert, update]),
        }
    }
    match texts.families {
        Families::HeadFirst(texts) => {
            all.extend([&texts.insert_token, &texts.begin_family, &texts.use_head, &texts.use_other]);
        }
        Families::InSteps(steps) => {
            all.extend([steps.insert_token, steps.begin_family, steps.rotate, steps.keep]);
            all.extend([steps.lock, steps.revoke, steps.add_token]);
        }
    }
    all.iter().map(Text::sql).collect()
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
    let texts = &statements::STATEMENTS;
    let mut expected = vec![
        (texts.consents_of_client.sql(), "vouchsafe_consents_client (namespace=? AND client=?"),
        (texts.consents_of_subject.sql(), "sqlite_autoindex_vouchsafe_consents_1 (namespace=? AND subject=?"),
    ];
    let indexes = [
        "vouchsafe_issued_grant (namespace=? AND grant_id=?",
        "vouchsafe_issued_client (namespace=? AND client=?",
        "vouchsafe_issued_session (namespace=? AND session=?",
        "vouchsafe_issued_subject (namespace=? AND subject=?",
        "vouchsafe_issued_subject (namespace=? AND subject=?",
    ];
    for (of, index) in filters().iter().zip(indexes) {
        expected.push((texts.grants.text(of).sql(), index));
        expected.push((texts.revoke.text(of).sql(), index));
        expected.push((texts.revoke_some.text(of).sql(), index));
    }
    for (text, index) in expected {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let steps = sqlx::query(explain).fetch_all(&pool).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}: {text}");
    }
}
