//! The architecture as a test: reads the sources and fails on what the layers and the rules of the crate forbid.
//!
//! What it cannot see is what a macro writes; everything else stands in the text of the files.

#![expect(clippy::unwrap_used, reason = "what a test did not expect fails it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Most production lines in one file.
const MAX_LINES: usize = 700;

/// The modules of the crate, the lowest layer first. A module may name any module of a layer below its own.
const LAYERS: &[&[&str]] = &[
    &["error", "clock", "entropy", "runtime", "secret", "types"],
    &["pkce", "wire", "seal", "jose", "proof"],
    &["client", "store", "policy", "accounts", "event", "limiter"],
    &["provider", "rp", "resource"],
    &["gateway", "identity"],
    &["adapters", "bridge", "testing"],
    &["internal"],
];

/// What may be named within a layer: the second may name the first.
const ARROWS: &[(&str, &str)] = &[
    ("entropy", "error"),
    ("entropy", "secret"),
    ("clock", "types"),
    ("entropy", "types"),
    ("error", "types"),
    ("wire", "jose"),
    ("wire", "proof"),
    ("seal", "jose"),
    ("jose", "proof"),
    ("client", "store"),
    ("client", "policy"),
    ("client", "accounts"),
    ("client", "event"),
    // How refresh tokens rotate is decided by a policy, in the words in which the store is told.
    ("store", "policy"),
    ("identity", "bridge"),
];

/// What may be named in production code only where a path begins with one of these.
const CONFINED: &[(&str, &[&str])] = &[
    ("josekit::", &["jose/"]),
    ("openssl::", &[]),
    ("x509_parser::", &["proof/"]),
    ("axum::", &["adapters/"]),
    ("cryptoki::", &["adapters/"]),
    ("http_body::", &["adapters/"]),
    ("http_body_util::", &["adapters/"]),
    ("redis::", &["adapters/"]),
    ("reqwest::", &["adapters/"]),
    ("sqlx::", &["adapters/"]),
    ("tokio::", &["adapters/"]),
    ("tower::", &["adapters/"]),
    ("tracing::", &["adapters/"]),
    ("rand::", &["entropy.rs"]),
    ("SystemTime::now", &["clock.rs"]),
    // How long a connection was not used is no matter of the protocol.
    ("Instant::now", &["adapters/sqlx/lender", "adapters/tokio"]),
];

/// One source file, with its path below `src`.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module at the top of the crate that the file belongs to; `lib` for the crate's root.
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// How many modules lie between the crate's root and the items of this file, itself included.
    fn depth(&self) -> usize {
        let directories = self.path.matches('/').count();
        if self.path.ends_with("/mod.rs") || self.path == "lib.rs" { directories } else { directories + 1 }
    }

    /// The text without the tests at its end; nothing of a file that is all tests.
    fn production(&self) -> &str {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return "";
        }
        let tests = self.text.match_indices("#[cfg(test)]").find(|(at, _)| {
            let rest = self.text[at + "#[cfg(test)]".len()..].trim_start();
            rest.starts_with("mod ") || rest.starts_with("#[path")
        });
        tests.map_or(&self.text, |(at, _)| &self.text[..at])
    }

    /// The production text with comments removed and literals emptied.
    fn code(&self) -> String {
        stripped(self.production())
    }
}

#[test]
fn nothing_imports_upward() {
    report(&edges(&sources()));
}

#[test]
fn third_party_crates_and_ambient_sources_stay_where_they_belong() {
    report(&strays(&sources()));
}

#[test]
fn no_production_file_is_too_long() {
    report(&long_files(&sources()));
}

#[test]
fn features_choose_modules_and_nothing_else() {
    report(&feature_gates(&sources()));
}

#[test]
fn every_reason_is_given_somewhere() {
    let names: Vec<_> = vouchsafe::error::Reason::ALL.iter().map(|reason| reason.name()).collect();
    report(&unused_reasons(&sources(), &names));
}

