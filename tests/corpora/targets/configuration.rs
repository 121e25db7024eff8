//! The configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oauthctl::config::{KEYS, Loaded, Settings, Sources, Value, load, of_file};

pub(super) fn run(input: &[u8]) {
    let loaded = match of_file(Path::new("oauthctl.toml"), input.to_vec()) {
        Ok(loaded) => loaded,
        Err(error) => {
            let message = error.to_string();
            super::assert_message(&message);
            // It names the file and a line that is there, but where two settings do not fit together by default.
            let line = message
                .strip_prefix("oauthctl.toml:")
                .map(|rest| rest.split(':').next().unwrap());
            if let Some(line) = line {
                let lines = input.split(|byte| *byte == b'\n').count();
                assert!((1..=lines).contains(&line.parse().unwrap()), "{message}");
            } else {
                assert!(message.starts_with("default: "), "{message}");
            }
            return;
        }
    };
    assert_bounds(&loaded.settings);
    // All settings in force, written down, are these settings.
    let again = of_file(Path::new("again"), written(&loaded).into_bytes()).unwrap();
    assert_eq!(again.settings, loaded.settings);
    // In the environment an empty variable counts as not set, so only some settings can be said there.
    let defaults = Settings::default();
    let environment: BTreeMap<_, _> = KEYS
        .iter()
        .map(|key| (key, key.value(&loaded.settings)))
        .filter(|(key, value)| *value != key.value(&defaults))
        .map(|(key, value)| (key.variable().into(), value.to_string().into()))
        .collect();
    let can_be_said = environment
        .values()
        .all(|value: &std::ffi::OsString| !value.is_empty() && !value.to_string_lossy().contains('\0'));
    if can_be_said {
        let sources = Sources {
            environment,
            working_directory: PathBuf::from("/nonexistent"),
            ..Sources::default()
        };
        assert_eq!(load(&sources).unwrap().settings, loaded.settings);
    }
}

/// As a file that sets every key.
fn written(loaded: &Loaded) -> String {
    let mut sections = toml::Table::new();
    for (key, value, _) in loaded.entries() {
        let value = match value {
            Value::Text(text) => toml::Value::String(text),
            Value::Integer(number) => toml::Value::Integer(number.try_into().unwrap()),
            Value::Boolean(whether) => toml::Value::Boolean(whether),
            Value::List(texts) => texts
                .into_iter()
                .map(toml::Value::String)
                .collect::<Vec<_>>()
                .into(),
        };
        let section = sections
            .entry(key.section)
            .or_insert_with(|| toml::Table::new().into());
        section.as_table_mut().unwrap().insert(key.name.to_owned(), value);
    }
    sections.to_string()
}

/// Nothing without a bound, and no secrets in clear on the way.
fn assert_bounds(settings: &Settings) {
    let limits = &settings.limits;
    assert!((1..=65536).contains(&limits.connections) && limits.head_bytes <= 1024 * 1024);
    assert!(settings.tokens.code_lifetime.as_secs() <= 600);
    if settings.protection().is_some() {
        let issuer = settings.issuer_at(settings.server.listen).unwrap();
        assert!(
            issuer.is_https() || settings.server.listen.ip().is_loopback(),
            "{issuer}"
        );
    }
}
