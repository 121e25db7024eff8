//! `/metrics`: what happened is counted, and told to nobody who should not read it.

use std::fmt::Debug;
use std::io::Write;
use std::net::TcpStream;
use std::str::FromStr;

use crate::support::browser::Browser;
use crate::support::flow::{Tokens, authorize, code, exchange, refresh, signed_in, tokens};
use crate::support::form::Form;
use crate::support::home::{Client, Home};
use crate::support::http::{Answer, send};
use crate::support::server::{Server, wait_for};

/// The value of a line.
#[track_caller]
fn value<T: FromStr<Err: Debug>>(text: &str, name: &str) -> T {
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = lines.next().unwrap_or_else(|| panic!("no {name} in {text}"));
    value.parse().unwrap()
}

#[track_caller]
fn assert_counts(text: &str, expected: &[(&str, u64)]) {
    for (name, count) in expected {
        assert_eq!(value::<u64>(text, name), *count, "{name}");
    }
}

fn read(server: &Server) -> String {
    let answer = server.get("/metrics", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("Content-Type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    answer.body
}

#[test]
fn what_happened_is_counted() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let mut failing = Browser::at(&server);
    let page = failing.open("/account").body;
    let wrong = Form::with(&page, "password")
        .fill("username", "alice")
        .fill("password", "wrong");
    assert_eq!(failing.submit(&wrong).status, 403);

    // Denied once; approved four times.
    let page = browser.open(&authorize(&client)).body;
    browser.submit(&Form::with(&page, "decision").press("decision", "deny"));
    let replayed = code(&mut browser, &client);
    let of = |answer: &Answer| Tokens::of(answer);
    of(&exchange(&server, &client, &replayed));
    assert_eq!(exchange(&server, &client, &replayed).status, 400);

    let first = tokens(&server, &mut browser, &client);
    let second = of(&refresh(&server, &client, &first.refresh));
    // Repeated: an access token more, and the same refresh token.
    of(&refresh(&server, &client, &first.refresh));
    of(&refresh(&server, &client, &second.refresh));
    assert_eq!(refresh(&server, &client, &first.refresh).status, 400);

    let revoked = tokens(&server, &mut browser, &client);
    for token in [
        &revoked.access,
        &revoked.access,
        &revoked.refresh,
        &revoked.refresh,
    ] {
        assert_eq!(server.post("/revoke", &client, &[("token", token)]).status, 200);
    }
    tokens(&server, &mut browser, &client);
    let page = browser.open("/account").body;
    assert_eq!(browser.submit(&Form::with(&page, "grant")).status, 303);

    let stranger = Client::new("orders", "a wrong secret");
    for status in [401; 10].into_iter().chain([429, 429]) {
        assert_eq!(server.post("/token", &stranger, &[]).status, status);
    }
    assert_eq!(server.get("/nothing/here", &[]).status, 404);

    let text = read(&server);
    assert_counts(
        &text,
        &[
            ("oauthctl_grants_approved_total", 4),
            ("oauthctl_grants_denied_total", 1),
            ("oauthctl_grants_ended_total{cause=\"code_replayed\"}", 1),
            ("oauthctl_grants_ended_total{cause=\"refresh_token_reused\"}", 1),
            ("oauthctl_grants_ended_total{cause=\"refresh_token_revoked\"}", 1),
            ("oauthctl_grants_ended_total{cause=\"taken_back\"}", 1),
            ("oauthctl_tokens_issued_total{kind=\"code\"}", 4),
            ("oauthctl_tokens_issued_total{kind=\"access\"}", 4 + 3),
            ("oauthctl_tokens_issued_total{kind=\"refresh\"}", 4 + 2),
            ("oauthctl_tokens_refreshed_total", 3),
            ("oauthctl_tokens_revoked_total", 1),
            ("oauthctl_code_replays_total", 1),
            ("oauthctl_refresh_token_reuses_total", 1),
            ("oauthctl_sign_ins_total{outcome=\"done\"}", 1),
            ("oauthctl_sign_ins_total{outcome=\"failed\"}", 1),
            ("oauthctl_throttled_total{kind=\"client_secret\"}", 2),
            ("oauthctl_throttled_total{kind=\"password\"}", 0),
            ("oauthctl_client_authentication_failures_total", 10),
            (
                "oauthctl_http_requests_total{endpoint=\"token\",status=\"401\"}",
                10,
            ),
            (
                "oauthctl_http_requests_total{endpoint=\"token\",status=\"429\"}",
                2,
            ),
            (
                "oauthctl_http_requests_total{endpoint=\"none\",status=\"404\"}",
                1,
            ),
            (
                "oauthctl_http_request_duration_seconds_count{endpoint=\"revoke\"}",
                4,
            ),
            ("oauthctl_pruned_tokens_total", 0),
            ("oauthctl_store_failed_commits_total", 0),
        ],
    );
    assert!(value::<u64>(&text, "oauthctl_store_bytes{file=\"database\"}") >= 4096);
    assert!(value::<u64>(&text, "oauthctl_store_bytes{file=\"write_ahead_log\"}") >= 1);
    assert!(value::<u64>(&text, "oauthctl_store_commit_seconds_count") >= 10);
    assert!(value::<u64>(&text, "oauthctl_store_batch_jobs_sum") >= 10);
    // The last use of tokens may be being written just now.
    assert!(value::<u64>(&text, "oauthctl_store_queue_jobs") <= 1);
    assert!(value::<f64>(&text, "process_start_time_seconds") > 1.7e9);
    assert!(value::<u64>(&text, "oauthctl_http_connections{listener=\"main\"}") >= 1);
    // Nothing that somebody sent is a label.
    assert!(!text.contains("nothing") && !text.contains("orders") && !text.contains("alice"));
}

#[test]
fn names_follow_the_conventions() {
    let text = read(&Server::start());
    let mut families = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        families += 1;
        let (name, kind) = line.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        let is_ours = name.starts_with("oauthctl_") || name == "process_start_time_seconds";
        assert!(is_ours && text.contains(&format!("# HELP {name} ")), "{line}");
    }
    assert!(families > 20, "{families}");
}

