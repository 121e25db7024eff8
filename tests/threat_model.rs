//! The threat model speaks of what there is: each test and each module that it names exists, each attack of RFC 9700
//! has its row, and each row its proof.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn document() -> String {
    fs::read_to_string(root().join("src/threat_model.md")).unwrap()
}

/// What stands between backquotes.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A file and a function: `tests/http/pages.rs::a_form_ends`.
fn as_test(span: &str) -> Option<(&str, &str)> {
    let (file, function) = span.split_once(".rs::")?;
    Some((&span[..file.len() + 3], function))
}

/// The rows of the tables, without their heads.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    let mut before = "";
    text.lines().filter(move |line| {
        let is_row = line.starts_with('|') && before.starts_with('|') && !line.starts_with("|--");
        before = line;
        is_row
    })
}

#[test]
fn each_test_that_is_named_exists() {
    let text = document();
    let mut named = 0;
    let mut missing = Vec::new();
    for (file, function) in code_spans(&text).filter_map(as_test) {
        named += 1;
        let source = fs::read_to_string(root().join(file)).unwrap_or_default();
        // Between `#[test]` and the function there may be other attributes.
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        let at = lines
            .iter()
            .position(|line| line.starts_with(&format!("fn {function}(")));
        let before = lines[..at.unwrap_or(0)].iter().rev();
        let is_test = before
            .take_while(|line| line.starts_with('#'))
            .any(|line| *line == "#[test]");
        if !is_test {
            missing.push(format!("{file}::{function}"));
        }
    }
    assert!(named > 50, "{named} tests are named");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn each_module_that_is_named_exists() {
    let text = document();
    let links: BTreeSet<&str> = text
        .split("crate::")
        .skip(1)
        .filter_map(|rest| rest.lines().next())
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        let path = root().join("src").join(link.replace("::", "/"));
        assert!(
            path.with_extension("rs").is_file() || path.join("mod.rs").is_file(),
            "{link}"
        );
        assert!(
            text.contains(&format!("[`{link}`]")),
            "{link} is linked from nowhere"
        );
    }
}

#[test]
fn each_attack_of_rfc_9700_has_its_row_and_each_row_its_proof() {
    let text = document();
    let attacks: Vec<&str> = text
        .split("\n# ")
        .skip(1)
        .filter(|part| part.starts_with("RFC") || part.starts_with("The "))
        .collect();
    assert_eq!(attacks.len(), 5, "the parts that have attacks in tables");
    let sections: Vec<String> = rows(attacks[0])
        .map(|row| row.split('|').nth(1).unwrap().trim().to_owned())
        .collect();
    let expected: Vec<String> = (1..=17).map(|n| format!("4.{n}")).collect();
    assert_eq!(sections, expected);
    for row in attacks.iter().flat_map(|part| rows(part)) {
        let proof = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let tests: Vec<_> = code_spans(proof).map(as_test).collect();
        assert!(!tests.is_empty() && tests.iter().all(Option::is_some), "{row}");
    }
}

#[test]
fn it_is_linked_from_where_people_begin() {
    for file in ["README.md", "src/lib.rs"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains("threat_model"), "{file}");
    }
}
