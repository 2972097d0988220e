//! `openid-client` for Node signs in at `examples/provider`.

mod interop;

use interop::{Server, node, workspace};

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
