//! nginx with `auth_request`.

use std::path::Path;

use crate::program::{self, Reserved, Running, find};
use crate::stage::Stage;
use crate::{confusion, story};

/// nginx with the printed configuration.
fn nginx(stage: &Stage) -> Option<Running> {
    Some(started(&find("nginx")?, stage))
}

fn started(program: &Path, stage: &Stage) -> Running {
    let reserved = Reserved::new();
    let printed = stage.example("nginx", reserved.address, &[]);
    program::nginx(program, &printed, reserved)
}

#[test]
fn the_life_of_a_token() {
    let stage = Stage::set();
    if let Some(nginx) = nginx(&stage) {
        story::play(stage, &nginx);
    }
}

#[test]
fn what_is_served_is_what_was_checked() {
    let stage = Stage::set();
    if let Some(nginx) = nginx(&stage) {
        confusion::try_everything(&stage, nginx.address());
    }
}

#[test]
fn it_says_the_pair_that_is_believed() {
    let Some(program) = find("nginx") else { return };
    for setting in ["original", "forwarded"] {
        let stage = Stage::with(&[("OAUTHCTL_CHECK_REQUEST_FROM", setting)]);
        let nginx = started(&program, &stage);
        let at = nginx.address();
        assert_eq!(stage.ask(at, "GET /orders/17", &[]).0.status, 200, "{setting}");
        let claims = ["X-Original-URI: /orders/17", "X-Forwarded-Uri: /orders/17"];
        assert_eq!(stage.ask(at, "GET /admin", &claims).0.status, 403, "{setting}");
    }
}

#[test]
fn from_an_address_that_is_not_trusted_nobody_gets_in() {
    let Some(program) = find("nginx") else { return };
    let stage = Stage::with(&[("OAUTHCTL_CHECK_TRUST_FORWARDED_FROM", "192.0.2.1")]);
    let nginx = started(&program, &stage);
    let (answer, seen) = stage.ask(nginx.address(), "GET /orders/17", &[]);
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(seen.is_empty(), "{seen:?}");
}

#[test]
fn an_issuer_with_a_path_has_its_check_beneath_it() {
    let Some(program) = find("nginx") else { return };
    let stage = Stage::with(&[("OAUTHCTL_SERVER_ISSUER", "https://id.example/oauth")]);
    let nginx = started(&program, &stage);
    assert_eq!(stage.ask(nginx.address(), "GET /orders/17", &[]).0.status, 200);
    let printed = stage.example("nginx", nginx.address(), &[]);
    assert!(
        printed.contains("proxy_pass http://oauthctl/oauth/check;"),
        "{printed}"
    );
}
