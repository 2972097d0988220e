//! Every test that `conformance.md` names exists, and so does what `README.md` says of each specification.

use std::fs;
use std::path::{Path, PathBuf};

/// The sections of the page.
const SECTIONS: usize = 10;

#[test]
fn every_test_that_is_named_exists() {
    let missing: Vec<_> =
        rows().iter().flat_map(|row| named(&row.tests)).filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
}

#[test]
fn every_row_names_tests() {
    let rows = rows();
    let unclear: Vec<_> = rows.iter().filter(|row| named(&row.tests).is_empty()).collect();
    assert!(unclear.is_empty(), "{unclear:?}");
    for section in 1..=SECTIONS {
        assert!(rows.iter().any(|row| row.section == section), "section {section} is empty");
    }
}

/// Each specification has a test file, and is on always or by calls that there are.
#[test]
fn every_specification_has_its_call_and_its_test_file() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the page is there");
    let (_, table) =
        readme.split_once("| specification | supported | the call | test file |").expect("a table");
    let table = table.split("\n\n").next().expect("the table ends");
    let source = calls(&root().join("src"));
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| specification")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let &["", _, _, call, file, ""] = cells.as_slice() else { panic!("four cells: {line}") };
        let [file] = &*named(file) else { panic!("one file: {line}") };
        assert!(root().join("tests/it").join(file).is_file(), "there is no {file}");
        assert!(call.starts_with("always") || !named(call).is_empty(), "no call: {line}");
        for call in named(call).iter().filter_map(|call| call.rsplit("::").next()) {
            let there =
                [format!("pub fn {call}("), format!("pub const fn {call}("), format!("pub struct {call} ")];
            let generic = format!("pub fn {call}<");
            assert!(there.iter().chain([&generic]).any(|text| source.contains(text)), "there is no {call}");
        }
        rows += 1;
    }
    assert!(rows > 30, "the table is cut");
}

/// The text of all files below `directory`.
fn calls(directory: &Path) -> String {
    let entries = fs::read_dir(directory).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths
        .map(|path| match path.is_dir() {
            true => calls(&path),
            false => fs::read_to_string(&path).unwrap_or_default(),
        })
        .collect()
}

#[test]
fn a_name_of_nothing_is_found() {
    for name in [
        "it/oidc_discovery::no_such_test",
        "it/no_such_file::the_metadata_says_what_was_built_in",
        "it/oidc_discovery::get",
        "it/oidc_discovery",
    ] {
        assert!(!exists(name), "{name}");
    }
    assert!(exists("it/oidc_discovery::the_metadata_says_what_was_built_in"));
    assert!(exists("src/types/id::identifiers_are_bounded_and_printable"));
}

#[derive(Debug)]
struct Row {
    section: usize,
    tests: String,
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("tests/conformance.md")).expect("the page is there");
    let (mut section, mut rows) = (0, Vec::new());
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title
                .split('.')
                .next()
                .and_then(|number| number.parse().ok())
                .expect("sections are numbered");
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let &["", requirement, tests, ""] = cells.as_slice() else { continue };
        if requirement != "requirement" && !requirement.starts_with("---") {
            rows.push(Row { section, tests: tests.to_owned() });
        }
    }
    assert!(rows.len() > 250, "the page is cut");
    rows
}

/// The names between backquotes.
fn named(tests: &str) -> Vec<String> {
    tests.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a file has a function of this name right below the attribute of a test.
fn exists(name: &str) -> bool {
    let Some((file, function)) = name.split_once("::") else { return false };
    let directory = if file.starts_with("src/") { "" } else { "tests" };
    let Ok(text) = fs::read_to_string(root().join(directory).join(format!("{file}.rs"))) else {
        return false;
    };
    let mut attribute = false;
    text.lines().map(str::trim).any(|line| {
        let is_test = attribute && line.contains(&format!("fn {function}("));
        attribute = line.starts_with("#[") && line.contains("test");
        is_test
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
