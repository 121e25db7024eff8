//! What every proxy that asks the check must do.

use std::net::SocketAddr;

use crate::program::Running;
use crate::service::Seen;
use crate::stage::Stage;

/// The challenge of a request without a token.
const NO_TOKEN: &str = "Bearer realm=\"oauthctl\"";

/// Who the service must be told it is.
const IDENTITY: [(&str, &str); 3] = [
    ("X-OAuth-Client", "orders-web"),
    ("X-OAuth-Owner", "alice"),
    ("X-OAuth-Scope", "files orders:read"),
];

/// What a client that lies says of itself.
pub(crate) const FORGED: [&str; 8] = [
    "X-OAuth-Client: root",
    "x-oauth-owner: root",
    "X_OAuth_Scope: everything",
    "X-OAuth_Grant: 0",
    "X_OAuth-Client: root",
    "X_OAUTH_OWNER: root",
    "X-OAuth-Scope: everything",
    "X-OAuth-Scope: more",
];

/// The same, and other requests, in names with punctuation that some services take for a hyphen.
pub(crate) const LOOK_ALIKES: [&str; 16] = [
    "X.OAuth.Client: root",
    "X-OAuth.Owner: root",
    "X~OAuth~Owner: root",
    "X!OAuth-Scope: everything",
    "X#OAuth#Scope: everything",
    "X$OAuth$Scope: everything",
    "X%OAuth%Scope: everything",
    "X&OAuth&Scope: everything",
    "X'OAuth'Scope: everything",
    "X*OAuth*Scope: everything",
    "X+OAuth+Scope: everything",
    "X^OAuth^Scope: everything",
    "X`OAuth`Scope: everything",
    "X|OAuth|Scope: everything",
    "X-HTTP-Method.Override: DELETE",
    "X.Original-URL: /admin",
];

/// What a client says of the sender and of the way that the request took.
pub(crate) const SENDERS: [&str; 12] = [
    "Forwarded: for=192.0.2.7;host=forged",
    "X-Real-IP: 192.0.2.7",
    "X-Forwarded-For: 192.0.2.7",
    "X-Forwarded-Host: forged",
    "X-Forwarded-Proto: forged",
    "X-Forwarded-Server: forged",
    "X-Forwarded-Port: 7",
    "X-Forwarded-User: forged",
    "Remote-User: forged",
    "X-Forwarded-Prefix: /forged",
    "X-Original-Path: /forged",
    "X-Envoy-Original-Path: /forged",
];

/// Nothing of [`SENDERS`] has reached the service.
#[track_caller]
pub(crate) fn assert_own_words(seen: &Seen) {
    for said in SENDERS {
        let (name, value) = said.split_once(": ").unwrap();
        for told in seen.variable(name) {
            assert!(!told.contains(value), "{said}: {seen:?}");
        }
    }
}

/// The whole life of a token at a proxy.
pub(crate) fn play(stage: Stage, proxy: &Running) {
    let at = proxy.address();
    within_the_scope(&stage, at);
    outside_of_it(&stage, at);
    bodies(&stage, at);
    changes(&stage, at);

    // And when there is nobody to ask, nobody gets in.
    let Stage {
        server,
        service,
        token,
        ..
    } = stage;
    drop(server);
    let authorization = format!("Authorization: Bearer {token}");
    for fields in [&[authorization.as_str()][..], &[]] {
        let host = format!("Host: {at}");
        let lines = [&["GET /orders/17 HTTP/1.1", host.as_str()], fields].concat();
        let answer = crate::raw::send(at, &lines, "");
        assert!(answer.status >= 500, "{answer:?}");
        assert!(service.take().is_empty());
    }
}

fn within_the_scope(stage: &Stage, at: SocketAddr) {
    for (method, request) in [
        ("GET", "GET /orders/17?expand=lines&x=/../y"),
        ("HEAD", "HEAD /orders/17"),
        ("GET", "GET /files/a/b%20c"),
        ("DELETE", "DELETE /files/a"),
    ] {
        for forged in [&[][..], &FORGED, &LOOK_ALIKES, &SENDERS] {
            let (answer, seen) = stage.ask(at, request, forged);
            assert_eq!(answer.status, 200, "{request}: {answer:?}");
            assert_eq!(answer.body, if method == "HEAD" { "" } else { "served\n" });
            let [seen] = seen.as_slice() else {
                panic!("{request}: {seen:?}")
            };
            assert_eq!(format!("{} {}", seen.method, seen.target), request);
            for (name, value) in IDENTITY {
                assert_eq!(seen.variable(name), [value], "{request}: {seen:?}");
            }
            let [grant] = seen.variable("X-OAuth-Grant")[..] else {
                panic!("{seen:?}")
            };
            assert_eq!(grant.len(), 13, "{grant}");
            for name in ["X-HTTP-Method-Override", "X-Original-URL"] {
                assert!(seen.variable(name).is_empty(), "{request}: {seen:?}");
            }
            assert_own_words(seen);
            assert_eq!(answer.header("WWW-Authenticate"), None);
        }
    }
}

