//! A signal to stop lets requests in flight finish.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::support::flow::{VERIFIER, code, signed_in};
use crate::support::home::{Home, REDIRECT_URI};
use crate::support::http::{PATIENCE, encode};
use crate::support::server::Server;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads until this has come.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0].into());
    }
    text
}

/// Waits until the server does not listen any more.
fn wait_until_closed(server: &Server) {
    let pause = Duration::from_millis(10);
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        if TcpStream::connect(server.address()).is_err() {
            return;
        }
        thread::sleep(pause);
    }
    panic!("the server still listens");
}

#[test]
fn a_request_in_flight_finishes_and_the_exit_code_is_0() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::with(Home::furnished(), |command| {
            command.env("OAUTHCTL_SERVER_SHUTDOWN_GRACE", "1m")
        });
        let client = server.home.client("orders", &[]);
        let code = code(&mut signed_in(&server), &client);
        let body = encode(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ]);

        let mut idle = connect(&server);
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        assert!(read_until(&mut idle, "ok\n").starts_with("HTTP/1.1 200 "));

        let mut in_flight = connect(&server);
        write!(
            in_flight,
            "POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            client.basic(),
            body.len()
        )
        .unwrap();
        // Now the server has read the head and waits for the body.
        assert_eq!(
            read_until(&mut in_flight, "\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n"
        );

        server.signal(signal);
        // The idle connection is closed without a word, and nobody new gets in.
        let mut rest = String::new();
        idle.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "{signal}");
        wait_until_closed(&server);

        in_flight.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        in_flight.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{signal}: {answer}");
        assert!(
            answer.to_ascii_lowercase().contains("connection: close\r\n"),
            "{answer}"
        );
        assert!(answer.contains("\"access_token\":\"oat_"), "{answer}");
        assert_eq!(server.wait().code(), Some(0), "{signal}");
    }
}

#[test]
fn what_was_answered_is_there_after_a_kill_and_after_a_stop() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let held = crate::support::flow::tokens(&server, &mut browser, &client);
    let revoked = crate::support::flow::tokens(&server, &mut browser, &client);
    assert_eq!(
        server
            .post("/revoke", &client, &[("token", &revoked.refresh)])
            .status,
        200
    );
    server.signal("KILL");
    let (_, _, home) = server.ended();

    let server = Server::over(home);
    assert!(server.opens(&held.access) && !server.opens(&revoked.access));
    let (status, _, home) = server.stop();
    assert_eq!(status.code(), Some(0));

    let server = Server::over(home);
    assert!(server.opens(&held.access) && !server.opens(&revoked.access));
}
