//! A person with Chromium goes through the whole quickstart.

mod interop;

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
