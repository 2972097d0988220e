//! The flags of `examples/provider`, as `--help` tells them.

use crate::running::output;

/// The flags, in the order in which they are told.
const FLAGS: [&str; 40] = [
    "--listen",
    "--issuer",
    "--database",
    "--short-lived",
    "--short-lived-is-new",
    "--profile",
    "--keys",
    "--secrets",
    "--clients",
    "--registration",
    "--users",
    "--account-creation",
    "--tls-cert",
    "--tls-key",
    "--mtls-listen",
    "--mtls-ca-file",
    "--ca-file",
    "--access-token",
    "--response-types",
    "--pushed-requests",
    "--request-objects",
    "--dangerous-unsigned-request-objects",
    "--jarm",
    "--authorization-details",
    "--resources",
    "--client-secret-jwt",
    "--encryption",
    "--introspection-jwt",
    "--dpop",
    "--dpop-nonce",
    "--device",
    "--ciba",
    "--token-exchange",
    "--trusted-issuers",
    "--dangerous-allow-unsigned-id-tokens",
    "--admin-listen",
    "--dangerous-admin-beyond-loopback",
    "--demo-client",
    "--workers",
    "--dangerous-allow-loopback-fetch",
];

#[test]
fn every_flag_is_explained() {
    let help = output("provider", &["--help"]);
    let lines: Vec<&str> = help.lines().collect();
    let mut told = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("      --")) {
        let flag = line.split_whitespace().next().unwrap();
        assert!(lines.get(index + 1).is_some_and(|line| line.trim().len() > 20), "{flag}");
        told.push(flag);
    }
    assert_eq!(told, FLAGS);
}
