//! `owner add|list`.

use serde_json::json;

use crate::harness::{Cli, Home};

fn with_alice() -> Home {
    let home = Home::new();
    Cli::new(&home)
        .args("owner add alice --password-stdin".split(' '))
        .stdin("correct horse\n")
        .stdout("username    alice\nenabled     yes\ncreated_at  <instant>\n")
        .run();
    home
}

#[test]
fn an_owner_in_each_format() {
    let home = with_alice();
    let table = "username  enabled  created_at\nalice     yes      <instant>\n";
    let line = "{\"username\":\"alice\",\"enabled\":true,\"created_at\":\"<instant>\"}\n";
    let csv = "username,enabled,created_at\nalice,yes,<instant>\n";
    for (format, shown) in [("table", table), ("jsonl", line), ("csv", csv), ("id", "alice\n")] {
        Cli::new(&home)
            .args(["owner", "list", "-o", format])
            .stdout(shown)
            .run();
    }
    let list = home.json("owner list");
    let fields: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["username", "enabled", "created_at"]);
    for (format, shown) in [
        (
            "jsonl",
            "{\"username\":\"bob\",\"enabled\":true,\"created_at\":\"<instant>\"}\n",
        ),
        ("csv", "username,enabled,created_at\nbob,yes,<instant>\n"),
        ("id", "bob\n"),
    ] {
        Cli::new(&Home::new())
            .args(["owner", "add", "bob", "--password-stdin", "-o", format])
            .stdin("correct horse")
            .stdout(shown)
            .run();
    }
}

#[test]
fn an_empty_list_is_no_error() {
    Cli::new(&Home::new())
        .args(["owner", "list", "-o", "json"])
        .stdout("[]\n")
        .stderr(
            "no resource owners yet; `oauthctl owner add` makes one\n\
             looked into ./oauthctl.db, which is new; OAUTHCTL_DATABASE or --database names another database\n",
        )
        .run();
}

#[test]
fn a_username_is_taken_once() {
    let home = with_alice();
    Cli::new(&home)
        .args("owner add alice --password-stdin".split(' '))
        .stdin("another horse\n")
        .stderr("error: there is a resource owner `alice` already\ngive the new one another username\n")
        .code(4)
        .run();
}

#[test]
fn what_is_missing_or_refused() {
    let ask = "or run this on a terminal without --no-input to be asked\n";
    let long = "x".repeat(1025);
    for (args, stdin, message) in [
        (
            "owner add",
            &b""[..],
            &*format!("the username and --password-stdin are missing; give them, {ask}"),
        ),
        (
            "owner add alice",
            b"",
            &format!("--password-stdin is missing; give it, {ask}"),
        ),
        (
            "owner add alice --no-input",
            b"",
            &format!("--password-stdin is missing; give it, {ask}"),
        ),
        (
            "owner add --password-stdin",
            b"correct horse",
            &format!("the username is missing; give it, {ask}"),
        ),
        (
            "owner add alice --password-stdin",
            b"",
            "there is no password on stdin; it is expected on the first line\n",
        ),
        (
            "owner add alice --password-stdin",
            b"\ncorrect horse\n",
            "there is no password on stdin; it is expected on the first line\n",
        ),
        (
            "owner add alice --password-stdin",
            b"1234567\n",
            "a password needs at least 8 characters\n",
        ),
        (
            "owner add alice --password-stdin",
            long.as_bytes(),
            "a password may have 1024 bytes at most\n",
        ),
        (
            "owner add alice --password-stdin",
            b"\xff\xfe2345678\n",
            "the password on stdin is not text in UTF-8\n",
        ),
    ] {
        let home = Home::new();
        Cli::new(&home)
            .args(args.split(' '))
            .stdin(stdin)
            .stderr(&format!("error: {message}"))
            .code(2)
            .run();
        assert_eq!(home.json("owner list"), json!([]));
    }
    Cli::new(&Home::new())
        .args(["owner", "add", "al ice"])
        .stderr(
            "error: invalid value 'al ice' for '[USERNAME]': 1 to 100 characters without white space and control \
             characters are expected\n\nFor more information, try '--help'.\n",
        )
        .code(2)
        .run();
}
