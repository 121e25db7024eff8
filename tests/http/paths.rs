//! The table of tricks with paths, over HTTP: `/check` with both pairs of headers and with the query.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde::Deserialize;

use crate::support::flow::{signed_in, tokens};
use crate::support::home::Home;
use crate::support::http::{PATIENCE, encode};
use crate::support::server::Server;

#[derive(Deserialize)]
struct Table {
    path: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    what: String,
    path: Option<String>,
    hex: Option<String>,
    long: Option<usize>,
    denied: Option<String>,
    reaches: Option<String>,
}

impl Row {
    fn bytes(&self) -> Vec<u8> {
        match (&self.path, &self.hex, self.long) {
            (Some(path), ..) => path.as_bytes().to_vec(),
            (None, Some(hex), _) => data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap(),
            (None, None, count) => format!("/{}", "a".repeat(count.unwrap())).into_bytes(),
        }
    }

    /// Whether a token passes that opens everything, or only the few routes and the folder.
    fn passes(&self, is_wide: bool) -> bool {
        self.denied.is_none() && (is_wide || self.reaches.is_some())
    }
}

/// Sends a request as it stands there: the client of the other tests would refuse to send most of these. The status,
/// and all that was answered.
#[track_caller]
fn send(server: &Server, target: &[u8], token: &str, headers: &[(&str, &[u8])]) -> (u16, String) {
    let mut request = b"GET ".to_vec();
    request.extend(target);
    request.extend(b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    let authorization = format!("Bearer {token}");
    for (name, value) in [&[("Authorization", authorization.as_bytes())], headers].concat() {
        request.extend(name.as_bytes());
        request.extend(b": ");
        request.extend(value);
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    (
        status.unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap(),
        answer,
    )
}

#[test]
fn each_trick_is_denied_or_exact() {
    let home = Home::furnished();
    home.scope("wide", &["--route", "/", "/**"]);
    home.scope(
        "narrow",
        &[
            "--folder",
            "orders",
            "--route",
            "/orders",
            "/orders/{id}",
            "/admin",
        ],
    );
    let server = Server::over(home);
    let mut browser = signed_in(&server);
    let mut token = |scope: &str| {
        let client = server.home.client(scope, &["--scope", scope]);
        tokens(&server, &mut browser, &client).access
    };
    let holders = [(true, token("wide")), (false, token("narrow"))];
    let table: Table = toml::from_str(include_str!("../../fixtures/paths.toml")).unwrap();
    for row in &table.path {
        let bytes = row.bytes();
        // What HTTP itself keeps out of a field or a target never reaches the check.
        let is_sendable = bytes.iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
        for (is_wide, token) in &holders {
            let what = format!("{} ({})", row.what, if *is_wide { "wide" } else { "narrow" });
            let passes = row.passes(*is_wide);
            for (method, uri) in [
                ("X-Original-Method", "X-Original-URI"),
                ("X-Forwarded-Method", "X-Forwarded-Uri"),
            ] {
                let pair: [(&str, &[u8]); 2] = [(method, b"GET"), (uri, &bytes)];
                let (status, answer) = send(&server, b"/check", token, &pair);
                match (passes, is_sendable) {
                    (true, _) => assert_eq!(status, 200, "{what}, {uri}: {answer}"),
                    (false, true) => {
                        assert_eq!(status, 403, "{what}, {uri}: {answer}");
                        let is_refused = answer.contains("not in normal form");
                        assert_eq!(is_refused, row.denied.is_some(), "{what}, {uri}: {answer}");
                    }
                    (false, false) => {
                        assert!(matches!(status, 400 | 403), "{what}, {uri}: {status}: {answer}");
                    }
                }
            }
            check_by_query(&server, &what, &bytes, token, passes);
        }
    }
}

/// The query, with the path encoded for it, and with the path as a careless proxy writes it.
fn check_by_query(server: &Server, what: &str, bytes: &[u8], token: &str, passes: bool) {
    let encoded = match std::str::from_utf8(bytes) {
        Ok(text) => encode(&[("method", "GET"), ("path", text)]),
        Err(_) => format!(
            "method=GET&path={}",
            percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC)
        ),
    };
    let target = format!("/check?{encoded}");
    let (status, answer) = send(server, target.as_bytes(), token, &[]);
    match (passes, status) {
        // Longer than a target may be.
        (true, 414) if target.len() > 8192 => {}
        (true, _) => assert_eq!(status, 200, "{what}, query: {answer}"),
        (false, _) => assert!(
            matches!(status, 400 | 403 | 414),
            "{what}, query: {status}: {answer}"
        ),
    }
    // As it came it may be denied where it is allowed otherwise, and never the other way round. No proxy passes on a
    // request whose path does not begin with a slash.
    if !bytes.starts_with(b"/") {
        return;
    }
    let as_it_came = [b"/check?method=GET&path=", bytes].concat();
    let (status, answer) = send(server, &as_it_came, token, &[]);
    assert!(
        matches!(status, 400 | 403 | 414) || (status == 200 && passes),
        "{what}, query as it came: {status}: {answer}"
    );
}
