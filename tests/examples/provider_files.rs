//! The files of `examples/provider` when several processes use them.

use crate::running::{Browser, Server, directory};

#[tokio::test]
async fn servers_that_start_together_make_the_files_once_and_share_them() {
    let directory = directory("together");
    let [keys, secrets] = ["keys.json", "secrets.json"].map(|name| directory.join(name));
    let (keys, secrets) = (keys.to_string_lossy(), secrets.to_string_lossy());
    let start =
        || Server::start("provider", &["--listen", "127.0.0.1:0", "--keys", &keys, "--secrets", &secrets]);
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    });
    let mut published = Vec::new();
    for server in &servers {
        published.push(Browser::new().open(&server.at("/jwks")).await.body);
    }
    assert!(published.iter().all(|keys| *keys == published[0]));
}
