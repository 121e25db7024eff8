//! The log: a line for what changed or was refused, found by the ID in the answer; never in the way of serving.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::flow::{Tokens, approve, authorize, code, exchange, signed_in, tokens};
use crate::support::form::Form;
use crate::support::home::{Client, Home};
use crate::support::http::{Answer, agent};
use crate::support::server::{Server, wait_for};

fn id(answer: &Answer) -> String {
    let id = answer.header("X-Request-Id").unwrap();
    assert_eq!(id.len(), 13, "{id}");
    id.to_owned()
}

/// The lines of a request, as JSON.
fn lines(server: &Server, id: &str) -> Vec<Value> {
    wait_for(|| {
        let log = server.log();
        let lines: Vec<Value> = log
            .lines()
            .filter(|line| line.contains(id))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let is_whole = lines.iter().any(|line| line["message"] == "answered");
        is_whole.then_some(lines)
    })
}

fn json_server(level: &str) -> Server {
    Server::with(Home::furnished(), |command| {
        command
            .env("OAUTHCTL_LOG_FORMAT", "json")
            .env("OAUTHCTL_LOG_LEVEL", level)
    })
}

/// The one line of an answer at `info`: what it is about.
#[track_caller]
fn assert_line(server: &Server, answer: &Answer, expected: &[(&str, &str)]) {
    let id = id(answer);
    let lines = lines(server, &id);
    let line = lines.last().unwrap();
    assert_eq!(line["status"], answer.status, "{line}");
    assert_eq!(line["peer"], "127.0.0.1", "{line}");
    assert!(
        line["microseconds"].is_u64() && line["timestamp"].is_string(),
        "{line}"
    );
    let span = line["span"].as_object().unwrap();
    assert_eq!(span["id"], id.as_str());
    let mut told: Vec<(&str, &str)> = span
        .iter()
        .filter(|(name, _)| !["id", "name"].contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    told.push(("level", line["level"].as_str().unwrap()));
    told.push(("endpoint", line["endpoint"].as_str().unwrap()));
    told.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected, "{line}");
}

#[test]
fn each_request_that_changes_or_refuses_something_has_its_line() {
    let server = json_server("debug");
    let client = server.home.client("orders", &[]);
    let warehouse = server.home.resource_server("Warehouse");
    let info = ("level", "INFO");
    let debug = ("level", "DEBUG");
    let claimed = ("claimed_client", "orders");
    let named = ("client", "orders");
    let alice = ("owner", "alice");
    let at_authorize = ("endpoint", "authorize");

    let mut browser = Browser::at(&server);
    let page = browser.open(&authorize(&client));
    assert_line(&server, &page, &[debug, at_authorize, claimed]);
    let form = Form::with(&page.body, "password").fill("password", "wrong");
    let failed = browser.submit(&form.clone().fill("username", "alice"));
    let outcome = ("outcome", "sign-in failed");
    assert_line(&server, &failed, &[info, at_authorize, claimed, alice, outcome]);
    // People type their password where the username belongs.
    let failed = browser.submit(&form.fill("username", "hunter2-hunter2"));
    let unknown = ("owner", "(unknown)");
    assert_line(&server, &failed, &[info, at_authorize, claimed, unknown, outcome]);
    assert!(!server.log().contains("hunter2"));

    let mut browser = signed_in(&server);
    let approved = approve(&mut browser, &authorize(&client));
    let outcome = ("outcome", "approved");
    assert_line(&server, &approved, &[info, at_authorize, claimed, alice, outcome]);
    let page = browser.open(&authorize(&client)).body;
    let denied = browser.submit(&Form::with(&page, "decision").press("decision", "deny"));
    let outcome = ("outcome", "denied");
    assert_line(&server, &denied, &[info, at_authorize, claimed, alice, outcome]);

    let at_token = ("endpoint", "token");
    let code = code(&mut browser, &client);
    let exchanged = exchange(&server, &client, &code);
    let outcome = ("outcome", "code exchanged");
    assert_line(&server, &exchanged, &[info, at_token, named, outcome]);
    let access = Tokens::of(&exchanged).access;
    let replayed = exchange(&server, &client, &code);
    let (outcome, error) = (("outcome", "code replayed"), ("error", "invalid_grant"));
    assert_line(&server, &replayed, &[info, at_token, named, outcome, error]);
    let wrong = server.post("/token", &Client::new("orders", "wrong"), &[]);
    let error = ("error", "invalid_client");
    assert_line(&server, &wrong, &[info, at_token, claimed, error]);
    let unknown = server.post("/token", &Client::new("ocs_swapped", "orders"), &[]);
    let nobody = ("claimed_client", "(unknown)");
    assert_line(&server, &unknown, &[info, at_token, nobody, error]);

    let held = tokens(&server, &mut browser, &client);
    let introspected = server.post("/introspect", &warehouse, &[("token", &held.access)]);
    let caller = ("client", warehouse.id.as_str());
    assert_line(
        &server,
        &introspected,
        &[debug, ("endpoint", "introspect"), caller],
    );
    let bearer = format!("Bearer {access}");
    let checked = server.get("/check?service=orders:list", &[("Authorization", &bearer)]);
    assert_line(
        &server,
        &checked,
        &[
            debug,
            ("endpoint", "check"),
            ("error", "invalid_token"),
            named,
            alice,
        ],
    );
    let revoked = server.post("/revoke", &client, &[("token", &held.refresh)]);
    let outcome = ("outcome", "grant ended");
    assert_line(&server, &revoked, &[info, ("endpoint", "revoke"), named, outcome]);
}

