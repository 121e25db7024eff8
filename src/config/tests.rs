use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::span::Span;

/// A place where nothing is configured.
fn nowhere() -> (tempfile::TempDir, Sources) {
    let directory = tempfile::tempdir().unwrap();
    let sources = Sources {
        working_directory: directory.path().to_owned(),
        ..Sources::default()
    };
    (directory, sources)
}

fn with_file(text: &str) -> (tempfile::TempDir, Sources) {
    let (directory, sources) = nowhere();
    fs::write(directory.path().join("oauthctl.toml"), text).unwrap();
    (directory, sources)
}

fn set(sources: &mut Sources, name: &str, value: impl Into<OsString>) {
    sources.environment.insert(name.into(), value.into());
}

fn refusal(sources: &Sources) -> String {
    load(sources).unwrap_err().to_string()
}

fn listen(sources: &Sources) -> u16 {
    load(sources).unwrap().settings.server.listen.port()
}

#[test]
fn without_any_source_everything_is_the_default() {
    let (_directory, sources) = nowhere();
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.file, None);
    assert!(loaded.entries().all(|(_, _, origin)| *origin == Origin::Default));
}

#[test]
fn the_keys_stand_by_section_and_every_section_has_some() {
    let mut sections: Vec<_> = KEYS.iter().map(|key| key.section).collect();
    sections.dedup();
    assert_eq!(sections, keys::SECTIONS);
    let mut variables: Vec<_> = KEYS.iter().map(Key::variable).collect();
    variables.sort();
    let count = variables.len();
    variables.dedup();
    assert_eq!(variables.len(), count);
    assert_eq!(
        keys::find("tokens", "code_lifetime").unwrap().variable(),
        "OAUTHCTL_TOKENS_CODE_LIFETIME"
    );
}

#[test]
fn every_default_is_accepted_where_it_is_written_down() {
    let (_directory, mut sources) = nowhere();
    let defaults = Settings::default();
    for key in KEYS {
        set(&mut sources, &key.variable(), key.value(&defaults).to_string());
    }
    // An empty variable counts as not set, which is what some defaults are.
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings, defaults);
    for (key, _, origin) in loaded
        .entries()
        .filter(|(_, value, _)| !value.to_string().is_empty())
    {
        assert_eq!(*origin, Origin::Environment(key.variable()));
    }
}

