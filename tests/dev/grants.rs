//! What is done to a grant, and what is told of it.

use serde_json::Value;

use crate::server::{Server, grant_of};

#[test]
fn what_is_done_to_a_grant_is_seen_by_its_client_and_told_of_its_tokens() {
    let server = Server::start(&["--dev"]);
    let first = server.exchange(&server.code("alice")).json();
    let grant = grant_of(&server);
    server.told(&["dev", "expire", &grant]);
    assert_eq!(server.check(&first["access_token"]), 401);
    let second = server.refresh(&first["refresh_token"]).json();
    assert_eq!(server.check(&second["access_token"]), 200);
    server.told(&["dev", "rotate", &grant]);
    assert_eq!(
        server.refresh(&second["refresh_token"]).json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        server.check(&second["access_token"]),
        401,
        "a reuse ends the grant"
    );
    let token = second["access_token"].as_str().unwrap();
    let output = server.command(&["explain", "token", "-o", "json"], token);
    let family: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(family["grant_id"], grant.as_str());
    assert_eq!(family["end_cause"], "refresh_token_reused");
    assert_eq!(family["genuine"], true);
    let told: Vec<(&str, &str, bool)> = family["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            (text("kind"), text("state"), one["asked"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("code", "exchanged", false),
            ("refresh", "rotated", false),
            ("access", "expired", false),
            ("refresh", "rotated", false),
            ("access", "revoked", true),
        ]
    );
    let told = server.command(&["explain", "token"], token);
    let told = String::from_utf8(told.stdout).unwrap();
    for (command, kind) in [("expire", "access"), ("rotate", "refresh")] {
        let line = told
            .lines()
            .find(|line| line.contains(&format!("`oauthctl dev {command}` by operator ")));
        assert!(
            line.is_some_and(|line| line.contains(&format!("└ {kind} "))),
            "{told}"
        );
    }
    let forged = format!("{}{}", &token[..17], "A".repeat(token.len() - 17));
    let output = server.command(&["explain", "token", "-o", "json"], &forged);
    let family: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(family["genuine"], false);
    let third = server.exchange(&server.code("carol")).json();
    let grants = server.told(&["grant", "list", "--owner", "carol"]);
    server.told(&["dev", "revoke", grants[0]["grant_id"].as_str().unwrap()]);
    assert_eq!(server.check(&third["access_token"]), 401);
    server.told(&["dev", "clock", "advance", "1h"]);
    let trail = server.told(&["audit", "list"]);
    let trail = trail.as_array().unwrap();
    let operator = trail
        .iter()
        .find(|entry| entry["action"] == "client.register")
        .unwrap();
    for action in ["grant.expire", "grant.rotate", "grant.revoke", "clock.move"] {
        let mut found = trail.iter().filter(|entry| entry["action"] == action);
        let entry = found.next().unwrap_or_else(|| panic!("{action}: {trail:?}"));
        assert_eq!(entry["actor"], operator["actor"], "{action}");
        assert!(found.next().is_none(), "{action} is written down once");
    }
}

#[test]
fn who_revoked_a_token_is_told() {
    let server = Server::start(&["--dev"]);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        tokens.push(server.exchange(&server.code("alice")).json());
    }
    server.told(&["token", "revoke", "--kind", "access", "--yes"]);
    let explain = |token: &Value| {
        let output = server.command(&["explain", "token"], token.as_str().unwrap());
        String::from_utf8(output.stdout).unwrap()
    };
    for tokens in &tokens {
        let told = explain(&tokens["access_token"]);
        let line = told.lines().find(|line| line.contains("<- this one")).unwrap();
        assert!(
            line.contains(" by operator "),
            "revoked together with others: {told}"
        );
    }
    let refresh_token = tokens[0]["refresh_token"].as_str().unwrap();
    let revoked = server.command(&["token", "revoke", "-", "--yes"], refresh_token);
    assert!(revoked.status.success());
    let told = explain(&tokens[0]["access_token"]);
    let grant = told.lines().nth(1).unwrap();
    assert!(
        grant.contains(": operator ") && grant.ends_with(" revoked it"),
        "{told}"
    );
}

