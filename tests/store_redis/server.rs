//! A server of the test's own, to be stopped, flushed and restarted.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use vouchsafe::adapters::redis::{RedisOptions, RedisStore};
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::types::GrantId;

/// How often a server that starts is asked whether it is there.
const ATTEMPTS: u32 = 200;

pub(crate) struct Server {
    child: Child,
    port: u16,
    place: PathBuf,
    options: Vec<String>,
}

impl Server {
    /// Starts a server that writes every command to its disk before it answers.
    pub(crate) async fn durable() -> Self {
        Self::start(&["--appendonly yes", "--appendfsync always"]).await
    }

    /// Starts a server that loses everything when it ends, with more options.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let name = GrantId::generate(&OsEntropy, Timestamp::from_unix(0)).unwrap();
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{name}"));
        fs::create_dir_all(&place).unwrap();
        let options: Vec<String> =
            options.iter().flat_map(|option| option.split(' ')).map(str::to_owned).collect();
        let server = Self { child: spawn(port, &place, &options), port, place, options };
        server.wait().await;
        server
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn options(&self) -> RedisOptions {
        self.options_by("")
    }

    /// With parameters of the URL.
    pub(crate) fn options_by(&self, query: &str) -> RedisOptions {
        RedisOptions::new(&format!("redis://127.0.0.1:{}/?{query}", self.port))
            .unwrap()
            .with_response_timeout(Duration::from_millis(500))
    }

    /// A store in a database that nobody has used.
    pub(crate) async fn store(&self) -> RedisStore {
        let store = RedisStore::connect_with(self.options()).await.unwrap();
        store.initialize().await.unwrap();
        store
    }

    /// A connection of the test's own.
    pub(crate) async fn raw(&self) -> MultiplexedConnection {
        connect(self.port).await.unwrap()
    }

    /// What is in the files.
    pub(crate) fn files(&self) -> Vec<u8> {
        let mut files = Vec::new();
        let mut places = vec![self.place.clone()];
        while let Some(place) = places.pop() {
            for entry in fs::read_dir(place).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { places.push(path) } else { files.extend(fs::read(path).unwrap()) }
            }
        }
        files
    }

    /// Ends at once, as when the power fails.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again, on the same port and files.
    pub(crate) async fn revive(&mut self) {
        self.child = spawn(self.port, &self.place, &self.options);
        self.wait().await;
    }

    /// Lets the server stand still, or go on: its connections stay, and nobody answers on them.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn wait(&self) {
        for _ in 0..ATTEMPTS {
            if let Ok(mut connection) = connect(self.port).await {
                let answer = redis::cmd("PING").query_async::<String>(&mut connection).await;
                // Who asks for a password is there.
                if answer.map_or_else(|error| error.code() == Some("NOAUTH"), |_| true) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("redis-server does not start");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
        let _gone = fs::remove_dir_all(&self.place);
    }
}

fn spawn(port: u16, place: &PathBuf, options: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(place)
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is in PATH")
}

async fn connect(port: u16) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(2)));
    let client = Client::open(format!("redis://127.0.0.1:{port}"))?;
    client.get_multiplexed_async_connection_with_config(&config).await
}