#[test]
fn every_key_reaches_its_own_setting() {
    let other = [
        ("server.listen", "127.0.0.1:1"),
        ("server.issuer", "https://id.example.com/oauth"),
        ("server.behind_proxy", "true"),
        ("server.trusted_proxies", "10.0.0.0/8,192.0.2.7"),
        ("server.health_listen", "0.0.0.0:9420"),
        ("server.session_lifetime", "1h1m"),
        ("server.approval_time", "2m"),
        ("server.shutdown_grace", "3s"),
        ("database.path", "/var/lib/oauthctl/oauthctl.db"),
        ("database.busy_timeout", "4s"),
        ("database.readers", "5"),
        ("tokens.access_token_lifetime", "6m"),
        ("tokens.code_lifetime", "7s"),
        ("tokens.refresh_token_lifetime", "8d"),
        ("tokens.refresh_token_idle", "9h"),
        ("tokens.refresh_retry_window", "0s"),
        ("tokens.keep_ended", "31d"),
        ("tokens.prune_every", "0s"),
        ("check.request_from", "original"),
        ("check.trust_forwarded_from", "2001:db8::/32"),
        ("tls.certificate", "/etc/oauthctl/fullchain.pem"),
        ("tls.private_key", "/etc/oauthctl/privkey.pem"),
        ("tls.hsts_max_age", "5m"),
        ("log.level", "trace"),
        ("log.format", "json"),
        ("pages.title", "Example Ltd"),
        ("pages.header", "Example Ltd: sign in"),
        ("pages.footer", "Imprint: example.com/imprint"),
        ("pages.logo", "/etc/oauthctl/logo.svg"),
        ("pages.accent", "#0b6e4f"),
        ("pages.language", "de"),
        ("pages.templates", "/etc/oauthctl/pages"),
        ("pages.developer_details", "true"),
        ("limits.connections", "10"),
        ("limits.connections_per_address", "18"),
        ("limits.requests_per_connection", "11"),
        ("limits.head_bytes", "2048"),
        ("limits.headers", "32"),
        ("limits.target_bytes", "3000"),
        ("limits.body_bytes", "4096"),
        ("limits.head_time", "12s"),
        ("limits.body_time", "13s"),
        ("limits.idle_time", "14s"),
        ("limits.write_time", "15s"),
        ("limits.waiting_writes", "19"),
        ("limits.password_hashes", "16"),
        ("limits.failures", "17"),
        ("limits.failures_per_address", "18"),
    ];
    assert_eq!(
        KEYS.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other.map(|(key, _)| key)
    );
    let defaults = Settings::default();
    for (key, (_, value)) in KEYS.iter().zip(other) {
        let (_directory, mut sources) = nowhere();
        set(&mut sources, &key.variable(), value);
        // The two files of TLS are set together or not at all.
        let other_file = match key.name {
            "certificate" => Some("OAUTHCTL_TLS_PRIVATE_KEY"),
            "private_key" => Some("OAUTHCTL_TLS_CERTIFICATE"),
            _ => None,
        };
        if let Some(other) = other_file {
            set(&mut sources, other, "other.pem");
        }
        let loaded = load(&sources).unwrap();
        for (shown, now, origin) in loaded.entries() {
            if Some(shown.variable().as_str()) == other_file {
                assert_eq!(now.to_string(), "other.pem");
            } else if shown.to_string() == key.to_string() {
                assert_eq!(now.to_string(), value);
                assert_eq!(origin.to_string(), key.variable());
            } else {
                assert_eq!(now, shown.value(&defaults), "{key} changed {shown}");
            }
        }
    }
}

#[test]
fn an_option_is_stronger_than_the_environment_and_that_than_the_file() {
    let (_directory, mut sources) =
        with_file("[server]\nlisten = \"127.0.0.1:1\"\n\n[database]\npath = \"file.db\"\n");
    let key = |name| KEYS.iter().find(|key| key.name == name).unwrap();

    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings.server.listen.port(), 1);
    assert_eq!(loaded.origin(key("listen")).to_string(), "oauthctl.toml:2");
    assert_eq!(loaded.origin(key("path")).to_string(), "oauthctl.toml:5");
    assert_eq!(loaded.origin(key("readers")).to_string(), "default");
    assert_eq!(loaded.file, Some(PathBuf::from("oauthctl.toml")));

    set(&mut sources, "OAUTHCTL_SERVER_LISTEN", "127.0.0.1:2");
    set(&mut sources, "OAUTHCTL_DATABASE", "environment.db");
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings.server.listen.port(), 2);
    assert_eq!(loaded.settings.database.path, Path::new("environment.db"));
    assert_eq!(loaded.origin(key("path")).to_string(), "OAUTHCTL_DATABASE");

    sources.command_line = CommandLine {
        config: None,
        database: Some("option.db".into()),
        listen: Some("0.0.0.0:3".parse().unwrap()),
        issuer: Some("https://id.example.com".parse().unwrap()),
    };
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings.server.listen.port(), 3);
    assert_eq!(loaded.settings.database.path, Path::new("option.db"));
    let bound = loaded.settings.server.listen;
    assert_eq!(
        loaded.settings.issuer_at(bound).unwrap().as_str(),
        "https://id.example.com"
    );
    for (name, option) in [
        ("listen", "--listen"),
        ("path", "--database"),
        ("issuer", "--issuer"),
    ] {
        assert_eq!(loaded.origin(key(name)).to_string(), option);
    }
}

