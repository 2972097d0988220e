//! A PostgreSQL server of one's own, in a directory that goes with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use vouchsafe::BoxError;

/// Whoever runs the server when the example is run by root, whom PostgreSQL refuses.
const SERVER_USER: &str = "postgres";

/// A server. It stops, and its directory goes, when the value is dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    directory: PathBuf,
    binaries: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts its server at a free port.
    ///
    /// # Errors
    /// When there is no PostgreSQL here, or it does not start.
    pub(crate) async fn start(port: u16) -> Result<Self, BoxError> {
        let directory = std::env::temp_dir().join(format!("vouchsafe-chaos-{}-{port}", std::process::id()));
        std::fs::create_dir(&directory)?;
        let user = server_user().await?;
        give(&directory, user)?;
        let server = Self { binaries: binaries()?, directory, user, port };
        let data = server.data();
        let made = ["-D", &data, "-U", SERVER_USER, "-A", "trust", "-E", "UTF8", "--no-locale"];
        server.run("initdb", &made).await?;
        server.control(&["start", "-o", &server.options()]).await?;
        Ok(server)
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database, at this port: its own, or that of what stands before it.
    pub(crate) fn url(port: u16) -> String {
        format!("postgres://{SERVER_USER}@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// The same URL, for sessions whose transactions are serializable.
    pub(crate) fn serializable(url: &str) -> String {
        format!("{url}&options[default_transaction_isolation]=serializable")
    }

    /// Kills it as a crash does, and starts it again: it recovers from its log.
    pub(crate) async fn crash_and_restart(&self) -> Result<(), BoxError> {
        self.control(&["restart", "-m", "immediate", "-o", &self.options()]).await
    }

    /// Lets no file grow beyond so many bytes, as a disk that is full; `None` gives it room again.
    ///
    /// # Errors
    /// Where there is no `prlimit`, or the kernel does not list the children of a process: a matter of Linux.
    pub(crate) async fn limit_files(&self, bytes: Option<u64>) -> Result<(), BoxError> {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let process = std::fs::read_to_string(self.directory.join("data/postmaster.pid"))?;
        let process = process.lines().next().ok_or("the server has no process")?;
        // First the one from which all others come, so that none is missed.
        self.limit_files_of(process, &limit).await?;
        for child in std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?.split(' ') {
            // One that has ended meanwhile needs none.
            drop(self.limit_files_of(child, &limit).await);
        }
        Ok(())
    }

    /// It is asked by the server's user, since root may not be allowed to either.
    async fn limit_files_of(&self, process: &str, limit: &str) -> Result<(), BoxError> {
        let mut command = std::process::Command::new("prlimit");
        run_as(&mut command, self.user);
        command.args(["--pid", process]).arg(format!("--fsize={limit}:")).stderr(Stdio::null());
        let ended = Command::from(command).status().await?;
        if ended.success() { Ok(()) } else { Err(format!("prlimit of {process}: {ended}").into()) }
    }

    /// How many transactions it has broken off since they collided, by its log.
    pub(crate) fn collisions(&self) -> Result<u64, BoxError> {
        self.logged(&["could not serialize access", "deadlock detected"])
    }

    /// How often there was no room for what it had to write, by its log.
    pub(crate) fn out_of_room(&self) -> Result<u64, BoxError> {
        self.logged(&["could not extend file"])
    }

    fn logged(&self, texts: &[&str]) -> Result<u64, BoxError> {
        let log = std::fs::read_to_string(self.directory.join("log"))?;
        Ok(log.lines().filter(|line| texts.iter().any(|text| line.contains(text))).count() as u64)
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    fn options(&self) -> String {
        let Self { directory, port, .. } = self;
        format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200",
            directory.display()
        )
    }

    async fn control(&self, arguments: &[&str]) -> Result<(), BoxError> {
        let log = self.directory.join("log").display().to_string();
        self.run("pg_ctl", &[&["-w", "-s", "-D", &self.data(), "-l", &log], arguments].concat()).await
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Result<(), BoxError> {
        let mut command = Command::from(self.command(program));
        command.args(arguments).current_dir(&self.directory).stdin(Stdio::null()).stdout(Stdio::null());
        let ended = command.status().await?;
        if ended.success() { Ok(()) } else { Err(format!("{program} {arguments:?}: {ended}").into()) }
    }

    /// A program of the server's, run by its user.
    fn command(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(self.binaries.join(program));
        run_as(&mut command, self.user);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut command = self.command("pg_ctl");
        command.args(["stop", "-s", "-m", "immediate", "-D", &self.data()]).stderr(Stdio::null());
        // What cannot be stopped or removed is left to whoever cleans the directory of such things.
        drop(command.status());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// The directory of the server's programs: in the path, or where distributions put them.
fn binaries() -> Result<PathBuf, BoxError> {
    let has = |directory: &Path| directory.join("initdb").is_file() && directory.join("pg_ctl").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).find(|directory| has(directory)) {
        return Ok(found);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "there is no PostgreSQL here")?;
    let mut found: Vec<_> = versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .filter(|bin| has(bin))
        .collect();
    found.sort();
    found.pop().ok_or_else(|| "there is no PostgreSQL here".into())
}

/// The user and group to run the server as, where this runs as root.
async fn server_user() -> Result<Option<(u32, u32)>, BoxError> {
    if cfg!(not(unix)) || id(&["-u"]).await? != 0 {
        return Ok(None);
    }
    Ok(Some((id(&["-u", SERVER_USER]).await?, id(&["-g", SERVER_USER]).await?)))
}

#[cfg(unix)]
fn give(directory: &Path, user: Option<(u32, u32)>) -> std::io::Result<()> {
    user.map_or(Ok(()), |(uid, gid)| std::os::unix::fs::chown(directory, Some(uid), Some(gid)))
}

#[cfg(not(unix))]
fn give(_: &Path, _: Option<(u32, u32)>) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn run_as(command: &mut std::process::Command, user: Option<(u32, u32)>) {
    if let Some((uid, gid)) = user {
        std::os::unix::process::CommandExt::gid(std::os::unix::process::CommandExt::uid(command, uid), gid);
    }
}

#[cfg(not(unix))]
fn run_as(_: &mut std::process::Command, _: Option<(u32, u32)>) {}

async fn id(arguments: &[&str]) -> Result<u32, BoxError> {
    let output = Command::new("id").args(arguments).output().await?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
