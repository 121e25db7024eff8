//! A hundred thousand tokens: streamed in constant memory, revoked in steps that may be interrupted.

use std::io::Read;
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::json;

use crate::harness::{Cli, Home};
use crate::serve::Server;

/// A client with `tokens` access tokens of a thousand grants, and another one with a single token.
fn with_tokens(tokens: u32) -> Home {
    let home = Home::with_client();
    Cli::new(&home)
        .args("client register --name Other --client-id other --redirect-uri https://o.example/cb --secret-file o".split(' '))
        .args("--scope orders:read -o id".split(' '))
        .stdout("other\n")
        .run();
    Cli::new(&home)
        .args("owner add alice --password-stdin -o id".split(' '))
        .stdin("correct horse battery\n")
        .stdout("alice\n")
        .run();
    let connection = Connection::open(home.join("oauthctl.db")).unwrap();
    connection
        .execute_batch(&format!(
            "BEGIN;
             WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
             INSERT INTO grants (grant_key, client_key, owner_key, scope, created_at, form_nonce)
             SELECT n, (SELECT client_key FROM clients WHERE client_id = iif(n < 1000, 'orders-web', 'other')),
                    (SELECT owner_key FROM resource_owners), 'orders:read', 0, randomblob(16) FROM n;
             INSERT INTO grant_scopes (scope, grant_key) SELECT 'orders:read', grant_key FROM grants;
             WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {tokens})
             INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, issued_at, expires_at)
             SELECT n, 'access', iif(n < {tokens}, n % 1000, 1000), randomblob(32), 'orders:read', 0, 4000000000000
             FROM n;
             COMMIT;"
        ))
        .unwrap();
    home
}

fn revoked(home: &Home) -> i64 {
    let connection = Connection::open(home.join("oauthctl.db")).unwrap();
    let sql = "SELECT count(*) FROM tokens WHERE revoked_at IS NOT NULL";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The most memory that a list has taken, in KiB, and how many lines it printed.
fn peak_of_list(home: &Home) -> (u64, usize) {
    let mut child = home
        .command()
        .args("token list --client orders-web -o jsonl".split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut bytes = vec![0; 64 * 1024];
    let (mut lines, mut peak) = (0, 0);
    loop {
        let read = stdout.read(&mut bytes).unwrap();
        if read == 0 {
            break;
        }
        lines += bytes[..read].split(|&byte| byte == b'\n').count() - 1;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = high.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
    }
    assert!(child.wait().unwrap().success());
    (peak, lines)
}

#[test]
fn a_long_list_is_streamed_in_constant_memory() {
    let (short, lines) = peak_of_list(&with_tokens(2_000));
    assert_eq!(lines, 2_000);
    let (long, lines) = peak_of_list(&with_tokens(100_000));
    assert_eq!(lines, 100_000);
    // The rows alone are 25 MB as text.
    assert!(
        long < short + 12 * 1024,
        "{short} KiB for 2,000 tokens, {long} KiB for 100,000"
    );
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let home = with_tokens(1_200);
    let mut seen = Vec::new();
    let mut args = "token list --client orders-web --limit 500".to_owned();
    loop {
        let page = home.json(&args);
        let ids = page
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["token_id"].as_str().unwrap().to_owned());
        let before = seen.len();
        seen.extend(ids);
        if seen.len() == before {
            break;
        }
        args = format!(
            "token list --client orders-web --limit 500 --after {}",
            seen[seen.len() - 1]
        );
    }
    assert_eq!(seen.len(), 1_200);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 1_200);
}

#[test]
fn a_revocation_that_is_interrupted_can_be_repeated() {
    let home = with_tokens(30_000);
    let dry = home.json("token revoke --client orders-web --dry-run");
    assert_eq!(dry, json!({"matched": 30_000, "revoked": 0, "dry_run": true}));
    let mut child = home
        .command()
        .args("token revoke --client orders-web --yes -q".split(' '))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Killed as soon as something is done; where it was quicker than that, there is nothing left to interrupt.
    while revoked(&home) == 0 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let so_far = revoked(&home);
    assert!(so_far > 0 && so_far % 500 == 0, "whole steps only: {so_far}");
    let again = home.json("token revoke --client orders-web --yes");
    assert_eq!(
        again,
        json!({"matched": 30_000, "revoked": 30_000 - so_far, "dry_run": false})
    );
    assert_eq!(revoked(&home), 30_000, "the other client keeps its token");
    let connection = Connection::open(home.join("oauthctl.db")).unwrap();
    let sound: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    assert_eq!(home.json("audit verify")["ok"], json!(true));
}

#[test]
fn the_shape_of_a_token_and_of_a_grant() {
    let home = with_tokens(1);
    let names =
        |value: &serde_json::Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let tokens = home.json("token list --client other");
    let token = &tokens[0];
    let mut found = names(token);
    found.sort();
    let mut expected = vec![
        "token_id",
        "kind",
        "grant_id",
        "client_id",
        "username",
        "scope",
        "issued_at",
        "expires_at",
        "last_used_at",
        "state",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(
        (&token["kind"], &token["state"]),
        (&json!("access"), &json!("active"))
    );
    assert_eq!(
        &home.json(&format!("token show {}", token["token_id"].as_str().unwrap())),
        token
    );
    let grants = home.json("grant list --owner alice --client other");
    let grant = &grants[0];
    assert_eq!(
        names(grant),
        [
            "grant_id",
            "client_id",
            "username",
            "scope",
            "state",
            "refreshes",
            "created_at",
            "ended_at",
            "end_cause"
        ]
    );
    assert_eq!(
        (&grant["state"], &grant["scope"]),
        (&json!("active"), &json!("orders:read"))
    );
    let id = grant["grant_id"].as_str().unwrap();
    assert_eq!(&home.json(&format!("grant show {id}")), grant);
    let dry = home.json(&format!("grant revoke {id} --dry-run"));
    assert_eq!(dry, json!({"matched": 1, "revoked": 0, "dry_run": true}));
    let done = home.json(&format!("grant revoke {id} --yes"));
    assert_eq!(done, json!({"matched": 1, "revoked": 1, "dry_run": false}));
    assert_eq!(
        home.json("token list --client other")[0]["state"],
        json!("revoked")
    );
}

#[test]
fn the_server_prunes_by_itself_and_says_so_in_the_audit_trail() {
    let home = with_tokens(1000);
    let connection = Connection::open(home.join("oauthctl.db")).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(30))
        .unwrap();
    connection
        .execute_batch("UPDATE tokens SET expires_at = 1000 WHERE token_key < 1000")
        .unwrap();
    home.write(
        "oauthctl.toml",
        "[tokens]\nkeep_ended = \"1h\"\nprune_every = \"1s\"\n",
    );
    let _server = Server::start(&home);
    let pruned = || -> bool {
        let sql = "SELECT count(*) FROM audit WHERE action = 'token.prune' AND actor_kind = 'program'";
        connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    };
    // A minute is the bound of this test's patience, not of the server.
    let came = (0..3000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        pruned()
    });
    assert!(came, "nothing was pruned");
    let left: i64 = connection
        .query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1, "the one that has not expired");
}
