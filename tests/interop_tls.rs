//! openssl probes the TLS of `examples/provider`, version by version and suite by suite, at both of its listeners.

#[path = "interop/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "the scripts for Node are run by other tests")]
mod interop;

use std::process::{Command, Output, Stdio};

use certificates::{ELLIPTIC, RSA};
use interop::{Server, workspace};

/// Everything that openssl can do, with what it would refuse by itself; the others need keys that are shared beforehand.
const EVERYTHING: &str = "ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0";

/// How a server answered a ClientHello.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It went on, by this version and cipher suite.
    Agreed(String, String),
    /// It broke off with this alert.
    Alert(String),
}

fn openssl(arguments: &[&str]) -> Output {
    // A configuration of the machine could forbid the versions that are asked for here.
    let mut command = Command::new("openssl");
    command.args(arguments).env("OPENSSL_CONF", "/dev/null").stdin(Stdio::null());
    command.output().expect("openssl must be installed")
}

/// Connects by one version, such as `-tls1_2`, and by these cipher suites.
///
/// A refusal counts only as one that the server sent: openssl must have sent a ClientHello, and read an alert.
fn probe(address: &str, version: &str, suites: &str) -> Answer {
    let flag = if version == "-tls1_3" { "-ciphersuites" } else { "-cipher" };
    let output = openssl(&["s_client", "-connect", address, version, flag, suites, "-msg"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let context =
        || format!("{address} {version} {suites}: {told}{}", String::from_utf8_lossy(&output.stderr));
    let line = |direction: &str, what: &str| {
        told.lines().find(|line| line.starts_with(direction) && line.contains(what)).map(str::to_owned)
    };
    assert!(line(">>>", "ClientHello").is_some(), "no ClientHello left: {}", context());
    if let Some(hello) = line("<<<", "ServerHello") {
        let version = hello.split([' ', ',']).nth(2).expect("openssl names the version");
        let suite = told.lines().find_map(|line| line.split_once("Cipher is ")).map(|(_, suite)| suite);
        assert!(output.status.success(), "{}", context());
        return Answer::Agreed(version.to_owned(), suite.expect("openssl names the suite").to_owned());
    }
    let alert = line("<<<", "fatal ").unwrap_or_else(|| panic!("no alert came back: {}", context()));
    let (_, alert) = alert.split_once("fatal ").expect("the line has it");
    assert!(!output.status.success(), "{}", context());
    Answer::Alert(alert.to_owned())
}

/// The suites of TLS 1.2 that a server agrees to, each tried by itself.
fn suites_of(address: &str) -> Vec<String> {
    let listed = openssl(&["ciphers", "-s", "-tls1_2", EVERYTHING]).stdout;
    let listed = String::from_utf8(listed).expect("names of suites are text");
    let (mut agreed, mut refused) = (Vec::new(), 0);
    for suite in listed.trim().split(':').filter(|suite| !suite.starts_with("TLS_")) {
        match probe(address, "-tls1_2", &format!("{suite}:@SECLEVEL=0")) {
            Answer::Agreed(_, by) => agreed.push(by),
            Answer::Alert(alert) => {
                assert_eq!(alert, "handshake_failure", "{suite}");
                refused += 1;
            }
        }
    }
    assert!(refused > 40, "openssl has many more suites than these: {listed}");
    agreed.sort_unstable();
    agreed
}

/// A server that both listeners of are probed: the addresses of the two.
fn provider(name: &str, [certificate, key]: [&str; 2], flags: &[&str]) -> (Server, [String; 2]) {
    let own = ["--listen", "127.0.0.1:0", "--mtls-listen", "127.0.0.1:0", "--tls-cert", certificate];
    let server =
        Server::start("provider", &[&own[..], &["--tls-key", key], flags].concat(), &workspace(name));
    let addresses = ["listening on https://", "mtls listening on https://"].map(|line| server.prints(line));
    (server, addresses)
}

/// Of the versions that openssl has, both listeners take the two that are not broken, and those by these suites of 1.2.
fn takes_versions_and_suites(addresses: &[String; 2], suites: &[&str]) {
    for address in addresses {
        for version in ["-tls1", "-tls1_1"] {
            let Answer::Alert(alert) = probe(address, version, EVERYTHING) else {
                panic!("{address} takes {version}")
            };
            assert!(
                ["handshake_failure", "protocol_version"].contains(&alert.as_str()),
                "{version}: {alert}"
            );
        }
        assert!(
            matches!(probe(address, "-tls1_2", EVERYTHING), Answer::Agreed(version, _) if version == "1.2")
        );
        for suite in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"] {
            let agreed = Answer::Agreed("1.3".to_owned(), suite.to_owned());
            assert_eq!(probe(address, "-tls1_3", suite), agreed, "{address}");
        }
        assert_eq!(suites_of(address), suites, "{address}");
    }
}

/// The positive control: the same prober connects to a server that takes anything, so that a refusal elsewhere is one.
#[test]
fn the_prober_connects_by_old_versions_and_suites_where_a_server_lets_it() {
    let [certificate, key] = RSA;
    let mut command = Command::new("openssl");
    command.args(["s_server", "-www", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key]);
    command.args(["-cipher", EVERYTHING, "-min_protocol", "TLSv1"]).env("OPENSSL_CONF", "/dev/null");
    let server = Server::run(&mut command);
    let address = server.prints("ACCEPT ");
    for (flag, version) in [("-tls1", "1.0"), ("-tls1_1", "1.1"), ("-tls1_2", "1.2")] {
        for suite in ["AES128-SHA", "ECDHE-RSA-AES256-SHA"] {
            let agreed = Answer::Agreed(version.to_owned(), suite.to_owned());
            assert_eq!(probe(&address, flag, &format!("{suite}:@SECLEVEL=0")), agreed);
        }
    }
}

/// FAPI 2.0 Security Profile section 5.2.2: TLS 1.2 by what BCP 195 recommends, and TLS 1.3.
#[test]
fn both_listeners_take_recommended_suites_alone() {
    let (_server, addresses) = provider("tls_elliptic", ELLIPTIC, &[]);
    let suites =
        ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"];
    takes_versions_and_suites(&addresses, &suites);
    let (_server, addresses) = provider("tls_rsa", RSA, &[]);
    let suites =
        ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"];
    takes_versions_and_suites(&addresses, &suites);
}

/// FAPI 1.0 Advanced section 8.5, which FAPI-CIBA takes over: of its four suites the two of elliptic curves.
#[test]
fn under_fapi_ciba_both_listeners_take_rsa_with_aes_gcm_alone() {
    let flags = ["--profile", "fapi-ciba", "--admin-listen", "127.0.0.1:0"];
    let (_server, addresses) = provider("tls_fapi_ciba", RSA, &flags);
    takes_versions_and_suites(&addresses, &["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"]);
}
