//! Secrets, codes and tokens in every place of a request, written in several ways: whatever `dev watch` and
//! `explain request` print of it, none can be read there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;

use crate::server::Server;

/// A value as a client may come to write it.
const WAYS: [fn(&str) -> String; 8] = [
    str::to_owned,
    |value| format!("http://127.0.0.1/callback?code={value}&x=y"),
    |value| format!("orders:read {value} orders:write"),
    |value| format!("({value})\"{value}\";x{value}x"),
    percent_encoded,
    |value| format!("http%3A%2F%2F127.0.0.1%2Fcallback%3Fcode%3D{value}"),
    |value| format!("x={}", percent_encoded(&percent_encoded(value))),
    // Copied out of a terminal that broke the line.
    |value| format!("Bearer {}\n{}", &value[..30], &value[30..]),
];

fn percent_encoded(text: &str) -> String {
    let encoded: String = text.bytes().map(percent_encoding::percent_encode_byte).collect();
    encoded.to_lowercase()
}

/// Of an authorization request.
const ASKED: [&str; 16] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "prompt",
    "max_age",
    "login_hint",
    "nonce",
    "redirect_url",
    "code",
    "anything",
];

/// Of an access token request.
const EXCHANGED: [&str; 8] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "resource",
    "client_id",
];

/// Sends a request, whatever is in it. The ID in its answer, where it came as far as that.
fn send(server: &Server, method: &str, path: &str, header: (&str, &str), body: &str) -> Option<String> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", server.issuer))
        .header(header.0, header.1)
        .body(body.to_owned())
        .unwrap();
    let answer = server.agent.run(request).unwrap();
    let id = answer.headers().get("X-Request-Id")?;
    Some(id.to_str().unwrap().to_owned())
}

fn pair(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish()
}

/// Puts a value everywhere. The IDs of the requests.
fn spread(server: &Server, value: &str) -> Vec<String> {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let (_, good) = server.variable("OAUTH_AUTHORIZE_URL").split_once('?').unwrap();
    let kept = |name: &str| {
        let pairs = good
            .split('&')
            .filter(|pair| pair.split('=').next() != Some(name));
        pairs.collect::<Vec<_>>().join("&")
    };
    let mut ids = Vec::new();
    for name in ASKED {
        let query = format!("{}&{}", kept(name), pair(name, value));
        ids.extend(send(
            server,
            "GET",
            &format!("/authorize?{query}"),
            ("X", "x"),
            "",
        ));
    }
    let credentials = [
        pair("client_id", server.variable("OAUTH_CLIENT_ID")),
        pair("client_secret", server.variable("OAUTH_CLIENT_SECRET")),
    ]
    .join("&");
    for name in EXCHANGED {
        let grant_type = if name == "refresh_token" {
            "refresh_token"
        } else {
            "authorization_code"
        };
        let mut body = format!("{credentials}&{}", pair(name, value));
        if name != "grant_type" {
            body = format!("{body}&grant_type={grant_type}");
        }
        ids.extend(send(server, "POST", "/token", form, &body));
    }
    let (encoded, name) = (percent_encoded(value), pair(value, "x"));
    ids.extend(send(
        server,
        "GET",
        &format!("/authorize?{good}&{name}"),
        ("X", "x"),
        "",
    ));
    ids.extend(send(
        server,
        "GET",
        &format!("/authorize?{good}&{encoded}"),
        ("X", "x"),
        "",
    ));
    ids.extend(send(
        server,
        "GET",
        &format!("/check/{encoded}?service={encoded}"),
        ("X", "x"),
        "",
    ));
    ids.extend(send(server, "POST", &format!("/token?{name}"), form, &name));
    ids.extend(send(
        server,
        "POST",
        "/token",
        form,
        &format!("{{\"code\": \"{value}\"}}"),
    ));
    if let Ok(value) = ureq::http::HeaderValue::from_str(value) {
        for header in ["Content-Type", "Authorization"] {
            ids.extend(send(
                server,
                "POST",
                "/token",
                (header, value.to_str().unwrap()),
                &name,
            ));
        }
    }
    // As a method, which no HTTP client sends.
    let mut stream = TcpStream::connect(server.issuer.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "{value} /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let id = answer
        .to_ascii_lowercase()
        .split_once("x-request-id: ")
        .map(|(_, rest)| rest[..13].to_owned());
    ids.extend(id);
    ids
}

/// What a command prints that watches, up to the request for `/healthz?last`.
fn watching(server: &Server, arguments: &[&str]) -> (Child, std::thread::JoinHandle<String>) {
    let mut child = server.watching(arguments);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        while !text.contains("/end-of-it") {
            assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    });
    (child, reading)
}

/// The text, and what it is decoded once and twice.
fn decoded(text: &str) -> Vec<String> {
    let mut texts = vec![text.to_owned()];
    for _ in 0..2 {
        let last = percent_encoding::percent_decode_str(texts.last().unwrap());
        let last = last.decode_utf8_lossy().into_owned();
        texts.push(last);
    }
    texts
}

#[test]
fn nothing_that_is_told_of_a_request_opens_anything() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let secrets = [
        server.variable("OAUTH_CLIENT_SECRET").to_owned(),
        server.code("bob"),
        tokens["access_token"].as_str().unwrap().to_owned(),
        tokens["refresh_token"].as_str().unwrap().to_owned(),
    ];
    let (mut first, text) = watching(&server, &["dev", "watch", "--all"]);
    let (mut second, json) = watching(&server, &["dev", "watch", "-o", "jsonl"]);
    let mut told = Vec::new();
    let mut count = 0;
    for (number, way) in WAYS.iter().enumerate() {
        for (kind, secret) in secrets.iter().enumerate() {
            let ids = spread(&server, &way(secret));
            count += ids.len();
            // All of them are watched; of each way and kind of value an eighth is looked up too.
            for id in ids.iter().skip((number + kind) % 8).step_by(8) {
                for format in ["table", "json"] {
                    let output = server.command(&["explain", "request", id, "-o", format], "");
                    told.push(String::from_utf8(output.stdout).unwrap());
                    told.push(String::from_utf8(output.stderr).unwrap());
                }
            }
        }
    }
    assert!(count > 900, "{count}");
    server.get("/end-of-it", &[]);
    told.push(text.join().unwrap());
    told.push(json.join().unwrap());
    for child in [&mut first, &mut second] {
        child.kill().unwrap();
        let mut rest = String::new();
        if let Some(stdout) = &mut child.stdout {
            stdout.read_to_string(&mut rest).unwrap();
        }
        child.wait().unwrap();
    }
    for text in told.iter().flat_map(|text| decoded(text)) {
        for secret in &secrets {
            // What stands before is the kind, and the ID of a token.
            let opens = &secret[secret.len() - 43..];
            for part in [&opens[..14], &opens[14..28], &opens[28..]] {
                let line = text.lines().find(|line| line.contains(part));
                assert_eq!(line, None, "{part} of {}…", &secret[..4]);
            }
        }
    }
}
