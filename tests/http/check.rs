//! Stage 8 over HTTP: what a proxy asks, and what it is told.

use crate::support::flow::{signed_in, tokens};
use crate::support::home::Home;
use crate::support::http::{Answer, send};
use crate::support::server::Server;

const ORIGINAL: [(&str, &str); 2] = [("X-Original-Method", "GET"), ("X-Original-URI", "/orders/17")];
const FORWARDED: [(&str, &str); 2] = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/orders/17")];

/// A server with the bearer of a token for orders:read and stock.
struct Bearer {
    server: Server,
    authorization: String,
}

impl Bearer {
    fn over(home: Home, request_from: &str) -> Self {
        Self::with(home, &[("OAUTHCTL_CHECK_REQUEST_FROM", request_from)])
    }

    fn with(home: Home, settings: &[(&str, &str)]) -> Self {
        let server = Server::with(home, |command| command.envs(settings.iter().copied()));
        let client = server.home.client("orders", &[]);
        let held = tokens(&server, &mut signed_in(&server), &client);
        Self {
            server,
            authorization: format!("Bearer {}", held.access),
        }
    }

    #[track_caller]
    fn ask(&self, method: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [headers, &[("Authorization", self.authorization.as_str())]].concat();
        let body = (method == "POST").then_some("");
        send(
            method,
            &self.server.url(&format!("/check{query}")),
            &headers,
            body,
        )
    }
}

#[test]
fn what_the_scopes_cover_is_allowed_and_the_proxy_is_told_who_it_is() {
    let bearer = Bearer::over(Home::furnished(), "either");
    let nginx_with_query = [
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/orders/17?x=/../y&path=/z"),
    ];
    let invoke = [
        ("X-Forwarded-Method", "POST"),
        ("X-Forwarded-Uri", "/invoke/orders.eu/list"),
    ];
    let invoke_colon = [
        ("X-Forwarded-Method", "POST"),
        ("X-Forwarded-Uri", "/invoke/warehouse.stock:count"),
    ];
    let head = [("X-Original-Method", "HEAD"), ("X-Original-URI", "/orders/17")];
    let denied = [("X-Original-Method", "DELETE"), ("X-Original-URI", "/nothing")];
    for (query, headers) in [
        ("?service=orders:list", &[][..]),
        ("?service=orders.eu.berlin:list", &[]),
        ("?service=warehouse.stock:count", &[]),
        ("?method=GET&path=/orders/17", &[]),
        ("?method=HEAD&path=/orders/17", &[]),
        ("?method=GET&path=%2Forders%2F17", &[]),
        ("", &ORIGINAL),
        ("", &FORWARDED),
        ("", &head),
        ("", &nginx_with_query),
        ("", &invoke),
        ("", &invoke_colon),
        // The proxy's administrator wrote the query, so then no header is read.
        ("?service=orders:list", &denied),
        ("?service=orders:list", &[ORIGINAL, FORWARDED].concat()),
        // Unknown parameters say nothing.
        ("?foo=1&foo=2", &ORIGINAL),
    ] {
        for method in ["GET", "POST", "HEAD"] {
            let answer = bearer.ask(method, query, headers);
            assert_eq!(answer.status, 200, "{method} {query} {headers:?}: {answer:?}");
            assert_eq!(answer.body, "");
            assert_eq!(answer.header("X-OAuth-Client"), Some("orders"));
            assert_eq!(answer.header("X-OAuth-Owner"), Some("alice"));
            assert_eq!(answer.header("X-OAuth-Scope"), Some("orders:read stock"));
            assert_eq!(answer.header("X-OAuth-Grant").unwrap().len(), 13);
            assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        }
    }
}

#[test]
fn a_refusal_by_head_has_the_same_status_and_challenge() {
    let bearer = Bearer::over(Home::furnished(), "either");
    for (query, status) in [("?service=other:list", 403), ("", 400)] {
        let (get, head) = (bearer.ask("GET", query, &[]), bearer.ask("HEAD", query, &[]));
        assert_eq!(
            (get.status, head.status, head.body.as_str()),
            (status, status, "")
        );
        assert_eq!(get.header("WWW-Authenticate"), head.header("WWW-Authenticate"));
    }
}

#[test]
fn identity_headers_that_the_caller_sent_say_nothing() {
    let bearer = Bearer::over(Home::furnished(), "either");
    let mine = [
        ("X-OAuth-Client", "root"),
        ("X-OAuth-Owner", "root"),
        ("X-OAuth-Scope", "everything"),
        ("X-OAuth-Grant", "0"),
    ];
    let answer = bearer.ask("GET", "?service=orders:list", &mine);
    assert_eq!(answer.header("X-OAuth-Client"), Some("orders"));
    assert_eq!(answer.header("X-OAuth-Owner"), Some("alice"));
    assert_eq!(answer.header("X-OAuth-Scope"), Some("orders:read stock"));
    let answer = bearer.ask("GET", "?service=other:list", &mine);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("X-OAuth-Client"), None);
}

