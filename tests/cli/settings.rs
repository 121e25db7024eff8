//! Where settings come from: option, environment, file, default.

use std::fs;

use serde_json::Value;

use crate::harness::{Cli, Home, REGISTER};

/// The files in a new directory after `client list` with this file, environment and options.
fn databases(file: Option<&str>, variable: Option<(&str, &str)>, options: &[&str]) -> Vec<String> {
    let home = Home::new();
    if let Some(file) = file {
        home.write("oauthctl.toml", file);
    }
    let mut run = Cli::new(&home).args(["client", "list", "-q"]).args(options);
    if let Some((name, value)) = variable {
        run = run.env(name, value);
    }
    run.run();
    let mut files = home.files();
    files.retain(|name| name != "oauthctl.toml");
    files
}

#[test]
fn the_stronger_database_wins() {
    let file = Some("[database]\npath = \"file.db\"\n");
    let variable = Some(("OAUTHCTL_DATABASE", "variable.db"));
    let option = &["--database", "option.db"][..];
    assert_eq!(databases(None, None, &[]), ["oauthctl.db"]);
    assert_eq!(databases(file, None, &[]), ["file.db"]);
    assert_eq!(databases(file, variable, &[]), ["variable.db"]);
    assert_eq!(
        databases(file, Some(("OAUTHCTL_DATABASE_PATH", "key.db")), &[]),
        ["key.db"]
    );
    assert_eq!(databases(file, variable, option), ["option.db"]);
    assert_eq!(databases(file, Some(("OAUTHCTL_DATABASE", "")), &[]), ["file.db"]);
}

#[test]
fn the_stronger_lifetime_wins() {
    let home = Home::with_scope();
    let registered = |id: &str, variable: Option<&str>, option: Option<&str>| -> Value {
        let mut run = Cli::new(&home)
            .args(REGISTER.split(' '))
            .args(["--client-id", id, "-o", "json"]);
        if let Some(value) = variable {
            run = run.env("OAUTHCTL_TOKENS_ACCESS_TOKEN_LIFETIME", value);
        }
        if let Some(value) = option {
            run = run.args(["--access-token-lifetime", value]);
        }
        let client: Value = serde_json::from_slice(&run.output().stdout).unwrap();
        client["access_token_lifetime"].clone()
    };
    assert_eq!(registered("a", None, None), 3600);
    home.write("oauthctl.toml", "[tokens]\naccess_token_lifetime = \"20m\"\n");
    assert_eq!(registered("b", None, None), 1200);
    assert_eq!(registered("c", Some("30m"), None), 1800);
    assert_eq!(registered("d", Some("30m"), Some("40m")), 2400);
    // A client keeps what it was registered with.
    assert_eq!(home.json("client show a")["access_token_lifetime"], 3600);
}

#[test]
fn the_nearer_file_wins() {
    let home = Home::new();
    let file = |path: &str, name: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("[database]\npath = \"{name}\"\n")).unwrap();
    };
    let xdg = home.join("xdg");
    let variables = [("XDG_CONFIG_HOME", xdg.to_str().unwrap())];
    let made = |variables: &[(&str, &str)], options: &[&str]| -> String {
        let mut run = Cli::new(&home).args(["client", "list", "-q"]).args(options);
        for (name, value) in variables {
            run = run.env(name, value);
        }
        run.run();
        let known = ["home", "xdg", "oauthctl.toml", "named.toml", "option.toml"];
        let mut made = home.files();
        made.retain(|name| !known.contains(&name.as_str()));
        for name in &made {
            fs::remove_file(home.join(name)).unwrap();
        }
        made.join(" ")
    };
    file("home/.config/oauthctl/oauthctl.toml", "home.db");
    assert_eq!(made(&[], &[]), "home.db");
    file("xdg/oauthctl/oauthctl.toml", "xdg.db");
    assert_eq!(made(&variables, &[]), "xdg.db");
    file("oauthctl.toml", "here.db");
    assert_eq!(made(&variables, &[]), "here.db");
    file("named.toml", "named.db");
    assert_eq!(made(&[("OAUTHCTL_CONFIG", "named.toml")], &[]), "named.db");
    file("option.toml", "option.db");
    assert_eq!(
        made(&[("OAUTHCTL_CONFIG", "named.toml")], &["--config", "option.toml"]),
        "option.db"
    );
}

#[test]
fn mistakes_in_the_file() {
    for (content, message) in [
        (
            "[tokens]\ncode_lifetme = \"1m\"\n",
            "oauthctl.toml:2: unknown key `tokens.code_lifetme`; did you mean `code_lifetime`?",
        ),
        (
            "\n[tokns]\ncode_lifetime = \"1m\"\n",
            "oauthctl.toml:2: unknown section `tokns`; did you mean `tokens`?",
        ),
        (
            "[tokens]\n\ncode_lifetime = \"11m\"\n",
            "oauthctl.toml:3: `tokens.code_lifetime`: `11m` is too long; accepted is a span from `1s` to `10m`",
        ),
    ] {
        let home = Home::new();
        home.write("oauthctl.toml", content);
        Cli::new(&home)
            .args(["client", "list"])
            .stderr(&format!("error: {message}\n"))
            .code(2)
            .run();
        assert_eq!(home.files(), ["oauthctl.toml"], "no database is made");
    }
}

#[test]
fn mistakes_in_the_environment_and_the_options() {
    for (variable, options, message) in [
        (
            Some(("OAUTHCTL_CONFIG", "no.toml")),
            &[][..],
            "no.toml: no such configuration file; OAUTHCTL_CONFIG names it",
        ),
        (
            None,
            &["--config", "no.toml"],
            "no.toml: no such configuration file; --config names it",
        ),
        (
            Some(("OAUTHCTL_TOKENS_CODE_LIFETME", "1m")),
            &[],
            "OAUTHCTL_TOKENS_CODE_LIFETME: no setting has this variable; did you mean \
             `OAUTHCTL_TOKENS_CODE_LIFETIME`?",
        ),
        (
            Some(("OAUTHCTL_TOKENS_CODE_LIFETIME", "soon")),
            &[],
            "OAUTHCTL_TOKENS_CODE_LIFETIME: `tokens.code_lifetime`: `soon` is not a span; write it like `30d`, `1h30m` or \
             `60s`",
        ),
        (
            None,
            &["--database", ":memory:"],
            "--database: `database.path`: a database in memory cannot be shared by several connections; accepted is \
             the path of a file, such as `./oauthctl.db`",
        ),
    ] {
        let home = Home::new();
        let mut run = Cli::new(&home).args(["client", "list"]).args(options);
        if let Some((name, value)) = variable {
            run = run.env(name, value);
        }
        run.stderr(&format!("error: {message}\n")).code(2).run();
        assert!(home.files().is_empty());
    }
}
