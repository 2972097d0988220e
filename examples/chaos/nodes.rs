//! Nodes as the one who runs them sees them: started, killed, started again, and given orders.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;
use vouchsafe::BoxError;

use crate::node::orders::{Orders, Setup, Told};

/// How long a node may take to start.
const START: Duration = Duration::from_secs(20);

/// How long it may take to move all that is stored to another system secret.
const RESEALING: Duration = Duration::from_secs(600);

/// One node, running or dead.
pub(crate) struct Node {
    setup: Setup,
    running: Option<(Child, ChildStdin)>,
    http: reqwest::Client,
    /// What earlier lives of it told.
    before: Told,
    told: Told,
    /// How often it died.
    pub(crate) deaths: u64,
}

impl Node {
    /// Starts a node.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn start(setup: Setup) -> Result<Self, BoxError> {
        let http = reqwest::Client::builder().build()?;
        let (before, told) = (Told::default(), Told::default());
        let mut node = Self { setup, running: None, http, before, told, deaths: 0 };
        node.run().await?;
        Ok(node)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.setup.port)
    }

    /// Orders it to misbehave, or not to. It tells what it has done so far.
    pub(crate) async fn order(&mut self, orders: &Orders) -> Result<Told, BoxError> {
        let patience = if orders.reseals { RESEALING } else { START };
        let request = self.http.post(format!("{}/chaos", self.url())).timeout(patience).json(orders);
        let answer = request.send().await?;
        self.told = answer.error_for_status()?.json().await?;
        Ok(self.sum())
    }

    /// Kills it, as `kill -9` does.
    pub(crate) async fn kill(&mut self) -> Result<(), BoxError> {
        if let Some((mut child, _)) = self.running.take() {
            child.kill().await?;
            self.died();
        }
        Ok(())
    }

    /// Starts it again if it is dead; says whether it was.
    pub(crate) async fn revive(&mut self) -> Result<bool, BoxError> {
        if let Some((child, _)) = &mut self.running
            && child.try_wait()?.is_none()
        {
            return Ok(false);
        }
        if self.running.take().is_some() {
            self.died();
        }
        self.run().await.map(|()| true)
    }

    /// Waits until it has died by itself.
    pub(crate) async fn dies(&mut self, within: Duration) -> bool {
        match &mut self.running {
            Some((child, _)) => timeout(within, child.wait()).await.is_ok(),
            None => true,
        }
    }

    fn died(&mut self) {
        self.deaths += 1;
        self.before = self.sum();
        self.told = Told::default();
    }

    fn sum(&self) -> Told {
        let (before, told) = (self.before, self.told);
        Told {
            calls: before.calls + told.calls,
            faults: before.faults + told.faults,
            swept: before.swept + told.swept,
            resealed: before.resealed + told.resealed,
        }
    }

    async fn run(&mut self) -> Result<(), BoxError> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("node")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a node has no pipes".into());
        };
        stdin.write_all(format!("{}\n", serde_json::to_string(&self.setup)?).as_bytes()).await?;
        let mut lines = BufReader::new(stdout).lines();
        match timeout(START, lines.next_line()).await?? {
            Some(_) => self.running = Some((child, stdin)),
            None => return Err("a node did not start".into()),
        }
        Ok(())
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