fn report(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// Every path from the crate's root that the layers forbid.
fn edges(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.module() != "lib") {
        for named in modules_named(&source.code(), source.depth()) {
            if !may_name(source.module(), &named) {
                findings.push(format!("{}: {} must not name {named}", source.path, source.module()));
            }
        }
    }
    findings
}

fn may_name(module: &str, named: &str) -> bool {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    match (layer(module), layer(named)) {
        _ if module == named => true,
        (Some(upper), Some(lower)) => upper > lower || ARROWS.contains(&(named, module)),
        _ => false,
    }
}

/// The first segments of all paths that begin at the crate's root, written `crate::` or with enough `super::`.
fn modules_named(code: &str, depth: usize) -> Vec<String> {
    let to_root = "super::".repeat(depth);
    let mut named = Vec::new();
    for prefix in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            let longer = code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c));
            if !longer {
                named.extend(first_segments(&code[at + prefix.len()..]));
            }
        }
    }
    named.sort();
    named.dedup();
    named
}

/// `a` of `a::b`; `a` and `c` of `{a::b, c::{d, e}}`.
fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else { return vec![identifier(path)] };
    let (mut depth, mut segments, mut fresh) = (1, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            _ if fresh && !c.is_whitespace() => {
                segments.push(identifier(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    segments
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Every mention of something confined outside its place.
fn strays(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let code = source.code();
        for (name, places) in CONFINED {
            let at_home = places.iter().any(|place| source.path.starts_with(place));
            if !at_home && mentions(&code, name) {
                findings.push(format!("{} must not name {name}", source.path));
            }
        }
    }
    findings
}

/// Whether `name` stands in `code` as the beginning of a path, or renamed by a `use`.
fn mentions(code: &str, name: &str) -> bool {
    let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
    let absolute =
        |at: usize| code[..at].ends_with("std::time::") || code[..at].trim_end().ends_with("use ::");
    let path = code.match_indices(name).any(|(at, _)| begins(at) || absolute(at));
    let renamed = name.strip_suffix("::").is_some_and(|name| code.contains(&format!("use {name} as ")));
    path || renamed
}

fn long_files(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().map(|source| (&source.path, source.production().lines().count()));
    long.filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect()
}

/// Every `cfg` on a feature that stands elsewhere than on a `mod` line, or on a `pub use` of such a module.
fn feature_gates(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let lines: Vec<_> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| gates(line.trim())) {
            let gated =
                lines[at + 1..].iter().find(|line| !line.starts_with("#[") && !line.starts_with("//"));
            let item = gated.copied().unwrap_or_default();
            let choosing = ["mod ", "pub mod ", "pub(crate) mod ", "pub use "];
            if !(line.starts_with("#[cfg(") && choosing.iter().any(|word| item.starts_with(word))) {
                findings.push(format!("{}:{}: a feature gates more than a module", source.path, at + 1));
            }
        }
    }
    findings
}

fn gates(line: &str) -> bool {
    !line.starts_with("//") && line.contains("cfg") && line.contains("feature = ")
}

/// A reason is given by its path, or by `Self::` where something is turned into a reason.
fn unused_reasons(sources: &[Source], names: &[&str]) -> Vec<String> {
    let mut given = BTreeSet::new();
    for source in sources {
        if source.path == "error/reason.rs" || source.module() == "testing" {
            continue;
        }
        let code = source.code();
        let own = if code.contains(" for Reason {") { "Self::" } else { "Reason::" };
        for prefix in ["Reason::", own] {
            given.extend(code.match_indices(prefix).map(|(at, _)| identifier(&code[at + prefix.len()..])));
        }
    }
    let unused = names.iter().filter(|name| !given.contains(**name));
    unused.map(|name| format!("no code gives Reason::{name}")).collect()
}

/// All files below `src`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 50, "the sources are where this test looks");
    found
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// `text` without comments, and with its string and character literals emptied.
fn stripped(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string_length(rest),
            'r' if raw_string_length(rest).is_some() && !code.ends_with(|c: char| c.is_alphanumeric()) => {
                raw_string_length(rest).unwrap()
            }
            '\'' => character_length(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
        }
        rest = &rest[skipped.max(c.len_utf8())..];
    }
    code
}