#[test]
fn without_an_address_of_their_own_only_this_machine_reads_metrics() {
    let server = Server::start();
    read(&server);
    let nothing = server.get("/nothing", &[]);
    let addresses = server.url("/.well-known/oauth-authorization-server");
    assert_eq!(
        (nothing.status, nothing.body.as_str()),
        (
            404,
            format!("not found; the addresses of this server are in {addresses}\n").as_str()
        )
    );
    for name in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"] {
        let answer = server.get("/metrics", &[(name, "192.0.2.1")]);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, nothing.body.as_str()),
            "{name}"
        );
    }
    let answer = send("POST", &server.url("/metrics"), &[], Some(""));
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")));
}

#[test]
fn an_address_of_their_own_answers_also_where_the_main_one_is_flooded() {
    let server = Server::with(Home::furnished(), |command| {
        command
            .env("OAUTHCTL_SERVER_HEALTH_LISTEN", "127.0.0.1:0")
            .env("OAUTHCTL_LIMITS_CONNECTIONS", "4")
    });
    let health = server.told("  health    ");
    let get = |path: &str| send("GET", &format!("{health}{path}"), &[], None);
    assert_eq!(server.get("/metrics", &[]).status, 404, "not at the main address");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path, &[]).status, 200);
        assert_eq!(get(path).status, 200);
    }
    for path in [
        "/authorize",
        "/token",
        "/account",
        "/.well-known/oauth-authorization-server",
        "/",
    ] {
        assert_eq!(get(path).status, 404, "{path}");
    }
    assert_eq!(
        send("POST", &format!("{health}/token"), &[], Some("")).status,
        404
    );

    // Requests that never end, as many as there is room for.
    let flood: Vec<_> = wait_for(|| {
        let mut flood = Vec::new();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
            flood.push(stream);
        }
        (server.get("/healthz", &[]).status == 503).then_some(flood)
    });
    assert_eq!(get("/healthz").status, 200);
    assert_eq!(get("/readyz").status, 200);
    let text = get("/metrics").body;
    assert!(
        value::<u64>(
            &text,
            "oauthctl_http_refused_total{listener=\"main\",status=\"503\"}"
        ) >= 1
    );
    assert_eq!(
        value::<u64>(&text, "oauthctl_http_connections{listener=\"main\"}"),
        4
    );
    drop(flood);

    let (status, _, _) = server.stop();
    assert_eq!(status.code(), Some(0));
    let address: &str = health.strip_prefix("http://").unwrap();
    assert!(TcpStream::connect(address).is_err(), "it went with the server");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Home::empty()
        .command()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("OAUTHCTL_SERVER_HEALTH_LISTEN", &address)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains(&format!(
            "error: cannot listen on {address}, as `server.health_listen` says: Address already in use"
        )),
        "{stderr}"
    );
}
