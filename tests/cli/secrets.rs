//! Where secrets come from, and where they go.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use crate::harness::{Cli, Home, REGISTER, with_placeholders};
use crate::serve::Server;

const BROUGHT: &str = "correct-horse-battery-staple-0001";

#[test]
fn a_secret_file_is_new_and_for_its_owner_alone() {
    let home = Home::with_scope();
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--client-id", "ci", "--secret-file", "ci.secret", "-o", "id"])
        .stdout("ci\n")
        .run();
    let mode = fs::metadata(home.join("ci.secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let content = fs::read_to_string(home.join("ci.secret")).unwrap();
    assert_eq!(with_placeholders(&content), "<secret>\n");
    // It is the secret: the client authenticates with it, and with nothing else.
    let server = Server::start(&home);
    assert_eq!(server.introspect("ci", content.trim_end()), 200);
    assert_eq!(server.introspect("ci", "ocs_another"), 401);
}

#[test]
fn what_goes_to_a_file_is_not_printed() {
    let home = Home::with_scope();
    for format in ["table", "json", "jsonl", "csv"] {
        let file = format!("secret.{format}");
        let output = Cli::new(&home)
            .args(REGISTER.split(' '))
            .args(["--secret-file", &file, "-o", format])
            .output();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let secret = fs::read_to_string(home.join(&file)).unwrap();
        assert!(printed.contains("orders-"), "{printed}");
        assert!(
            !printed.contains(secret.trim_end()) && !printed.contains("client_secret"),
            "{printed}"
        );
    }
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let home = Home::with_scope();
    home.write("notes.txt", "mine");
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--secret-file", "notes.txt"])
        .stderr(
            "error: notes.txt exists already, and a secret is never written over a file; name another one\n",
        )
        .code(4)
        .run();
    assert_eq!(fs::read_to_string(home.join("notes.txt")).unwrap(), "mine");
    assert_eq!(home.json("client list"), json!([]));
}

#[test]
fn nothing_is_left_behind_where_nothing_was_registered() {
    let home = Home::with_client();
    for (args, code) in [
        (["--client-id", "orders-web"], 4),
        (["--scope", "mail"], 3),
        (["--code-lifetime", "11m"], 2),
        (["--redirect-uri", "https://orders.example/cb"], 2),
    ] {
        let output = Cli::new(&home)
            .args(REGISTER.split(' '))
            .args(args)
            .args(["--secret-file", "new.secret"])
            .output();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(home.files(), ["oauthctl.db", "orders-web.secret"]);
    }
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--secret-file", "no/such/file"])
        .stderr("error: cannot create no/such/file: No such file or directory (os error 2)\n")
        .code(1)
        .run();
    assert_eq!(home.json("client list").as_array().unwrap().len(), 1);
}

#[test]
fn an_identifier_alone_would_lose_the_secret() {
    let home = Home::with_scope();
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["-o", "id"])
        .stderr("error: -o id would lose the secret; add --secret-file FILE to keep it\n")
        .code(2)
        .run();
    assert_eq!(home.json("client list"), json!([]));
}

#[test]
fn a_secret_that_cannot_be_handed_over_is_said_to_be_lost() {
    let home = Home::with_scope();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home
        .command()
        .args(REGISTER.split(' '))
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(
        with_placeholders(&String::from_utf8(output.stderr).unwrap()),
        "error: `orders-<suffix>` is registered, but its secret could not be handed over and is lost: cannot write to \
         stdout: Broken pipe (os error 32)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_secret_can_be_brought_along() {
    let home = Home::with_scope();
    let mut run = Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--client-id", "ci", "--secret-stdin", "-o", "jsonl"])
        .stdin(format!("{BROUGHT}\n"));
    let output = run.output();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        printed.starts_with("{\"client_id\":\"ci\",\"name\":"),
        "{printed}"
    );
    assert!(!printed.contains(BROUGHT), "{printed}");
    let server = Server::start(&home);
    assert_eq!(server.introspect("ci", BROUGHT), 200);
    assert_eq!(server.introspect("ci", "correct-horse-battery-staple-0002"), 401);
    // An identifier alone loses nothing here.
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--client-id", "again", "--secret-stdin", "-o", "id"])
        .stdin(BROUGHT)
        .stdout("again\n")
        .run();
}

#[test]
fn a_weak_secret_is_refused() {
    let home = Home::with_scope();
    let unfit = "a secret that is brought along needs 32 to 255 printable ASCII characters without space, 8 of them \
                 different";
    for (stdin, message) in [
        (
            "",
            "there is no secret on stdin; it is expected on the first line",
        ),
        ("short", unfit),
        (&BROUGHT[..31], unfit),
        (&"a".repeat(64), unfit),
        (&BROUGHT.replace('-', " "), unfit),
        (&"0123456789".repeat(26), unfit),
    ] {
        Cli::new(&home)
            .args(REGISTER.split(' '))
            .args(["--secret-stdin"])
            .stdin(stdin)
            .stderr(&format!("error: {message}\n"))
            .code(2)
            .run();
    }
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--secret-stdin", "--secret-file", "x"])
        .stderr(
            "error: the argument '--secret-stdin' cannot be used with '--secret-file <FILE>'\n\n\
             Usage: oauthctl client register --name <NAME> --redirect-uri <URI>... --scope <SCOPE>... \
             --secret-stdin\n\nFor more information, try '--help'.\n",
        )
        .code(2)
        .run();
    assert_eq!(home.json("client list"), json!([]));
    assert_eq!(home.files(), ["oauthctl.db"]);
}