#[test]
fn without_an_id_the_newest_grant_is_meant_and_one_that_ended_is_left_alone() {
    let server = Server::start(&["--dev"]);
    let none = server.command(&["dev", "revoke"], "");
    assert_eq!(none.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no grant yet"));
    for id in ["nonsense", "38g61gjnf1de5"] {
        let output = server.command(&["dev", "expire", id], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(if id == "nonsense" { 2 } else { 3 }),
            "{told}"
        );
        assert!(told.contains("`oauthctl grant list`"), "{told}");
    }
    server.exchange(&server.code("alice"));
    let newest = server.exchange(&server.code("bob")).json();
    let grants = server.told(&["grant", "list", "--owner", "bob"]);
    assert_eq!(server.told(&["dev", "expire"])["grant_id"], grants[0]["grant_id"]);
    assert_eq!(server.check(&newest["access_token"]), 401);
    let revoked = server.told(&["dev", "revoke"]);
    assert_eq!(revoked["grant_id"], grants[0]["grant_id"]);
    assert_eq!(revoked["changed"], 1);
    let ended = server.told(&["grant", "show", grants[0]["grant_id"].as_str().unwrap()])["ended_at"].clone();
    for verb in ["expire", "rotate", "revoke"] {
        let told = server.told(&["dev", verb]);
        assert_eq!(told["changed"], 0, "{verb}");
        assert!(told["ended_at"].is_string(), "{verb}: {told}");
        assert!(
            ended.is_null() || ended == told["ended_at"],
            "{verb}: {told} {ended}"
        );
        let output = server.command(&["dev", verb], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("already; nothing was changed"), "{told}");
    }
    let token = newest["refresh_token"].as_str().unwrap();
    let told = server.command(&["explain", "token"], token);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("taken back as by the resource owner, with `oauthctl dev revoke` by operator "),
        "{told}"
    );
}

