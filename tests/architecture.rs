//! Reads the sources and holds them to the map in `src/lib.rs`.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each top-level module. Modules of one floor do not import each other, but for those of floor 0.
const FLOORS: [(&str, u8); 9] = [
    ("domain", 0),
    ("clock", 0),
    ("entropy", 0),
    ("protocol", 1),
    ("store", 1),
    ("config", 1),
    ("authorization_server", 2),
    ("http", 3),
    ("cli", 4),
];

struct Source {
    path: PathBuf,
    /// The top-level module that it belongs to.
    module: String,
    text: String,
}

impl Source {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Lines that are code, with their numbers: comments say what they like.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(n, line)| (n + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let sources: Vec<Source> = paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap().to_owned();
            let first = path
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            Source {
                module: first.trim_end_matches(".rs").to_owned(),
                path,
                text,
            }
        })
        .collect();
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    sources
}

/// The top-level modules that a line of code names: `crate::store::…`, `crate::{clock, …}`.
fn modules_named(line: &str) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .map(str::to_owned)
            .collect()
    };
    line.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => words(group),
            None => words(rest).into_iter().take(1).collect(),
        })
        .collect()
}

#[test]
fn modules_import_from_lower_floors_only() {
    let floors: BTreeMap<&str, u8> = FLOORS.into();
    let mut faults = Vec::new();
    for source in sources() {
        let Some(&floor) = floors.get(source.module.as_str()) else {
            assert!(
                matches!(source.module.as_str(), "lib" | "main"),
                "{} belongs to no floor; add its module to the map",
                source.name()
            );
            continue;
        };
        for (number, line) in source.code() {
            for named in modules_named(line) {
                let Some(&other) = floors.get(named.as_str()) else {
                    continue;
                };
                let is_allowed = named == source.module || other < floor || (floor == 0 && other == 0);
                if !is_allowed {
                    faults.push(format!(
                        "{}:{number} imports {named}: {}",
                        source.name(),
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// No line of code outside of `home` holds one of `words`.
fn only_within(home: &str, words: &[&str]) {
    only_within_any(&[home], words);
}

/// No line of code outside of `homes` holds one of `words`.
fn only_within_any(homes: &[&str], words: &[&str]) {
    let mut faults = Vec::new();
    let mut at_home = 0;
    for source in sources() {
        let is_home = homes.iter().any(|home| source.path.starts_with(home));
        for (number, line) in source.code() {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                if is_home {
                    at_home += 1;
                } else {
                    faults.push(format!(
                        "{}:{number} names {word}: {}",
                        source.name(),
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(
        at_home > 0,
        "nothing in {homes:?} names {words:?}: this test looks for the wrong words"
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn sql_stands_in_the_store_only() {
    only_within(
        "store",
        &[
            "rusqlite",
            "SELECT ",
            "INSERT INTO",
            "UPDATE ",
            "DELETE FROM",
            "PRAGMA ",
        ],
    );
}

#[test]
fn tiny_http_is_named_in_the_listener_only() {
    only_within("http/listener", &["tiny_http", "httparse"]);
}

#[test]
fn what_writes_the_log_is_named_in_the_command_line_only() {
    only_within("cli", &["tracing_subscriber"]);
}

#[test]
fn randomness_is_asked_for_in_one_file_only() {
    only_within("entropy.rs", &["rand::", "SysRng", "getrandom"]);
}

#[test]
fn the_clocks_of_the_machine_are_read_in_one_file_only() {
    only_within(
        "clock.rs",
        &["SystemTime", "std::time::Instant", "Timestamp::from_second"],
    );
}

#[test]
fn argument_and_terminal_libraries_are_named_in_the_command_line_only() {
    only_within("cli", &["clap::", "dialoguer", "comfy_table", "anyhow"]);
}

#[test]
fn templates_are_rendered_in_the_pages_and_for_examples_only() {
    // The pages escape for HTML; the configurations of `example` escape nothing, and hold checked types only.
    only_within_any(&["http/pages", "cli/example"], &["minijinja"]);
}

#[test]
fn the_map_names_every_module() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for (module, _) in FLOORS {
        assert!(map.contains(&format!("pub mod {module};")), "{module}");
        let named = map
            .lines()
            .filter(|line| line.starts_with("//!"))
            .any(|line| line.contains(module));
        assert!(named, "the map does not name {module}");
    }
}