fn outside_of_it(stage: &Stage, at: SocketAddr) {
    for request in [
        "GET /",
        "GET /orders",
        "GET /orders/17/lines",
        "POST /orders/17",
        "HEAD /stock",
        "GET /files",
    ] {
        for forged in [&[][..], &FORGED] {
            let (answer, seen) = stage.ask(at, request, forged);
            assert_eq!(answer.status, 403, "{request}: {answer:?}");
            let challenge = answer.header("WWW-Authenticate").unwrap();
            let expected = "Bearer realm=\"oauthctl\", error=\"insufficient_scope\", error_description=\"";
            assert!(challenge.starts_with(expected), "{challenge}");
            assert!(seen.is_empty(), "{request}: {seen:?}");
            assert!(!format!("{answer:?}").contains("X-OAuth"), "{answer:?}");
        }
    }
    let forged = FORGED.to_vec();
    let unknown = format!("Authorization: Bearer {}x", stage.token);
    let repeated = format!("Authorization: Bearer {}", stage.token);
    for (fields, challenge) in [
        (vec![], NO_TOKEN),
        (forged, NO_TOKEN),
        (vec!["Authorization: Basic YTpi"], NO_TOKEN),
        (vec![unknown.as_str()], "error=\"invalid_token\""),
    ] {
        let (answer, seen) = stage.send(at, "GET /orders/17", &fields, "");
        assert_eq!(answer.status, 401, "{fields:?}: {answer:?}");
        let told = answer.header("WWW-Authenticate").unwrap();
        assert!(told.starts_with(NO_TOKEN) && told.contains(challenge), "{told}");
        assert!(seen.is_empty(), "{fields:?}: {seen:?}");
    }
    // Which of two is the token?
    let two = [repeated.as_str(), unknown.as_str()];
    let (answer, seen) = stage.send(at, "GET /orders/17", &two, "");
    assert!(answer.status >= 400 && seen.is_empty(), "{answer:?} {seen:?}");
}

fn bodies(stage: &Stage, at: SocketAddr) {
    let authorization = format!("Authorization: Bearer {}", stage.token);
    for (field, body) in [
        ("Content-Length: 5", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let fields = [authorization.as_str(), field];
        let (answer, seen) = stage.send(at, "POST /files/new", &fields, body);
        assert_eq!(answer.status, 200, "{field}: {answer:?}");
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(seen[0].body, "hello", "{seen:?}");
        let (answer, seen) = stage.send(at, "POST /orders/17", &fields, body);
        assert_eq!(answer.status, 403, "{field}: {answer:?}");
        assert!(seen.is_empty(), "{seen:?}");
    }
}

/// From the moment on that a command has ended, the next request is told the new state.
fn changes(stage: &Stage, at: SocketAddr) {
    let home = &stage.server.home;
    let status = || stage.ask(at, "GET /orders/17", &[]).0.status;
    for (change, changed, undo) in [
        (
            &["client", "update", "orders-web", "--remove-scope", "orders:read"][..],
            403,
            &["client", "update", "orders-web", "--add-scope", "orders:read"][..],
        ),
        (
            &["client", "disable", "orders-web", "--yes"],
            401,
            &["client", "enable", "orders-web"],
        ),
        (
            &["owner", "disable", "alice", "--yes"],
            401,
            &["owner", "enable", "alice"],
        ),
        (
            &[
                "scope",
                "update",
                "orders:read",
                "--remove-route",
                "GET /orders/{id}",
            ],
            403,
            &[
                "scope",
                "update",
                "orders:read",
                "--add-route",
                "GET /orders/{id}",
            ],
        ),
    ] {
        assert_eq!(status(), 200, "before {change:?}");
        assert!(stage.access_check("GET", "/orders/17"));
        home.run(change, "");
        assert_eq!(status(), changed, "{change:?}");
        assert!(!stage.access_check("GET", "/orders/17"), "{change:?}");
        home.run(undo, "");
    }
    assert_eq!(status(), 200);
    let grants = home.run(&["grant", "list"], "");
    let grant = grants[0]["grant_id"].as_str().unwrap();
    home.run(&["grant", "revoke", grant, "--yes"], "");
    assert_eq!(status(), 401);
}