#[test]
fn where_there_is_nothing_to_change_it_is_said_why() {
    let server = Server::start(&["--dev"]);
    let told = |arguments: &[&str]| {
        let output = server.command(arguments, "");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    server.code("alice");
    let untouched = grant_of(&server);
    assert!(told(&["dev", "rotate"]).contains("its code was not exchanged"));
    assert_eq!(server.told(&["dev", "expire"])["changed"], 1, "the code");
    let expired = told(&["dev", "expire"]);
    assert!(
        expired.contains("its code was not exchanged, and expired at "),
        "{expired}"
    );
    let tokens = server.exchange(&server.code("bob")).json();
    let with_tokens = server.told(&["grant", "list", "--owner", "bob"])[0]["grant_id"].clone();
    server.code("carol");
    let rotated = server.told(&["dev", "rotate"]);
    assert_eq!(
        (&rotated["grant_id"], rotated["changed"].as_u64()),
        (&with_tokens, Some(1)),
        "the newest that has one, {tokens}"
    );
    let id = with_tokens.as_str().unwrap();
    assert!(told(&["dev", "rotate", id]).contains("its newest refresh token was used at "));
    assert_eq!(server.told(&["dev", "expire", id])["changed"], 1);
    assert!(told(&["dev", "expire", id]).contains("its access tokens have expired, the last at "));
    assert!(told(&["dev", "rotate", &untouched]).contains("its code was not exchanged"));
    let third = server.exchange(&server.code("alice")).json();
    assert!(third["refresh_token"].is_string());
    let third = server.told(&["dev", "expire"]);
    let third = third["grant_id"].as_str().unwrap();
    let expired = told(&["dev", "expire", third]);
    assert!(
        expired.contains("--refresh ends the life of its refresh token too"),
        "{expired}"
    );
    server.told(&["client", "update", "dev-client", "--refresh", "none"]);
    server.exchange(&server.code("alice"));
    let newest = server.told(&["dev", "expire"]);
    let without = told(&["dev", "rotate", newest["grant_id"].as_str().unwrap()]);
    assert!(
        without.contains("`oauthctl client update dev-client --refresh unlimited`"),
        "{without}"
    );
}

#[test]
fn a_use_is_told_of_at_once_by_a_development_server_and_never_denied_by_another() {
    let mut development = Server::start(&["--dev", "--database", "dev.db"]);
    let tokens = development.exchange(&development.code("alice")).json();
    let token = tokens["access_token"].as_str().unwrap();
    let explain = |server: &Server| {
        let output = server.command(&["explain", "token"], token);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let line = stdout.lines().find(|line| line.contains("<- this one"));
        (line.unwrap().to_owned(), stderr)
    };
    let (unused, told) = explain(&development);
    assert!(unused.contains(", not used; "), "{unused}");
    assert_eq!(told, "");
    assert_eq!(development.check(&tokens["access_token"]), 200);
    let (used, _) = explain(&development);
    assert!(used.contains(", last used at "), "{used}");
    assert_eq!(development.check(&tokens["access_token"]), 200);
    let listed = development.told(&["token", "list", "--kind", "access"]);
    assert!(listed[0]["last_used_at"].is_string(), "{listed}");
    let another = development.exchange(&development.code("bob")).json();
    development.stop();
    let another = another["access_token"].as_str().unwrap();
    let output = development.command(&["explain", "token"], another);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(", no use written down; "), "{told}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("10s after it at the latest"), "{told}");
    let output = development.command(&["explain", "token", "-o", "json"], another);
    let family: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(family["uses_are_written"], false);
}

#[test]
fn a_token_stands_beneath_what_it_came_of_whatever_the_clock_said() {
    let server = Server::start(&["--dev"]);
    server.told(&["dev", "clock", "advance", "2h"]);
    let first = server.exchange(&server.code("alice")).json();
    server.told(&["dev", "clock", "reset"]);
    let second = server.refresh(&first["refresh_token"]).json();
    let output = server.command(&["explain", "token"], second["access_token"].as_str().unwrap());
    let told = String::from_utf8(output.stdout).unwrap();
    let tree: Vec<(usize, &str)> = told
        .lines()
        .filter_map(|line| {
            let (indent, rest) = line.split_once("└ ")?;
            Some((indent.len(), rest.split(' ').next()?))
        })
        .collect();
    let expected = [
        (2, "code"),
        (4, "refresh"),
        (6, "access"),
        (6, "refresh"),
        (8, "access"),
    ];
    assert_eq!(tree, expected, "{told}");
    assert!(
        told.lines()
            .any(|line| line.starts_with("        └ access") && line.ends_with("<- this one"))
    );
}

#[test]
fn a_token_is_explained_in_whichever_form_it_comes() {
    let server = Server::start(&["--dev"]);
    let code = server.code("alice");
    let tokens = server.exchange(&code).json();
    let access = tokens["access_token"].as_str().unwrap();
    for stdin in [
        access.to_owned(),
        format!("Authorization: Bearer {access}\n"),
        format!("'Bearer {access}'"),
        serde_json::to_string_pretty(&tokens).unwrap(),
        format!("http://127.0.0.1:9000/callback?code={code}&state=x"),
    ] {
        let output = server.command(&["explain", "token", "-o", "json"], &stdin);
        let family: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(family["genuine"], true, "{stdin}");
    }
    let elsewhere = Server::start(&["--dev"]);
    for (arguments, code) in [
        (["explain", "token"].as_slice(), 3),
        (
            &["access", "check", "--token-stdin", "--service", "orders:list"],
            6,
        ),
    ] {
        let output = elsewhere.command(arguments, access);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(
            told.contains("of another server, of an earlier start of this one"),
            "{told}"
        );
        let output = elsewhere.command(arguments, "abc");
        let told = String::from_utf8(output.stderr).unwrap();
        // A check says no; there is nothing to explain.
        let expected = if code == 6 { 6 } else { 2 };
        assert_eq!(output.status.code(), Some(expected), "{told}");
        assert!(told.contains("this is no token"), "{told}");
        assert_eq!(output.stdout.is_empty(), expected == 2);
    }
}