/// The length of the string literal at the beginning of `text`.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string_length(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let body = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    body.find(&end).map(|at| 1 + hashes + 1 + at + end.len())
}

/// The length of the character literal at the beginning of `text`; 0 where it is a lifetime.
fn character_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => chars.find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Planted violations: the checks above find each of them.
mod planted {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<Source> {
        vec![Source::new(path, text)]
    }

    #[test]
    fn an_upward_import_is_found_however_it_is_written() {
        for text in [
            "use crate::provider::Config;",
            "use crate::{error::Reason, provider::{Config, Context}};",
            "fn f() { crate::provider::run() }",
            "use super::super::provider::Config;",
        ] {
            assert_eq!(edges(&file("store/code.rs", text)).len(), 1, "{text}");
        }
        assert_eq!(edges(&file("types/id.rs", "use crate::Provider;")).len(), 1, "only modules may be named");
        assert_eq!(edges(&file("adapters/axum.rs", "use crate::testing::Harness;")).len(), 1);
        assert_eq!(edges(&file("policy.rs", "use crate::event::Event;")).len(), 1);
    }

    #[test]
    fn a_downward_import_and_what_only_looks_like_one_are_left_alone() {
        for text in [
            "use crate::client::Client;",
            "use super::Grant;",
            "// crate::provider",
            "const A: &str = \"crate::provider\"; const B: char = '\"';",
            "macro_rules! m { () => { $crate::provider::f() } }",
            "#[cfg(test)]\nmod tests { use crate::testing::Harness; }",
        ] {
            assert_eq!(edges(&file("store/code.rs", text)), [""; 0], "{text}");
        }
        assert_eq!(edges(&file("jose/jws.rs", "use crate::seal::Sealed;")), [""; 0]);
    }

    #[test]
    fn a_confined_name_is_found_outside_its_place() {
        for text in [
            "use tokio::time;",
            "fn f() { tokio::spawn(g()) }",
            "use tokio as runtime;",
            "use ::tokio::time;",
            "let now = SystemTime::now();",
            "let now = std::time::SystemTime::now();",
            "let r = rand::random();",
        ] {
            assert_eq!(strays(&file("provider/mod.rs", text)).len(), 1, "{text}");
        }
        for text in ["/// [`tokio::spawn`]", "let a = \"tokio::spawn\";", "mod tokio;", "my_tokio::f()"] {
            assert_eq!(strays(&file("provider/mod.rs", text)), [""; 0], "{text}");
        }
        assert_eq!(strays(&file("adapters/tokio.rs", "use tokio::time;")), [""; 0]);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let lines = |count: usize| "fn f() {}\n".repeat(count);
        assert_eq!(long_files(&file("wire/head.rs", &lines(701))).len(), 1);
        let with_tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}", lines(700), lines(50));
        assert_eq!(long_files(&file("wire/head.rs", &with_tests)), [""; 0]);
    }

    #[test]
    fn a_feature_inside_a_function_or_on_an_item_is_found() {
        for text in [
            "fn f() {\n    #[cfg(feature = \"tokio\")]\n    g();\n}",
            "#[cfg(feature = \"tokio\")]\nfn f() {}",
            "fn f() { if cfg!(feature = \"tokio\") { g() } }",
            "#[cfg_attr(feature = \"x\", derive(Debug))]\nmod a;",
        ] {
            assert_eq!(feature_gates(&file("provider/mod.rs", text)).len(), 1, "{text}");
        }
        let module = "#[cfg(feature = \"tokio\")]\n#[cfg_attr(docsrs, doc(cfg(true)))]\npub mod tokio;";
        assert_eq!(feature_gates(&file("adapters/mod.rs", module)), [""; 0]);
    }

    #[test]
    fn a_reason_that_nothing_gives_is_found() {
        let used = file("wire/head.rs", "fn f() -> Reason { Reason::CodeExpiredLongAgo }");
        assert_eq!(unused_reasons(&used, &["CodeExpired", "CodeExpiredLongAgo"]).len(), 1);
    }
}