#[test]
fn an_id_is_ours_and_stands_on_the_error_page() {
    let server = Server::start();
    let (mine, path) = ("mine", "/authorize?client_id=nobody");
    let page = server.get(path, &[("X-Request-Id", mine)]);
    assert_eq!(page.status, 400);
    let first = id(&page);
    assert!(
        page.body.contains("Request ID") && page.body.contains(&first),
        "{}",
        page.body
    );
    assert!(!page.body.contains(mine));
    assert_ne!(id(&server.get(path, &[])), first);
    // Also where the listener refuses by itself.
    let refused = server.get("/token", &[("Expect", "something")]);
    assert_eq!(refused.status, 417);
    id(&refused);
    server.line_with(&first);
}

#[test]
fn at_the_level_of_errors_a_failure_still_has_its_id() {
    let server = json_server("error");
    server.home.sql("ALTER TABLE scopes RENAME TO gone", &[]);
    let answer = server.get("/.well-known/oauth-authorization-server", &[]);
    assert_eq!(answer.status, 500);
    let id = id(&answer);
    let line: Value = wait_for(|| {
        let log = server.log();
        let mut lines = log.lines().filter(|line| line.contains(&id));
        lines.next().map(|line| serde_json::from_str(line).unwrap())
    });
    assert_eq!(
        (&line["level"], &line["message"]),
        (&"ERROR".into(), &"a request failed".into())
    );
}

/// A server whose stderr this test holds: its address is read, and nothing after it.
fn unread() -> (Home, Child, BufReader<ChildStderr>, String) {
    let home = Home::furnished();
    let mut child = home
        .command()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("OAUTHCTL_LOG_LEVEL", "trace")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let base = line.strip_prefix("listening on ").unwrap().trim().to_owned();
    (home, child, stderr, base)
}

#[test]
fn a_stderr_that_nobody_reads_or_that_is_closed_keeps_nobody_from_being_served() {
    for is_closed in [true, false] {
        let (_home, mut child, stderr, base) = unread();
        let stderr = (!is_closed).then_some(stderr);
        let agent = agent();
        // Some lines more than a pipe and the queue have room for.
        for _ in 0..6000 {
            let answer = agent.send("GET", &format!("{base}/healthz"), &[], None);
            assert_eq!(answer.status, 200);
        }
        let process = child.id().to_string();
        let killed = std::process::Command::new("kill").arg(&process).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "closed: {is_closed}");
        drop(stderr);
        assert!(send_fails(&base));
    }
}

fn send_fails(base: &str) -> bool {
    std::net::TcpStream::connect(base.strip_prefix("http://").unwrap()).is_err()
}
