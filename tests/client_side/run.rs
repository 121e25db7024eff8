//! `run`: a command with a server of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{Waiting, output};
use crate::support::home::Home;

/// `oauthctl run` of a shell script, which finds the program in `$oauthctl`.
pub(crate) fn run(home: &Home, script: &str) -> Command {
    let mut command = home.command();
    command
        .args(["run", "--", "sh", "-c", script])
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", home.database().parent().unwrap())
        .env("oauthctl", env!("CARGO_BIN_EXE_oauthctl"));
    command
}

/// What is left in the directory for temporary files.
fn left(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.database().parent().unwrap()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("oauthctl-"))
        .collect()
}

#[test]
fn a_command_gets_a_token_and_its_exit_code_is_told() {
    let home = Home::empty();
    let script = r#"
        echo "$OAUTH_PASSWORD" | "$oauthctl" login --headless --owner "$OAUTH_USERNAME" --password-stdin --token-file t &&
        "$oauthctl" token list --kind access -o jsonl; exit 7"#;
    let ended = output(&mut run(&home, script), "");
    assert_eq!(ended.code, Some(7), "{ended:?}");
    let listed: serde_json::Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&listed["client_id"], &listed["username"]),
        (&"dev-client".into(), &"alice".into())
    );
    assert_eq!(left(&home), [""; 0]);
    assert!(
        !home.database().exists(),
        "the database of the settings is not touched"
    );
}

#[test]
fn two_at_a_time_do_not_meet() {
    let home = Home::empty();
    let script = r#"echo "http $OAUTH_ISSUER" >&2; read -r go; "$oauthctl" owner add dave --password-stdin -q -o id <<END
correct horse battery
END
"$oauthctl" owner list -o id | tr '\n' ' '; echo "$OAUTH_ISSUER $OAUTH_CLIENT_SECRET $OAUTHCTL_DATABASE""#;
    let mut both = [(); 2].map(|()| Waiting::start(&mut run(&home, script)));
    assert_eq!(left(&home).len(), 2);
    for waiting in &mut both {
        waiting.type_line("go");
    }
    let said = both.map(|waiting| {
        let ended = waiting.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (added, rest) = ended.stdout.split_once('\n').unwrap();
        assert_eq!(added, "dave");
        let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        assert_eq!(words[..4], ["alice", "bob", "carol", "dave"]);
        words[4..].to_vec()
    });
    for (one, other) in said[0].iter().zip(&said[1]) {
        assert_ne!(one, other);
    }
    assert_eq!(left(&home), [""; 0]);
}

#[test]
fn signals_are_passed_on_and_told() {
    let home = Home::empty();
    for (signal, script, code) in [
        (
            "TERM",
            "trap 'exit 3' TERM; echo http >&2; while :; do sleep 0.05; done",
            3,
        ),
        (
            "USR1",
            "trap 'exit 4' USR1; echo http >&2; while :; do sleep 0.05; done",
            4,
        ),
        (
            "INT",
            "trap 'exit 5' INT; echo http >&2; while :; do sleep 0.05; done",
            5,
        ),
        ("HUP", "echo http >&2; exec sleep 60", 129),
    ] {
        let waiting = Waiting::start(&mut run(&home, script));
        let sent = Command::new("kill").args(["-s", signal, &waiting.id()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(waiting.end().code, Some(code), "{signal}");
        assert_eq!(left(&home), [""; 0]);
    }
    assert_eq!(output(&mut run(&home, "kill -s KILL $$"), "").code, Some(137));
}

#[test]
fn what_cannot_be_run_is_told_as_a_shell_does() {
    let home = Home::empty();
    fs::write(home.database().with_file_name("text"), "").unwrap();
    for (program, code) in [("no-such-program", 127), ("./text", 126)] {
        let ended = output(home.command().args(["run", "--", program]), "");
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(
            ended
                .stderr
                .starts_with(&format!("error: cannot run {program}: ")),
            "{ended:?}"
        );
    }
    let without = "there is no command to run; it stands behind `--`";
    let misplaced = "put `--` before the command";
    for (args, said) in [
        (&["run"][..], without),
        (&["run", "pytest"], misplaced),
        (&["run", "pytest", "-x", "tests/"], misplaced),
        (&["run", "-x"], misplaced),
        (&["run", "sh", "--", "true"], misplaced),
    ] {
        let ended = output(home.command().args(args), "");
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
}

#[test]
fn a_login_in_it_needs_nothing_more() {
    let home = Home::empty();
    let ended = output(
        &mut run(
            &home,
            r#""$oauthctl" login --headless -o json && echo "$OAUTH_PASSWORD""#,
        ),
        "",
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (tokens, password) = ended.stdout.trim().rsplit_once('\n').unwrap();
    assert!(password.len() > 8 && !tokens.contains(password), "{ended:?}");
    assert!(!ended.stderr.contains(password), "{ended:?}");
    let tokens: serde_json::Value = serde_json::from_str(tokens).unwrap();
    assert_eq!(tokens["scope"], "orders:read orders:write profile");
}

#[test]
fn a_seed_says_what_the_server_begins_with() {
    let home = Home::empty();
    let seed = home.database().with_file_name("seed.toml");
    let declared = "[[scope]]\nname = \"a\"\ndescription = \"A\"\nfolders = [\"a\"]\n\n\
        [[client]]\nclient_id = \"mine\"\nname = \"Mine\"\nscopes = [\"a\"]\nredirect_uris = [\"http://127.0.0.1/x\"]\n\n\
        [[owner]]\nusername = \"zoe\"\npassword = \"correct horse battery\"\n";
    fs::write(&seed, declared).unwrap();
    let script = "echo $OAUTH_CLIENT_ID $OAUTH_SCOPE $OAUTH_REDIRECT_URI $OAUTH_USERNAME $OAUTH_PASSWORD";
    let seeded = |path: &Path| {
        let mut command = home.command();
        command
            .arg("run")
            .arg("--seed")
            .arg(path)
            .args(["--", "sh", "-c", script]);
        output(&mut command, "")
    };
    assert_eq!(
        seeded(&seed).stdout,
        "mine a http://127.0.0.1/x zoe correct horse battery\n"
    );
    let refused = seeded(Path::new("nowhere"));
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (Some(1), ""),
        "{refused:?}"
    );
}

#[test]
fn a_command_moves_the_clock_of_its_server_and_has_it_fail() {
    let home = Home::empty();
    let script = r#"
        login() {
            echo "$OAUTH_PASSWORD" | "$oauthctl" login --headless --owner "$OAUTH_USERNAME" --password-stdin --token-file "$1"
        }
        "$oauthctl" dev fail next token invalid_grant -q -o id >&2
        login t && exit 9
        login t && "$oauthctl" dev clock advance 2h >&2 && "$oauthctl" token list --kind access -o jsonl"#;
    let ended = output(&mut run(&home, script), "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("invalid_grant"), "{ended:?}");
    let listed: serde_json::Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(listed["state"], "expired");
    assert_eq!(left(&home), [""; 0]);
}
