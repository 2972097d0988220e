//! Starts the example servers for peers that we did not write, and the Node scripts that drive those.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;
use std::{env, fs};

/// What the scripts trust unless a test says otherwise: they serve by it too.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback.crt");

/// How long a server may take to come up, once it is built.
const START: Duration = Duration::from_secs(30);

/// Examples that need a feature which tests do not have, and that feature.
const FEATURES: [(&str, &str); 1] = [("pkcs11", "pkcs11")];

/// A server that ends with the value.
pub(crate) struct Server {
    process: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Starts an example on the flags given, in `directory`.
    pub(crate) fn start(example: &str, flags: &[&str], directory: &Path) -> Self {
        Self::run(Command::new(built(example)).args(flags).current_dir(directory))
    }

    /// Starts a program, and reads what it prints.
    pub(crate) fn run(command: &mut Command) -> Self {
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|error| panic!("{command:?} must start: {error}"));
        let output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                println!("{line}");
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, lines }
    }

    /// Waits for the line that holds `marker`, and returns what follows the marker.
    pub(crate) fn prints(&self, marker: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(START).unwrap_or_else(|_| panic!("no line with {marker:?}"));
            if let Some((_, rest)) = line.split_once(marker) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Asks the server to stop, as an operator would, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(asked.expect("kill is on every Unix").success());
        self.process.wait().expect("the server was started here")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds the example as `cargo run --example` does, and returns its program.
fn built(example: &str) -> PathBuf {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--message-format", "json", "--example", example]);
    for (_, feature) in FEATURES.iter().filter(|(needing, _)| *needing == example) {
        command.args(["--features", feature]);
    }
    // Cargo tells a test which package it is of, and some build scripts run anew where they are told that too.
    for (name, _) in
        env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        command.env_remove(name);
    }
    let build = command.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output();
    let build = build.expect("cargo runs this test");
    assert!(build.status.success(), "the example {example} must build");
    String::from_utf8_lossy(&build.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == example)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo must name the program of {example}"))
}

/// Runs a script of `tests/interop/` and fails with it. It trusts the certificate of the loopback address.
pub(crate) fn node(script: &str, arguments: &[&str]) {
    node_trusting(CERTIFICATE, script, arguments);
}

/// Runs a script that trusts this certificate.
pub(crate) fn node_trusting(certificate: &str, script: &str, arguments: &[&str]) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(install);
    let status = Command::new("node")
        .arg("--test-reporter=spec")
        .arg(scripts().join(script))
        .args(arguments)
        .env("NODE_EXTRA_CA_CERTS", certificate)
        .stdin(Stdio::null())
        .status()
        .expect("Node 20 or later must be installed");
    assert!(status.success(), "{script} failed");
}

/// Installs what `package-lock.json` names, unless that was done.
fn install() {
    let (wanted, done) =
        (scripts().join("package-lock.json"), scripts().join("node_modules/.package-lock.json"));
    let time_of = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    if time_of(&done) >= time_of(&wanted) {
        return;
    }
    let status = Command::new("npm").arg("ci").current_dir(scripts()).stdin(Stdio::null()).status();
    assert!(status.expect("npm must be installed").success(), "npm ci failed");
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// A directory of this run's own, emptied.
pub(crate) fn workspace(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}
