//! `--help` and `--version`.

use crate::harness::{Cli, Home};

#[test]
fn version() {
    for flag in ["--version", "-V"] {
        Cli::new(&Home::new())
            .args([flag])
            .stdout(concat!("oauthctl ", env!("CARGO_PKG_VERSION"), "\n"))
            .run();
    }
}

#[test]
fn help_of_every_command_says_how_to_use_it() {
    let home = Home::new();
    for (command, example) in [
        ("", "  oauthctl serve\n"),
        ("client", ""),
        ("client register", "  oauthctl client register --name "),
        ("client list", ""),
        ("client show", ""),
        ("scope", ""),
        ("scope define", "  oauthctl scope define orders:read "),
        (
            "scope define",
            "In a route `{name}` stands for any one segment, and `**`",
        ),
        ("scope list", ""),
        ("scope show", ""),
        ("owner", ""),
        ("owner add", "  oauthctl owner add alice --password-stdin < "),
        ("owner list", ""),
        ("resource-server", ""),
        (
            "resource-server register",
            "  oauthctl resource-server register Warehouse ",
        ),
        ("resource-server list", ""),
        ("access", ""),
        ("access check", "  oauthctl access check --token-stdin "),
        ("access matrix", "  oauthctl access matrix --client orders-web\n"),
        ("login", "  oauthctl login --refresh --token-file "),
        ("run", "  oauthctl run -- npm test\n"),
        (
            "example client",
            "  oauthctl example client orders-web --for authlib ",
        ),
        ("serve", "  oauthctl serve --listen 127.0.0.1:0 "),
        ("serve", "  oauthctl serve --dev "),
        ("demo", ""),
        ("dev", "Time and trouble on demand"),
        ("dev clock", "  oauthctl dev clock advance 1h\n"),
        ("dev fail next", "  oauthctl dev fail next token invalid_grant\n"),
    ] {
        let output = Cli::new(&home)
            .args(command.split_whitespace())
            .args(["--help"])
            .output();
        let help = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(output.stderr.is_empty(), "{command}");
        let usage = format!("Usage: oauthctl {command}").trim_end().to_owned();
        assert!(
            help.contains(&usage) && help.contains(example),
            "{command}: {help}"
        );
        assert!(
            help.lines().all(|line| line.chars().count() <= 110),
            "{command}: {help}"
        );
    }
    assert!(home.files().is_empty());
}

#[test]
fn a_command_that_is_missing_or_misspelt_is_wrong_usage() {
    for (args, start) in [
        ("", "OAuth 2.0 authorization server"),
        ("client", "Applications that ask for authorization"),
        (
            "onwer list",
            "error: unrecognized subcommand 'onwer'\n\n  tip: a similar subcommand exists: 'owner'\n",
        ),
        (
            "client list --ouput json",
            "error: unexpected argument '--ouput' found\n\n  tip: a similar argument exists: '--output'\n",
        ),
        (
            "client list -o xml",
            "error: invalid value 'xml' for '--output <FORMAT>'\n  [possible values: table, json, jsonl, csv, id]\n",
        ),
    ] {
        let output = Cli::new(&Home::new()).args(args.split_whitespace()).output();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with(start), "{args}: {message}");
        assert!(output.stdout.is_empty(), "{args}");
        assert_eq!(output.status.code(), Some(2), "{args}");
    }
}
