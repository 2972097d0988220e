//! Libraries for Node verify what `examples/pkcs11` lets SoftHSM sign.

mod interop;

use std::fs;
use std::process::{Command, Stdio};

use interop::{Server, node, workspace};

const PIN: &str = "7263-correct";
const TOKEN: &str = "vouchsafe interop";

#[test]
fn openid_client_and_jose_verify_what_a_token_has_signed() {
    let module =
        std::env::var("VOUCHSAFE_PKCS11_MODULE").expect("VOUCHSAFE_PKCS11_MODULE: tests/services run");
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", TOKEN, "--so-pin", PIN, "--pin", PIN])
        .stdout(Stdio::null())
        .status();
    assert!(made.expect("softhsm2-util is in PATH").success());
    let directory = workspace("pkcs11");
    fs::write(directory.join("pin"), PIN).expect("the workspace can be written");

    // The key is made by the first run and found by the second.
    for _ in 0..2 {
        let provider = Server::start("pkcs11", &[&module, TOKEN, "pin", "127.0.0.1:0"], &directory);
        let issuer = provider.prints("listening on ");
        node("pkcs11.mjs", &[&issuer]);
        let _ended = provider.stop();
    }
}
