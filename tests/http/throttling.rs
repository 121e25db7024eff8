//! Whoever guesses is slowed down: by name and address together.

use std::io::{Read, Write};
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use crate::pages::assert_page_headers;
use crate::support::browser::Browser;
use crate::support::form::Form;
use crate::support::home::{Client, PASSWORD};
use crate::support::http::{Answer, PATIENCE};
use crate::support::server::Server;

/// How many failures are answered.
const ANSWERED: usize = 10;

#[track_caller]
fn assert_throttled(answer: &Answer) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let seconds: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}

/// Sends a form from another address of this machine; the status line comes back.
fn from_elsewhere(server: &Server, path: &str, header: &str, body: &str) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into())
        .unwrap();
    let address: SocketAddr = server.address().parse().unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream: std::net::TcpStream = socket.into();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[test]
fn ten_wrong_passwords_in_a_minute() {
    let server = Server::start();
    let mut browser = Browser::at(&server);
    let page = browser.open("/account");
    let sign_in = |username: &str, password: &str| {
        Form::with(&page.body, "password")
            .fill("username", username)
            .fill("password", password)
    };
    // Getting in forgets the failures before it.
    let fail = |browser: &mut Browser, times: usize| {
        for _ in 0..times {
            assert_eq!(browser.submit(&sign_in("alice", "wrong")).status, 403);
        }
    };
    fail(&mut browser, ANSWERED - 1);
    assert_eq!(browser.clone().submit(&sign_in("alice", PASSWORD)).status, 303);
    fail(&mut browser, ANSWERED);

    for password in ["wrong", PASSWORD] {
        let answer = browser.submit(&sign_in("alice", password));
        assert_throttled(&answer);
        assert_page_headers(&answer);
        assert_eq!(answer.header("Set-Cookie"), None);
        assert!(answer.body.contains("Too many attempts"), "{}", answer.body);
    }
    // Another browser at the same address is no way around it; another name is another matter.
    let mut other = Browser::at(&server);
    let page = other.open("/account");
    let form = |username: &str| {
        Form::with(&page.body, "password")
            .fill("username", username)
            .fill("password", PASSWORD)
    };
    assert_throttled(&other.submit(&form("alice")));
    server.home.owner("bob");
    assert_eq!(other.submit(&form("bob")).status, 303);

    // From elsewhere the right one still gets in.
    let cookie = format!(
        "Cookie: {}={}",
        browser.cookies.keys().next().unwrap(),
        browser.cookie()
    );
    let status = from_elsewhere(&server, "/account", &cookie, &sign_in("alice", PASSWORD).body());
    assert!(status.contains(" 303 "), "{status}");
}

#[test]
fn ten_wrong_client_secrets_in_a_minute() {
    let server = Server::start();
    let (orders, other) = (
        server.home.client("orders", &[]),
        server.home.client("other", &[]),
    );
    let warehouse = server.home.resource_server("Warehouse");
    let nobody = Client::new("nobody", "secret");
    let revoke = |client: &Client| server.post("/revoke", client, &[("token", "x")]);
    for client in [&orders, &nobody] {
        let wrong = Client::new(&client.id, "wrong");
        // The endpoints count together.
        for (_, path) in (0..ANSWERED).zip(["/token", "/revoke", "/introspect"].into_iter().cycle()) {
            assert_eq!(server.post(path, &wrong, &[("token", "x")]).status, 401);
        }
        for path in ["/token", "/revoke", "/introspect"] {
            for client in [&wrong, client] {
                let answer = server.post(path, client, &[("token", "x")]);
                assert_throttled(&answer);
                assert_eq!(answer.json()["error"], "invalid_client");
            }
        }
    }
    assert_eq!(revoke(&other).status, 200);
    assert_eq!(
        server.post("/introspect", &warehouse, &[("token", "x")]).status,
        200
    );

    let authorization = format!("Authorization: {}", orders.basic());
    let status = from_elsewhere(&server, "/revoke", &authorization, "token=x");
    assert!(status.contains(" 200 "), "{status}");
    // That was elsewhere: here the failures still count.
    assert_throttled(&revoke(&orders));
}

#[test]
fn requests_that_prove_nothing_do_not_count() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    for _ in 0..=ANSWERED {
        let answer = crate::support::http::send("POST", &server.url("/token"), &[], Some("client_id=orders"));
        assert_eq!(answer.status, 401);
        let form = [
            ("client_id", "orders"),
            ("client_secret", "wrong"),
            ("token", "x"),
        ];
        assert_eq!(server.post("/revoke", &client, &form).status, 400);
    }
    assert_eq!(server.post("/revoke", &client, &[("token", "x")]).status, 200);
}