#[test]
fn the_nearest_file_is_read_and_only_that() {
    let (directory, mut sources) = nowhere();
    let write = |name: &str, port: u16| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("[server]\nlisten = \"127.0.0.1:{port}\"\n")).unwrap();
        path
    };
    sources.system_file = Some(write("etc/oauthctl/oauthctl.toml", 1));
    assert_eq!(listen(&sources), 1);

    set(&mut sources, "HOME", directory.path().join("home"));
    assert_eq!(listen(&sources), 1);
    write("home/.config/oauthctl/oauthctl.toml", 2);
    assert_eq!(listen(&sources), 2);

    // A relative directory is ignored, as the XDG Base Directory Specification has it.
    set(&mut sources, "XDG_CONFIG_HOME", "xdg");
    write("xdg/oauthctl/oauthctl.toml", 3);
    assert_eq!(listen(&sources), 2);
    set(&mut sources, "XDG_CONFIG_HOME", directory.path().join("xdg"));
    assert_eq!(listen(&sources), 3);

    write("oauthctl.toml", 4);
    assert_eq!(listen(&sources), 4);

    write("environment.toml", 5);
    set(&mut sources, "OAUTHCTL_CONFIG", "environment.toml");
    assert_eq!(listen(&sources), 5);

    sources.command_line.config = Some(write("option.toml", 6));
    assert_eq!(listen(&sources), 6);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let (_directory, mut sources) = nowhere();
    set(&mut sources, "OAUTHCTL_CONFIG", "absent.toml");
    assert_eq!(
        refusal(&sources),
        "absent.toml: no such configuration file; OAUTHCTL_CONFIG names it"
    );
    sources.command_line.config = Some("gone/absent.toml".into());
    assert_eq!(
        refusal(&sources),
        "gone/absent.toml: no such configuration file; --config names it"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_passed_over() {
    let (directory, sources) = nowhere();
    fs::create_dir(directory.path().join("oauthctl.toml")).unwrap();
    assert!(refusal(&sources).starts_with("oauthctl.toml: the configuration file cannot be read: "));
}

#[test]
fn a_file_larger_than_a_mebibyte_is_refused() {
    let fits = "#".repeat(1024 * 1024);
    let (_directory, sources) = with_file(&fits);
    assert!(load(&sources).is_ok());
    let (_directory, sources) = with_file(&(fits + "#"));
    assert_eq!(
        refusal(&sources),
        "oauthctl.toml: the configuration file is larger than 1 MiB"
    );
}

#[test]
fn a_span_may_be_a_number_of_seconds_in_the_file_and_in_the_environment() {
    let (_directory, mut sources) =
        with_file("[tokens]\ncode_lifetime = 0x1e\nrefresh_token_idle = 1_000\nrefresh_retry_window = 5\n");
    set(&mut sources, "OAUTHCTL_TOKENS_ACCESS_TOKEN_LIFETIME", "90");
    let tokens = load(&sources).unwrap().settings.tokens;
    assert_eq!(tokens.code_lifetime, Span::from_secs(30));
    assert_eq!(tokens.refresh_token_idle, Span::from_secs(1000));
    assert_eq!(tokens.access_token_lifetime, Span::from_secs(90));
    assert_eq!(
        tokens.refresh_retry_window,
        RefreshRetryWindow::For(Span::from_secs(5))
    );
}

#[test]
fn the_environment_is_refused_with_the_variable_and_what_is_accepted() {
    for (name, value, message) in [
        (
            "OAUTHCTL_DATABASE_READERS",
            "many",
            "OAUTHCTL_DATABASE_READERS: `database.readers`: `many` is not accepted; accepted is an integer from 1 to 256",
        ),
        (
            "OAUTHCTL_DATABASE_READERS",
            "-1",
            "OAUTHCTL_DATABASE_READERS: `database.readers`: `-1` is out of range; accepted is an integer from 1 to 256",
        ),
        (
            "OAUTHCTL_LOG_LEVEL",
            "loud",
            "OAUTHCTL_LOG_LEVEL: `log.level`: `loud` is not accepted; accepted is `error`, `warn`, `info`, `debug` or `trace`",
        ),
        (
            "OAUTHCTL_DATABASE",
            ":memory:",
            "OAUTHCTL_DATABASE: `database.path`: a database in memory cannot be shared by several connections; accepted is the path of a file, such as `./oauthctl.db`",
        ),
        (
            "OAUTHCTL_TOKENS_CODE_LIFETME",
            "60s",
            "OAUTHCTL_TOKENS_CODE_LIFETME: no setting has this variable; did you mean `OAUTHCTL_TOKENS_CODE_LIFETIME`?",
        ),
        (
            "OAUTHCTL_LOG_COLOUR",
            "",
            "OAUTHCTL_LOG_COLOUR: no setting has this variable; those of `log` are OAUTHCTL_LOG_LEVEL, OAUTHCTL_LOG_FORMAT",
        ),
    ] {
        let (_directory, mut sources) = nowhere();
        set(&mut sources, name, value);
        assert_eq!(refusal(&sources), message);
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let (_directory, mut sources) = nowhere();
    for name in [
        "OAUTHCTL_HOME",
        "OAUTHCTL_WEBHOOKS_URL",
        "OAUTHCTL_",
        "OAUTHCTL",
        "oauthctl_log_colour",
        "PATH",
    ] {
        set(&mut sources, name, "x");
    }
    set(&mut sources, "OAUTHCTL_CONFIG", "");
    set(&mut sources, "OAUTHCTL_DATABASE", "");
    assert_eq!(load(&sources).unwrap().settings, Settings::default());
}

#[test]
fn the_database_is_named_once() {
    let (_directory, mut sources) = nowhere();
    set(&mut sources, "OAUTHCTL_DATABASE", "a.db");
    set(&mut sources, "OAUTHCTL_DATABASE_PATH", "b.db");
    assert_eq!(
        refusal(&sources),
        "`OAUTHCTL_DATABASE` and `OAUTHCTL_DATABASE_PATH` both set `database.path`; leave one of them out"
    );
}

#[cfg(unix)]
#[test]
fn a_path_may_be_any_bytes_and_other_variables_must_be_text() {
    use std::os::unix::ffi::OsStringExt;

    let bytes = OsString::from_vec(b"caf\xe9".to_vec());
    for name in ["OAUTHCTL_DATABASE", "OAUTHCTL_DATABASE_PATH"] {
        let (_directory, mut sources) = nowhere();
        set(&mut sources, name, bytes.clone());
        assert_eq!(load(&sources).unwrap().settings.database.path.as_os_str(), bytes);
    }
    let (_directory, mut sources) = nowhere();
    set(&mut sources, "OAUTHCTL_PAGES_TITLE", bytes);
    assert_eq!(
        refusal(&sources),
        "OAUTHCTL_PAGES_TITLE: `pages.title`: the variable is not text in UTF-8"
    );
}

#[test]
fn an_address_that_others_reach_needs_an_issuer_wherever_it_was_set() {
    let (_directory, mut sources) = nowhere();
    sources.command_line.listen = Some("192.168.1.5:8420".parse().unwrap());
    assert_eq!(
        refusal(&sources),
        "--listen: `server.issuer`: listening on `192.168.1.5:8420` needs an issuer, because clients reach that address by an `https` URL of its own"
    );
    set(&mut sources, "OAUTHCTL_SERVER_ISSUER", "https://id.example.com");
    assert_eq!(listen(&sources), 8420);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(text in "(\\[?(server|tokens|limits|x)\\]?\n|(listen|readers|a|tokens)( ?[=.] ?|\n)|\"|1|-|[ -~é\u{0}\r]|\n){0,12}") {
        let (_directory, sources) = with_file(&text);
        if let Err(refusal) = load(&sources) {
            let message = refusal.to_string();
            proptest::prop_assert!(message.starts_with("oauthctl.toml:"), "{}", message);
        }
    }
}
