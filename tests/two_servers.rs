//! Two processes of `examples/provider` over one database are one provider, as README.md says under "Two servers, one database".
//!
//! `tests/services run` has the databases. `cargo build --example provider` first: a test that is named builds no example.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "examples/running.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod running;

use std::net::TcpListener;
use std::{env, fs, thread};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use running::{Browser, Server, directory};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use vouchsafe::entropy::{OsEntropy, random};

const CLIENT: &str = "service";
const SECRET: &str = "a secret of more than thirty-two characters";

#[tokio::test]
async fn two_servers_over_postgresql_are_one_provider() {
    let (url, created) = database("VOUCHSAFE_POSTGRES");
    let mut server = PgConnection::connect(&variable("VOUCHSAFE_POSTGRES")).await.unwrap();
    server.execute(AssertSqlSafe(created)).await.unwrap();
    are_one_provider("two-servers-postgresql", &["--database", &url]).await;
}

#[tokio::test]
async fn two_servers_over_mariadb_and_redis_are_one_provider() {
    let (url, created) = database("VOUCHSAFE_MYSQL");
    let mut server = MySqlConnection::connect(&variable("VOUCHSAFE_MYSQL")).await.unwrap();
    server.execute(AssertSqlSafe(created)).await.unwrap();
    let redis = variable("VOUCHSAFE_REDIS");
    let flags = ["--database", &url, "--short-lived", &redis, "--short-lived-is-new"];
    are_one_provider("two-servers-mariadb", &flags).await;
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("tests/services sets {name}"))
}

/// The URL of a new database on the server that a variable names, and the statement that makes it.
fn database(server: &str) -> (String, String) {
    let server = variable(server);
    let (server, _) = server.rsplit_once('/').unwrap();
    let name = format!("test_{:016x}", u64::from_be_bytes(random(&OsEntropy).unwrap()));
    (format!("{server}/{name}"), format!("CREATE DATABASE {name}"))
}

/// A token of one is active at the other, and revoked there it is nowhere; both have the same keys.
async fn are_one_provider(test: &str, flags: &[&str]) {
    let [one, other] = servers(test, flags);
    let answer = ask(&one, "/token", ("grant_type", "client_credentials")).await;
    let token = answer["access_token"].as_str().unwrap();
    for server in [&one, &other] {
        let found = ask(server, "/introspect", ("token", token)).await;
        assert_eq!((&found["active"], &found["client_id"]), (&json!(true), &json!(CLIENT)));
    }
    ask(&other, "/revoke", ("token", token)).await;
    for server in [&one, &other] {
        assert_eq!(ask(server, "/introspect", ("token", token)).await, json!({ "active": false }));
    }

    let keys = Browser::new().open(&one.at("/jwks")).await.body;
    assert!(keys.contains("\"kid\""), "{keys}");
    assert_eq!(Browser::new().open(&other.at("/jwks")).await.body, keys);
    for server in [one, other] {
        assert_eq!(server.signal("TERM").code(), Some(0));
    }
}

/// Two servers that start at once, with the first one's address as their issuer.
fn servers(test: &str, flags: &[&str]) -> [Server; 2] {
    let directory = directory(test);
    let [clients, secrets] =
        ["services.json", "secrets.json"].map(|name| directory.join(name).to_str().unwrap().to_owned());
    let client = json!({
        "client_id": CLIENT,
        "client_secret": SECRET,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": "read",
    });
    fs::write(&clients, json!([client]).to_string()).unwrap();
    let addresses = free_addresses();
    let issuer = format!("http://{}", addresses[0]);
    let shared = ["--issuer", &issuer, "--secrets", &secrets, "--clients", &clients];
    let flags = [&shared, flags].concat();
    let start = |address: &str| Server::start("provider", &[&flags[..], &["--listen", address]].concat());
    thread::scope(|scope| {
        let starting = addresses.each_ref().map(|address| scope.spawn(|| start(address)));
        let mut servers = starting.map(|server| server.join().unwrap());
        // What it prints is the issuer.
        servers[1].url = format!("http://{}", addresses[1]);
        servers
    })
}

/// Addresses that nobody listens on.
fn free_addresses() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

/// What a server answers to the client's question; nothing where it says nothing.
async fn ask(server: &Server, path: &str, question: (&str, &str)) -> Value {
    let credentials = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let headers = [("authorization", credentials.as_str())];
    let answer = Browser::new().post(&server.at(path), &[question], &headers).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap_or_default()
}
