//! Libraries for Node sign in at `examples/provider`.

#[path = "interop/certificates.rs"]
mod certificates;
mod interop;

use std::path::PathBuf;

use certificates::{ELLIPTIC, RSA};
use interop::{Server, node, node_trusting, workspace};

/// Authority of the certificate that the scripts serve by.
const CERTIFICATE: &str = ELLIPTIC[0];

/// An authority that names clients.
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/client_authority.crt");

#[test]
fn openid_client_signs_in_with_opaque_access_tokens() {
    signs_in("opaque");
}

#[test]
fn openid_client_signs_in_with_jwt_access_tokens() {
    signs_in("jwt");
}

fn signs_in(access_token: &str) {
    let directory = workspace(&format!("openid_client_{access_token}"));
    let directory_name = directory.to_str().expect("the path is text");
    node("clients.mjs", &[directory_name]);
    let database = if access_token == "jwt" { "sqlite:provider.db" } else { "memory:" };
    let mut flags = vec!["--listen", "127.0.0.1:0", "--clients", "clients.json"];
    flags.extend(["--access-token", access_token, "--database", database]);
    flags.extend(["--keys", "keys.json", "--secrets", "secrets.json"]);
    let provider = Server::start("provider", &flags, &directory);
    let issuer = provider.prints("listening on ");
    node("openid_client.mjs", &[&issuer, directory_name]);
    assert!(provider.stop().success(), "the provider must stop cleanly");
}

#[test]
fn openid_client_6_goes_through_openid_connect() {
    under_the_openid_profile("openid_client_6.mjs");
}

#[test]
fn openid_client_5_reads_every_response_type() {
    under_the_openid_profile("openid_client_5.mjs");
}

#[test]
fn jose_verifies_logout_tokens_of_the_back_channel() {
    under_the_openid_profile("logout_tokens.mjs");
}

#[test]
fn jose_and_openid_client_6_read_and_write_encrypted_tokens() {
    under_the_openid_profile("encrypted_tokens.mjs");
}

fn under_the_openid_profile(script: &str) {
    let directory = workspace(script.trim_end_matches(".mjs"));
    let directory_name = directory.to_str().expect("the path is text");
    node("peers.mjs", &[directory_name]);
    let mut flags = vec!["--listen", "127.0.0.1:0", "--clients", "clients.json", "--profile", "openid"];
    flags.extend(["--ca-file", CERTIFICATE, "--dangerous-allow-loopback-fetch"]);
    let provider = Server::start("provider", &flags, &directory);
    let issuer = provider.prints("listening on ");
    node(script, &[&issuer, directory_name]);
    assert!(provider.stop().success(), "the provider must stop cleanly");
}

/// Everything beside plain OpenID Connect, for the clients of `secured_clients.mjs`.
const EXTENSIONS: [&str; 15] = [
    "--pushed-requests",
    "optional",
    "--request-objects",
    "--jarm",
    "--authorization-details",
    "--resources",
    "https://api.example/",
    "--client-secret-jwt",
    "--encryption",
    "--introspection-jwt",
    "--dpop",
    "--device",
    "--ciba",
    "--token-exchange",
    "--trusted-issuers=trusted.json",
];

#[test]
fn openid_client_secures_requests_clients_and_tokens() {
    secured("openid_client_secured.mjs", &EXTENSIONS).runs(&[]);
}

#[test]
fn openid_client_goes_on_where_proofs_need_nonces() {
    secured("dpop_nonces.mjs", &[&EXTENSIONS[..], &["--dpop-nonce"]].concat()).runs(&[]);
}

#[test]
fn openid_client_waits_for_people_who_are_elsewhere() {
    let secured = secured("openid_client_elsewhere.mjs", &EXTENSIONS);
    let admin = secured.admin.clone();
    secured.runs(&[&admin]);
}

#[test]
fn openid_client_gets_one_token_for_another() {
    secured("openid_client_exchange.mjs", &EXTENSIONS).runs(&[]);
}

#[test]
fn oauth4webapi_goes_through_extensions_step_by_step() {
    secured("oauth4webapi.mjs", &EXTENSIONS).runs(&[]);
}

#[test]
fn openid_client_goes_through_the_fapi_2_security_profile() {
    let profile = "fapi2-security";
    secured("fapi2.mjs", &["--profile", profile]).runs(&[profile]);
}

#[test]
fn openid_client_goes_through_fapi_2_message_signing() {
    let profile = "fapi2-message-signing";
    secured("fapi2.mjs", &["--profile", profile]).runs(&[profile]);
}

#[test]
fn openid_client_goes_through_fapi_ciba() {
    let secured = secured_by(RSA, "fapi_ciba.mjs", &["--profile", "fapi-ciba"]);
    let admin = secured.admin.clone();
    secured.runs(&[&admin]);
}

#[test]
fn openid_client_goes_through_oauth_2_1() {
    let flags = ["--profile", "oauth21", "--resources", "https://api.example/"];
    secured("oauth21.mjs", &flags).runs(&["oauth21"]);
}

#[test]
fn openid_client_registers_and_goes_through_mcp() {
    secured("oauth21.mjs", &["--profile", "mcp"]).runs(&["mcp"]);
}

/// A provider with certificates, for a script and the clients of `secured_clients.mjs`.
struct Secured {
    provider: Server,
    directory: PathBuf,
    script: &'static str,
    certificate: &'static str,
    issuer: String,
    admin: String,
}

fn secured(script: &'static str, flags: &[&str]) -> Secured {
    secured_by(ELLIPTIC, script, flags)
}

fn secured_by([certificate, key]: [&'static str; 2], script: &'static str, flags: &[&str]) -> Secured {
    let name = [script.trim_end_matches(".mjs"), &flags[..2].join("_")].join("_");
    let directory = workspace(&name.replace(['-', '/', ':'], ""));
    node("secured_clients.mjs", &[directory.to_str().expect("the path is text")]);
    let mut all = vec!["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    all.extend(["--mtls-listen", "127.0.0.1:0", "--mtls-ca-file", CLIENTS]);
    all.extend(["--tls-cert", certificate, "--tls-key", key, "--access-token", "jwt"]);
    all.extend(["--clients", "clients.json", "--ca-file", CERTIFICATE, "--dangerous-allow-loopback-fetch"]);
    all.extend(flags);
    let provider = Server::start("provider", &all, &directory);
    let issuer = provider.prints("listening on ");
    let admin = provider.prints("admin listening on ");
    provider.prints("mtls listening on ");
    Secured { provider, directory, script, certificate, issuer, admin }
}

impl Secured {
    /// Runs the script with the issuer, the directory, and these arguments.
    fn runs(self, arguments: &[&str]) {
        let directory = self.directory.to_str().expect("the path is text");
        node_trusting(
            self.certificate,
            self.script,
            &[&[self.issuer.as_str(), directory], arguments].concat(),
        );
        assert!(self.provider.stop().success(), "the provider must stop cleanly");
    }
}
