//! A person with Chromium goes through the whole quickstart.

mod interop;

use interop::{Server, node, workspace};

#[test]
fn a_person_completes_the_quickstart_in_a_browser() {
    let directory = workspace("quickstart");
    let quickstart =
        Server::start("quickstart", &["--provider-port", "0", "--application-port", "0"], &directory);
    let application = quickstart.prints("open ");
    let pictures = directory.join("pictures");
    node("quickstart.mjs", &[&application, pictures.to_str().expect("the path is text")]);
    assert!(quickstart.stop().success(), "the quickstart must stop cleanly");
}
