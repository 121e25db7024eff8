//! Time and trouble on demand.

use crate::server::Server;

/// RFC 6749 §4.1.2.1.
const AUTHORIZATION_ERRORS: [&str; 7] = [
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
];

/// RFC 6749 §5.2.
const TOKEN_ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

#[test]
fn every_error_of_the_standard_comes_on_demand_and_once() {
    let server = Server::start(&["--dev"]);
    let code = server.code("alice");
    for error in AUTHORIZATION_ERRORS {
        server.told(&["dev", "fail", "next", "authorize", error]);
        let refused = server.get(server.variable("OAUTH_AUTHORIZE_URL"), &[]);
        assert_eq!(refused.status, 302);
        assert_eq!(refused.parameter("error").as_deref(), Some(error));
        assert_eq!(refused.parameter("iss"), Some(server.issuer.clone()));
        assert!(refused.parameter("state").is_some());
    }
    for error in TOKEN_ERRORS {
        server.told(&["dev", "fail", "next", "token", error]);
        let refused = server.exchange(&code);
        let status = if error == "invalid_client" { 401 } else { 400 };
        assert_eq!(refused.status, status, "{error}");
        assert_eq!(refused.json()["error"], error);
    }
    server.told(&["dev", "fail", "next", "token", "503", "--times", "2"]);
    assert_eq!(server.told(&["dev", "fail", "list"])[0]["times"], 2);
    assert_eq!(server.exchange(&code).status, 503);
    assert_eq!(server.exchange(&code).status, 503);
    let tokens = server.exchange(&code);
    assert_eq!(tokens.status, 200, "no fault has used the code up");
    server.told(&["dev", "fail", "next", "token", "lost"]);
    let refresh_token = &tokens.json()["refresh_token"];
    let lost = server.bytes_of_refresh(refresh_token);
    assert_eq!(
        String::from_utf8(lost).unwrap(),
        "",
        "the connection closes without a word"
    );
    let audited = server.told(&["token", "list", "--kind", "refresh"]);
    let mut states: Vec<&str> = audited
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["active", "rotated"], "and yet the work is done");
    let again = server.refresh(refresh_token);
    assert_eq!(again.status, 200, "an answer that was lost costs nobody a login");
    let answered = server.bytes_of_refresh(&again.json()["refresh_token"]);
    assert!(answered.starts_with(b"HTTP/1.1 200 "), "the next one arrives");
    let refused = server.command(&["dev", "fail", "next", "token", "access_denied"], "");
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn one_clock_issues_and_validates_and_commands_see_it() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    assert_eq!(server.check(&tokens["access_token"]), 200);
    server.told(&["dev", "clock", "advance", "2h"]);
    assert_eq!(server.check(&tokens["access_token"]), 401);
    let listed = server.told(&["token", "list", "--kind", "access"]);
    assert_eq!(listed[0]["state"], "expired");
    let fresh = server.refresh(&tokens["refresh_token"]).json();
    assert_eq!(server.check(&fresh["access_token"]), 200);
    server.told(&["dev", "clock", "set", "2035-01-01T00:00:00Z"]);
    assert_eq!(
        server.refresh(&fresh["refresh_token"]).json()["error"],
        "invalid_grant"
    );
    assert_eq!(server.told(&["dev", "clock", "reset"])["offset"], 0);
    assert_eq!(server.check(&tokens["access_token"]), 200);
}

#[test]
fn the_clock_only_advances_and_tells_roughly_how_far_it_is() {
    let server = Server::start(&["--dev"]);
    let refused = server.command(&["dev", "clock", "advance", "-2h"], "");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("`oauthctl dev clock set` with an instant goes back"),
        "{told}"
    );
    let shown = |arguments: &[&str]| String::from_utf8(server.command(arguments, "").stdout).unwrap();
    let told = shown(&["dev", "clock", "advance", "90061s"]);
    assert!(told.contains("1d1h ahead"), "{told}");
    let told = shown(&["dev", "clock", "set", "2000-01-01T00:00:00Z"]);
    assert!(told.contains("d behind"), "{told}");
}

#[test]
fn each_endpoint_fails_as_its_own_standard_has_it() {
    let server = Server::start(&["--dev"]);
    server.told(&["dev", "fail", "next", "revoke", "unsupported_token_type"]);
    let form = [("token".to_owned(), "x".to_owned())];
    let refused = server.post("/revoke", &[], &form);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "unsupported_token_type");
    let output = server.command(&["dev", "fail", "next", "introspect", "invalid_scope"], "");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("it can by invalid_request, invalid_client, 429"),
        "{told}"
    );
    for (arguments, told) in [
        (
            &["dev", "fail", "--help"][..],
            "oauthctl dev fail next token invalid_grant",
        ),
        (&["dev", "fail", "next", "--help"], "nothing is done"),
        (
            &["dev", "rotate", "--help"],
            "the same successor answers with 200",
        ),
        (
            &["run", "--help"],
            "OAUTH_AUTHORIZE_URL; its code is exchanged with OAUTH_CODE_VERIFIER",
        ),
    ] {
        let help = String::from_utf8(server.command(arguments, "").stdout).unwrap();
        assert!(help.contains(told), "{arguments:?}: {help}");
    }
}

#[test]
fn what_is_beyond_the_limit_of_a_clock_is_told_so() {
    let server = Server::start(&["--dev"]);
    for (arguments, limit) in [
        (["set", "9999-12-31T23:59:59Z"], "9999-12-30T22:00:00Z"),
        (["advance", "999999999d"], "3650d"),
    ] {
        let output = server.command(&["dev", "clock", arguments[0], arguments[1]], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(limit), "{told}");
    }
}

#[test]
fn a_429_on_demand_has_the_error_that_a_throttled_client_gets() {
    let server = Server::start(&["--dev"]);
    server.told(&["dev", "fail", "next", "token", "429"]);
    let on_demand = server.exchange("x");
    let wrong = [
        ("grant_type", "authorization_code"),
        ("client_id", "dev-client"),
        ("client_secret", "wrong"),
    ];
    let wrong = wrong.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let throttled = (0..50)
        .map(|_| server.post("/token", &[], &wrong))
        .find(|answer| answer.status == 429)
        .unwrap();
    assert_eq!(on_demand.status, 429);
    assert_eq!(on_demand.json()["error"], throttled.json()["error"]);
}
