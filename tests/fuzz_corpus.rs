//! Replays the corpora of `fuzz/` on the oracles, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vouchsafe::internal::fuzzing;

/// What a target does with any bytes: it panics where a rule does not hold.
type Oracle = fn(&[u8]);

/// Every target with its oracle.
const TARGETS: [(&str, Oracle); 19] = [
    ("authorization", fuzzing::authorization),
    ("authorize", fuzzing::authorize),
    ("certificate", fuzzing::certificate),
    ("claims", fuzzing::claims),
    ("client_assertion", fuzzing::client_assertion),
    ("dpop", fuzzing::dpop),
    ("fetch_url", fuzzing::fetch_url),
    ("form", fuzzing::form),
    ("jwe", fuzzing::jwe),
    ("jwk", fuzzing::jwk),
    ("jws", fuzzing::jws),
    ("output", fuzzing::output),
    ("post_logout", fuzzing::post_logout),
    ("protocol", fuzzing::protocol),
    ("redirect_uri", fuzzing::redirect_uri),
    ("registration", fuzzing::registration),
    ("request_object", fuzzing::request_object),
    ("scope", fuzzing::scope),
    ("tokens", fuzzing::tokens),
];

#[test]
fn every_seed_passes_its_oracle() {
    for (target, oracle) in TARGETS {
        let seeds = entries(&corpora().join(target));
        assert!(!seeds.is_empty(), "fuzz/corpus/{target} is empty");
        for seed in seeds {
            println!("{}", seed.display()); // shown when the oracle panics
            oracle(&fs::read(&seed).expect("a seed can be read"));
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    assert_eq!(stems(&corpora()), targets);
    assert_eq!(stems(&package().join("fuzz_targets")), targets);
}

#[test]
fn every_oracle_bears_an_empty_input() {
    for (_, oracle) in TARGETS {
        oracle(b"");
    }
}

fn stems(directory: &Path) -> BTreeSet<String> {
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    entries(directory).into_iter().filter_map(stem).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = listing.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.sort();
    paths
}

fn corpora() -> PathBuf {
    package().join("corpus")
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}
