//! Every row of `attacks.md` that this release can reach is named by a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sections about what exists.
const REACHED: &str = "ABCDEFGHIJKLMQR";

/// Rows of those sections that nothing here can be attacked with, each with the reason.
const OUT_OF_REACH: [(u32, &str); 5] = [
    (239, "no logout token is received: there is no relying party"),
    (240, "no logout token is received: there is no relying party"),
    (241, "no logout token is received: there is no relying party"),
    (242, "no logout token is received: there is no relying party"),
    (243, "no front-channel logout is received: there is no relying party"),
];

#[test]
fn every_row_in_reach_is_named_by_a_test() {
    let named = named_rows();
    let missing: Vec<_> = rows()
        .into_iter()
        .filter(|(row, section)| {
            REACHED.contains(*section)
                && !named.contains(row)
                && !OUT_OF_REACH.iter().any(|(out, _)| out == row)
        })
        .collect();
    assert!(missing.is_empty(), "rows (and their sections) that no test names: {missing:?}");
}

#[test]
fn every_row_out_of_reach_is_in_a_reached_section_and_untested() {
    let (rows, named) = (rows(), named_rows());
    for (row, reason) in OUT_OF_REACH {
        assert!(
            rows.get(&row).is_some_and(|section| REACHED.contains(*section)),
            "row {row} is not asked for"
        );
        assert!(!named.contains(&row), "row {row} is tested, although {reason}");
    }
}

#[test]
fn every_row_that_a_comment_names_exists() {
    let rows = rows();
    let unknown: Vec<_> = named_rows().into_iter().filter(|row| !rows.contains_key(row)).collect();
    assert!(unknown.is_empty(), "comments name rows that do not exist: {unknown:?}");
}

/// The numbers of the catalogue with the letter of their section.
fn rows() -> BTreeMap<u32, char> {
    let catalogue = read(&root().join("tests/attacks.md"));
    let mut section = ' ';
    let mut rows = BTreeMap::new();
    for line in catalogue.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.chars().next().unwrap_or(' ');
        }
        if let Some(row) = line.strip_prefix("| ").and_then(|line| line.split(' ').next()?.parse().ok()) {
            assert_eq!(rows.insert(row, section), None, "row {row} is there twice");
        }
    }
    assert!(rows.len() > 300, "the catalogue is cut");
    rows
}

/// The rows that comments of tests name, as `attack 12`.
fn named_rows() -> BTreeSet<u32> {
    let mut files = Vec::new();
    for directory in ["src", "tests", "examples"] {
        collect(&root().join(directory), &mut files);
    }
    files.iter().flat_map(|file| rows_named_in(&tests_of(file))).collect()
}

/// The part of a file that is test code: all of it, or what follows the first `#[cfg(test)]`.
fn tests_of(file: &Path) -> String {
    let text = read(file);
    let path = file.strip_prefix(root()).expect("the file is of this package");
    let below_tests = path.components().any(|part| part.as_os_str() == "tests");
    let is_test_code = below_tests || path.ends_with("tests.rs") || path.starts_with("src/testing");
    if is_test_code {
        text
    } else {
        text.split_once("#[cfg(test)]").map_or_else(String::new, |(_, tests)| tests.to_owned())
    }
}

fn rows_named_in(text: &str) -> Vec<u32> {
    let comments = text.lines().filter_map(|line| line.split_once("//"));
    comments
        .flat_map(|(_, comment)| comment.split("attack ").skip(1))
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the directory can be listed") {
        let path = entry.expect("an entry can be read").path();
        let is_source = path.extension().is_some_and(|extension| extension == "rs" || extension == "mjs");
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, files);
        } else if is_source {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
