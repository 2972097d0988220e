//! A person with Chromium goes through the whole quickstart, and is watched at `examples/provider`.

mod interop;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use interop::{Server, node, workspace};

#[test]
fn a_person_completes_the_quickstart_in_a_browser() {
    let directory = workspace("quickstart");
    let quickstart = Server::start(
        "quickstart",
        &["--app", "127.0.0.1:0", "--provider", "127.0.0.1:0", "--data", "data"],
        &directory,
    );
    let application = quickstart.prints("listening on ");
    let pictures = directory.join("pictures");
    node("quickstart.mjs", &[&application, pictures.to_str().expect("the path is text")]);
    assert!(quickstart.stop().success(), "the quickstart must stop cleanly");
}

/// OpenID Connect Session Management 1.0, and Front-Channel Logout 1.0, between sites that the browser takes
/// for others.
#[test]
fn applications_of_other_sites_watch_a_login_and_are_loaded_at_its_end() {
    let directory = workspace("session_https");
    let [certificate, key] = self_signed(&directory);
    let flags = ["--tls-cert", &certificate, "--tls-key", &key];
    watched(&directory, "https://localhost", (&flags, &[&certificate, &key]));
}

/// Over http, on loopback, the cookie reaches frames on the same host.
#[test]
fn applications_on_the_same_loopback_host_watch_a_login() {
    watched(&workspace("session_http"), "http://127.0.0.1", (&[], &[]));
}

/// Runs the applications that watch, on ports of `host`.
fn watched(directory: &Path, host: &str, (flags, tls): (&[&str], &[&str])) {
    let origins = free_ports().map(|port| format!("{host}:{port}"));
    let [a, b] = &origins;
    let clients = directory.join("clients.json");
    node("watchers.mjs", &[clients.to_str().expect("the path is text"), a, b]);
    let flags = [&["--listen", "127.0.0.1:0", "--clients", "clients.json"], flags].concat();
    let provider = Server::start("provider", &flags, directory);
    let issuer = provider.prints("listening on ");
    node("session.mjs", &[&[issuer.as_str(), a, b], tls].concat());
    assert!(provider.stop().success(), "the provider must stop cleanly");
}

/// Two ports that nobody listens on now: the clients are registered by them before they are there.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("there is a free port"));
    listeners.map(|listener| listener.local_addr().expect("it listens").port())
}

/// The files of a certificate for this machine, and of its key.
fn self_signed(directory: &Path) -> [String; 2] {
    let files = ["tls.crt", "tls.key"].map(|file| directory.join(file).display().to_string());
    let [certificate, key] = &files;
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", key, "-out", certificate])
        .output();
    assert!(made.expect("openssl must be installed").status.success(), "openssl must make a certificate");
    files
}
