//! Caddy with `forward_auth`.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Reserved, Running, find};
use crate::stage::Stage;
use crate::{confusion, story};

/// Caddy with the printed configuration, without the port from which it is administered.
fn caddy(stage: &Stage) -> Option<Running> {
    caddy_with(stage, |printed| printed)
}

/// As [`caddy`], with what somebody made of the configuration.
fn caddy_with(stage: &Stage, change: impl FnOnce(String) -> String) -> Option<Running> {
    Some(started(&find("caddy")?, stage, change))
}

fn started(program: &Path, stage: &Stage, change: impl FnOnce(String) -> String) -> Running {
    let (directory, reserved) = (TempDir::new().unwrap(), Reserved::new());
    let path = |name: &str| directory.path().join(name);
    let printed = change(stage.example("caddy", reserved.address, &[]));
    fs::write(path("printed"), printed).unwrap();
    fs::write(path("Caddyfile"), "{\n\tadmin off\n}\nimport printed\n").unwrap();
    let mut command = Command::new(program);
    command
        .args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"])
        .env_clear()
        .env("HOME", directory.path());
    Running::start(command, directory, reserved)
}

#[test]
fn the_life_of_a_token() {
    let stage = Stage::set();
    if let Some(caddy) = caddy(&stage) {
        story::play(stage, &caddy);
    }
}

#[test]
fn what_is_served_is_what_was_checked() {
    let stage = Stage::set();
    if let Some(caddy) = caddy(&stage) {
        confusion::try_everything(&stage, caddy.address());
    }
}

#[test]
fn a_query_that_is_the_clients_decides_nothing() {
    let stage = Stage::set();
    // As one would write it without knowing that Caddy then keeps the query of its client.
    let careless = |printed: String| {
        let careless = printed.replace("uri /check?\n", "uri /check\n");
        assert_ne!(careless, printed);
        careless
    };
    let Some(caddy) = caddy_with(&stage, careless) else {
        return;
    };
    let at = caddy.address();
    for query in [
        "service=orders:list",
        "method=GET&path=/orders/17",
        "x&%73ervice=orders:list",
        "path=%2Forders%2F17&method=GET",
    ] {
        for path in ["/admin", "/orders/17"] {
            let (answer, seen) = stage.ask(at, &format!("GET {path}?{query}"), &[]);
            assert_eq!(answer.status, 400, "{path} {query}: {answer:?}");
            assert!(answer.body.contains("uri /check?"), "{answer:?}");
            assert!(seen.is_empty(), "{path} {query}: {seen:?}");
        }
    }
    assert_eq!(stage.ask(at, "GET /orders/17?x=1", &[]).0.status, 200);
    assert_eq!(stage.ask(at, "GET /admin?x=1", &[]).0.status, 403);
}

#[test]
fn it_says_the_pair_that_is_believed() {
    let Some(program) = find("caddy") else { return };
    for (setting, says_original) in [("either", false), ("forwarded", false), ("original", true)] {
        let stage = Stage::with(&[("OAUTHCTL_CHECK_REQUEST_FROM", setting)]);
        let caddy = started(&program, &stage, |printed| {
            assert_eq!(printed.contains("header_up X-Original-URI"), says_original);
            printed
        });
        let at = caddy.address();
        assert_eq!(stage.ask(at, "GET /orders/17", &[]).0.status, 200, "{setting}");
        let claims = ["X-Original-URI: /orders/17", "X-Forwarded-Uri: /orders/17"];
        assert_eq!(stage.ask(at, "GET /admin", &claims).0.status, 403, "{setting}");
    }
}
