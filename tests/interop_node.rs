//! Libraries for Node sign in at `examples/provider`.

mod interop;

use interop::{Server, node, workspace};

/// Authority of the certificate that the scripts serve by.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback.crt");

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
