//! Every target of the fuzzer over its whole corpus, without the fuzzer: what it once found stays found.
//!
//! A corpus is a directory of `fixtures/fuzz/`: inputs written by hand, and those by which the fuzzer reached a part of
//! the code or broke something. What a target holds stands in its file in `targets/`; how to look for more, in
//! `tests/fuzz/run`.
//!
//! # What was run
//!
//! On two busy cores, one to three minutes a target, 4,484,580 executions in all; an edge is one from a block of instructions
//! to another, counted over the program and the libraries that it calls.
//!
//! | target | executions | edges reached |
//! |---|---|---|
//! | `authorization_request` | 77,291 | 2,087 |
//! | `check_request` | 516,206 | 1,018 |
//! | `client_address` | 193,880 | 503 |
//! | `client_authentication` | 258,445 | 729 |
//! | `configuration` | 171,724 | 4,288 |
//! | `coverage` | 130,723 | 2,166 |
//! | `declaration` | 220,009 | 4,655 |
//! | `form` | 111,339 | 793 |
//! | `issuer` | 275,095 | 1,071 |
//! | `page` | 13,159 | 1,608 |
//! | `redirect_uri` | 240,784 | 1,070 |
//! | `request_head` | 982,691 | 623 |
//! | `resource` | 78,936 | 1,275 |
//! | `scope` | 34,883 | 821 |
//! | `span` | 830,333 | 1,028 |
//! | `token` | 349,082 | 551 |
//!
//! It found an issuer beneath `/.well-known`, whose endpoints the router took for metadata of others
//! (`issuer/beneath_well_known`), and a path with `&path=` in it, of which a check looked at the first half only
//! (`check_request/empty_path_within_the_path`). Nothing panicked.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use targets::TARGETS;

/// So that a clone stays small. What the fuzzer collects for itself lies in the target directory.
const MOST_FILES: usize = 300;
const MOST_BYTES: usize = 300 * 1024;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz")
}

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(corpora().join(target))
        .unwrap_or_else(|error| panic!("{target}: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let input = fs::read(&path).unwrap();
            (path, input)
        })
        .collect()
}

#[test]
fn what_each_target_holds_is_true_of_its_corpus() {
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(inputs.len() >= 3, "{name} has {} inputs", inputs.len());
        // Nothing at all is an input as well.
        target(b"");
        for (path, input) in inputs {
            if catch_unwind(|| target(&input)).is_err() {
                failed.push(path.display().to_string());
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn each_corpus_has_a_target_and_all_are_small() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let directories: BTreeSet<String> = fs::read_dir(corpora())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(directories, targets);
    let sizes: Vec<usize> = targets
        .iter()
        .flat_map(|target| inputs(target))
        .map(|(_, input)| input.len())
        .collect();
    let (files, bytes) = (sizes.len(), sizes.iter().sum::<usize>());
    assert!(
        files <= MOST_FILES && bytes <= MOST_BYTES,
        "{files} files of {bytes} bytes"
    );
}

/// The list in the script is what is fuzzed.
#[test]
fn the_script_names_every_target() {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/run")).unwrap();
    let line = script.lines().find_map(|line| line.strip_prefix("targets=("));
    let named: BTreeSet<&str> = line.unwrap().trim_end_matches(')').split(' ').collect();
    assert_eq!(named, TARGETS.iter().map(|(name, _)| *name).collect());
}