#[test]
fn the_pair_of_headers_to_believe_can_be_set() {
    let elsewhere = |pair: [(&'static str, &'static str); 2]| {
        [
            ("X-Original-Method", "X-Original-URI"),
            ("X-Forwarded-Method", "X-Forwarded-Uri"),
        ]
        .into_iter()
        .find(|names| names.0 == pair[0].0)
        .map(|names| [(names.0, "GET"), (names.1, "/elsewhere")])
        .unwrap()
    };
    for (setting, believed, ignored) in [
        ("original", ORIGINAL, FORWARDED),
        ("forwarded", FORWARDED, ORIGINAL),
    ] {
        let bearer = Bearer::over(Home::furnished(), setting);
        let status = |headers: &[(&str, &str)]| bearer.ask("GET", "", headers).status;
        assert_eq!(status(&believed), 200, "{setting}");
        assert_eq!(status(&[believed, elsewhere(ignored)].concat()), 200, "{setting}");
        assert_eq!(status(&[elsewhere(believed), ignored].concat()), 403, "{setting}");
        assert_eq!(status(&[&believed[..], &ignored[..1]].concat()), 200, "{setting}");
        assert_eq!(status(&ignored), 400, "{setting}");
        assert_eq!(status(&[&ignored[..], &believed[..1]].concat()), 400, "{setting}");
    }
}

#[test]
fn a_reason_that_names_many_scopes_still_fits_into_a_challenge() {
    let server = Server::start();
    let names: Vec<String> = (0..40).map(|n| format!("{n}{}", "x".repeat(100))).collect();
    for name in &names {
        server
            .home
            .scope(name, &["--description", "A scope", "--folder", "elsewhere"]);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let client = server.home.client("orders", &[&["--scope"][..], &names].concat());
    let held = tokens(&server, &mut signed_in(&server), &client);
    let bearer = format!("Bearer {}", held.access);
    let answer = server.get("/check?service=orders:list", &[("Authorization", &bearer)]);
    assert_eq!(answer.status, 403);
    let challenge = answer.header("WWW-Authenticate").unwrap();
    assert!(
        challenge.len() < 500 && challenge.ends_with("...\""),
        "{challenge}"
    );
    assert!(answer.body.len() < 500, "{}", answer.body);
}

#[test]
fn headers_are_believed_from_the_connections_that_are_named_and_refused_from_others() {
    for (trusted, status) in [("127.0.0.1", 200), ("::1,192.0.2.0/24", 400), ("10.0.0.0/8", 400)] {
        let bearer = Bearer::with(
            Home::furnished(),
            &[("OAUTHCTL_CHECK_TRUST_FORWARDED_FROM", trusted)],
        );
        for pair in [ORIGINAL, FORWARDED] {
            assert_eq!(bearer.ask("GET", "", &pair).status, status, "{trusted} {pair:?}");
            // An address in a header is nobody's connection.
            let claimed = [("X-Forwarded-For", "10.1.2.3"), ("X-Real-IP", "10.1.2.3")];
            let answer = bearer.ask("GET", "", &[&pair[..], &claimed].concat());
            assert_eq!(answer.status, status, "{trusted} {pair:?}");
            if status == 400 {
                let text = answer.json()["error_description"].to_string();
                assert!(text.contains("check.trust_forwarded_from"), "{text}");
                assert_eq!(answer.header("X-OAuth-Client"), None);
            }
            // A resource server asks in its own words.
            assert_eq!(bearer.ask("GET", "?service=orders:list", &pair).status, 200);
            assert_eq!(bearer.ask("GET", "?service=other:list", &pair).status, 403);
        }
        assert_eq!(bearer.ask("GET", "?method=GET&path=/orders/17", &[]).status, 200);
    }
}

#[test]
fn it_answers_from_the_state_of_that_moment() {
    let bearer = Bearer::over(Home::furnished(), "either");
    let status = || bearer.ask("GET", "?service=orders:list", &[]).status;
    for (change, changed, undo) in [
        (
            "UPDATE clients SET enabled = 0",
            401,
            "UPDATE clients SET enabled = 1",
        ),
        (
            "UPDATE resource_owners SET enabled = 0",
            401,
            "UPDATE resource_owners SET enabled = 1",
        ),
        (
            "DELETE FROM client_scopes",
            403,
            "INSERT INTO client_scopes SELECT client_key, scope_key FROM clients, scopes",
        ),
        (
            "UPDATE scope_openings SET pattern = 'elsewhere' WHERE pattern = 'orders'",
            403,
            "UPDATE scope_openings SET pattern = 'orders' WHERE pattern = 'elsewhere'",
        ),
    ] {
        assert_eq!(status(), 200, "{change}");
        bearer.server.home.sql(change, &[]);
        assert_eq!(status(), changed, "{change}");
        bearer.server.home.sql(undo, &[]);
    }
    // What is in force of the token's scope is what the proxy is told.
    bearer.server.home.sql(
        "DELETE FROM client_scopes WHERE scope_key = (SELECT scope_key FROM scopes WHERE scope = 'stock')",
        &[],
    );
    let answer = bearer.ask("GET", "?service=orders:list", &[]);
    assert_eq!(answer.header("X-OAuth-Scope"), Some("orders:read"));
}
