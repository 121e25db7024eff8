//! Streams that end early, and colour.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::harness::{Cli, Home};

#[test]
fn whoever_stops_reading_has_had_enough() {
    let home = Home::with_client();
    for args in [
        "client list",
        "client list -o json",
        "client list -o csv",
        "client show orders-web -o id",
        "scope list -o jsonl",
        "--help",
        "client register --help",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home
            .command()
            .args(args.split(' '))
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{args}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{args}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let home = Home::with_client();
    let output = home
        .command()
        .args(["client", "list"])
        .stdout(OpenOptions::new().write(true).open("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: cannot write to stdout: No space left on device (os error 28)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn errors_have_colour_where_it_is_asked_for() {
    let rest = "no client `mail`\n`oauthctl client list` shows those that are registered\n";
    for (choice, label) in [
        ("auto", "error:"),
        ("never", "error:"),
        ("always", "\u{1b}[1;31merror:\u{1b}[0m"),
    ] {
        Cli::new(&Home::with_client())
            .args(["client", "show", "mail", "--color", choice])
            .stderr(&format!("{label} {rest}"))
            .code(3)
            .run();
    }
}
