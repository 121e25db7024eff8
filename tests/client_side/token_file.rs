//! `login --token-file` and `login --refresh`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::login::{HEADLESS, LOOPBACK, login, stage, tokens};
use crate::program::output;
use crate::support::home::{Home, PASSWORD};
use crate::support::server::Server;

#[test]
fn a_token_file_is_private_and_is_refreshed() {
    let (server, client) = stage();
    let path = server.home.database().with_file_name("tokens.json");
    let command = format!("{HEADLESS} --token-file tokens.json");
    let ended = output(&mut login(&server, &client, &command), PASSWORD);
    let printed = tokens(&ended);
    assert_eq!(printed["token_file"], "tokens.json");
    let read = || -> Value { serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap() };
    let first = read();
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    for secret in ["access_token", "refresh_token"] {
        assert!(!ended.stdout.contains(&text(&first, secret)), "{}", ended.stdout);
    }
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);

    let again = output(&mut login(&server, &client, &command), PASSWORD);
    assert_eq!(again.code, Some(4), "{again:?}");

    // Client and issuer stand in the file.
    let mut command = server.home.command();
    command
        .args([
            "login",
            "--refresh",
            "--token-file",
            "tokens.json",
            "--scope",
            "stock",
        ])
        .env("OAUTH_CLIENT_SECRET", &client.secret);
    assert_eq!(
        tokens(&output(command.args(["-o", "json"]), ""))["scope"],
        "stock"
    );
    let second = read();
    assert_eq!(mode(), 0o600);
    assert_ne!(text(&second, "access_token"), text(&first, "access_token"));
    assert_ne!(text(&second, "refresh_token"), text(&first, "refresh_token"));

    // A refresh token goes to nobody else.
    let refused = output(command.args(["--issuer", "http://127.0.0.1:9"]), "");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("the token file is of http://"),
        "{refused:?}"
    );
}

#[test]
fn refreshing_at_once_with_one_file_uses_no_refresh_token_twice() {
    let home = Home::furnished();
    let client = home.client("orders", &LOOPBACK);
    // The second use of a refresh token would end the grant.
    let server = Server::with(home, |command| {
        command.env("OAUTHCTL_TOKENS_REFRESH_RETRY_WINDOW", "0s")
    });
    let path = server.home.database().with_file_name("tokens.json");
    let command = format!("{HEADLESS} --token-file tokens.json");
    tokens(&output(&mut login(&server, &client, &command), PASSWORD));
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                let mut refresh = login(&server, &client, "--refresh --token-file tokens.json");
                scope.spawn(move || output(&mut refresh, ""))
            })
            .collect();
        for one in all {
            let ended = one.join().unwrap();
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    });
    let last: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(server.opens(last["access_token"].as_str().unwrap()));
    let others = fs::read_dir(path.parent().unwrap()).unwrap().flatten();
    let left: Vec<_> = others.map(|entry| entry.file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().starts_with(".tmp")),
        "{left:?}"
    );
}

#[test]
fn who_waits_for_a_token_file_says_so_and_waits_for_no_pipe() {
    let (server, client) = stage();
    let path = server.home.database().with_file_name("tokens.json");
    let command = format!("{HEADLESS} --token-file tokens.json");
    tokens(&output(&mut login(&server, &client, &command), PASSWORD));
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let mut waiting = login(&server, &client, "--refresh --token-file tokens.json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(waiting.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(
        said,
        "waiting for another process, which refreshes with tokens.json too\n"
    );
    drop(held);
    assert!(waiting.wait().unwrap().success());

    let pipe = path.with_file_name("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for name in ["pipe", "."] {
        let refused = output(
            &mut login(&server, &client, &format!("--refresh --token-file {name}")),
            "",
        );
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("is not a file"), "{refused:?}");
    }
}

#[test]
fn a_link_to_a_token_file_stays_one() {
    let (server, client) = stage();
    let path = server.home.database().with_file_name("tokens.json");
    let command = format!("{HEADLESS} --token-file tokens.json");
    tokens(&output(&mut login(&server, &client, &command), PASSWORD));
    let link = path.with_file_name("link.json");
    std::os::unix::fs::symlink("tokens.json", &link).unwrap();
    for name in ["link.json", "link.json", "tokens.json"] {
        let mut refresh = login(&server, &client, &format!("--refresh --token-file {name}"));
        let ended = output(&mut refresh, "");
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn where_no_file_can_be_made_nobody_is_asked_to_approve() {
    let (server, client) = stage();
    fs::write(server.home.database().with_file_name("file"), "").unwrap();
    for (name, code, said) in [
        ("/proc/tokens.json", 1, "write in the directory /proc"),
        ("file/tokens.json", 1, "write in the directory file"),
        ("-", 2, "without it the tokens are printed"),
    ] {
        let mut command = login(&server, &client, &format!("{HEADLESS} --token-file {name}"));
        let refused = output(&mut command, PASSWORD);
        assert_eq!(refused.code, Some(code), "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    assert_eq!(server.home.run(&["grant", "list"], ""), serde_json::json!([]));
}

#[test]
fn a_refresh_token_that_has_ended_is_said_with_what_helps() {
    let (server, client) = stage();
    let command = format!("{HEADLESS} --token-file tokens.json");
    let printed = tokens(&output(&mut login(&server, &client, &command), PASSWORD));
    let grant = printed["grant_id"].as_str().unwrap();
    server.home.run(&["grant", "revoke", grant, "--yes"], "");
    let refresh = "--refresh --token-file tokens.json";
    let refused = output(&mut login(&server, &client, refresh), "");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("(invalid_grant)"), "{refused:?}");
    assert!(
        refused
            .stderr
            .ends_with("; log in again, with a --token-file that is not there yet\n"),
        "{refused:?}"
    );
}
