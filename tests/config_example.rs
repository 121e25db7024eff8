//! `oauthctl.toml.example` is the truth about every key.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::path::PathBuf;

use oauthctl::config::{CommandLine, KEYS, Origin, Settings, Sources, load};

const EXAMPLE: &str = include_str!("../oauthctl.toml.example");

#[test]
fn every_value_is_the_built_in_default_and_every_key_stands_in_it() {
    let path = PathBuf::from("oauthctl.toml.example");
    let sources = Sources {
        command_line: CommandLine {
            config: Some(path.clone()),
            ..CommandLine::default()
        },
        working_directory: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        ..Sources::default()
    };
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings, Settings::default());

    let lines: Vec<_> = EXAMPLE.lines().collect();
    let mut last = 0;
    for (key, _, origin) in loaded.entries() {
        let Origin::File { line, .. } = origin else {
            panic!("`{key}` is missing")
        };
        assert!(*line > last, "`{key}` stands out of order");
        last = *line;
        assert!(lines[line - 1].starts_with(&format!("{} = ", key.name)));
        assert_eq!(comment_above(&lines[..line - 1]), key.about, "above `{key}`");
    }
    assert_eq!(loaded.entries().count(), KEYS.len());
}

/// The text of the comment at the end of `lines`, on one line.
fn comment_above(lines: &[&str]) -> String {
    let start = lines
        .iter()
        .rposition(|line| !line.starts_with("# "))
        .map_or(0, |before| before + 1);
    lines[start..]
        .iter()
        .map(|line| line.trim_start_matches("# "))
        .collect::<Vec<_>>()
        .join(" ")
}
