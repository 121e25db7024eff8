//! Nothing that a caller sends as a secret, or that is the client's own business, is written anywhere: canaries go
//! through every endpoint in every place, with the log at its loudest, and everything that was written is searched.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;

use data_encoding::{BASE64, HEXLOWER};
use oauthctl::entropy::{OsEntropy, random};

use crate::support::flow::{VERIFIER, authorize_with, signed_in};
use crate::support::home::{Client, Home, REDIRECT_URI};
use crate::support::http::{PATIENCE, encode};
use crate::support::server::Server;

const PATHS: [&str; 24] = [
    "/authorize",
    "/token",
    "/revoke",
    "/introspect",
    "/check",
    "/account",
    "/logout",
    "/.well-known/oauth-authorization-server",
    "/healthz",
    "/readyz",
    "/metrics",
    "/invoke/pub.oauth/authorize",
    "/invoke/pub.oauth/getToken",
    "/invoke/pub.oauth/getAccessToken",
    "/invoke/pub.oauth/refreshAccessToken",
    "/invoke/pub.oauth/introspectToken",
    "/invoke/pub.oauth/revokeToken",
    "/invoke/pub.oauth:authorize",
    "/invoke/pub.oauth:getToken",
    "/invoke/pub.oauth:getAccessToken",
    "/invoke/pub.oauth:refreshAccessToken",
    "/invoke/pub.oauth:introspectToken",
    "/invoke/pub.oauth:revokeToken",
    "/nothing",
];

/// Parameters that carry a canary each, in queries and in bodies.
const PARAMETERS: [&str; 17] = [
    "code",
    "access_token",
    "refresh_token",
    "token",
    "client_secret",
    "password",
    "username",
    "state",
    "code_verifier",
    "code_challenge",
    "form_token",
    "request",
    "decision",
    "scope",
    "nonce",
    "assertion",
    "unknown",
];

/// Header fields likewise.
const FIELDS: [&str; 12] = [
    "X-Request-Id",
    "X-Correlation-Id",
    "Traceparent",
    "User-Agent",
    "Referer",
    "X-Original-URI",
    "X-Forwarded-Uri",
    "X-Forwarded-For",
    "X-Api-Key",
    "Accept",
    "Origin",
    "Proxy-Authorization",
];

/// Values that stand nowhere else, each with what it was.
#[derive(Default)]
struct Canaries(Vec<(String, String)>);

impl Canaries {
    fn hatch(&mut self, what: &str) -> String {
        let value = HEXLOWER.encode(&random::<12>(&OsEntropy).unwrap());
        self.0.push((what.to_owned(), value.clone()));
        value
    }

    /// One that is sent encoded: that is looked for as well.
    fn basic(&mut self, id: &str, what: &str) -> String {
        let secret = self.hatch(what);
        let encoded = BASE64.encode(format!("{id}:{secret}").as_bytes());
        self.0.push((
            format!("{what}, encoded"),
            encoded[(id.len() + 1).div_ceil(3) * 4..].to_owned(),
        ));
        format!("Basic {encoded}")
    }

    /// A query or a form in which every parameter has one, and a name is one.
    fn parameters(&mut self, place: &str, prefix: &str) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = PARAMETERS
            .iter()
            .map(|name| {
                let canary = self.hatch(&format!("{name} in {place}"));
                ((*name).to_owned(), format!("{prefix}{canary}"))
            })
            .collect();
        pairs.push((self.hatch(&format!("a name in {place}")), "x".to_owned()));
        pairs
    }
}

/// Sends bytes as they are; the status of the answer.
fn raw(server: &Server, request: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is no matter.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .strip_prefix("HTTP/1.1 ")
        .unwrap_or_else(|| panic!("{answer:?}"));
    status[..3].parse().unwrap()
}

fn request(server: &Server, method: &str, target: &str, fields: &[(&str, String)], body: &str) -> u16 {
    let lines: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let fields = lines.concat();
    let length = body.len();
    raw(
        server,
        &format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
        ),
    )
}

/// Whose secret is guessed at; told by its ID, which is long enough to be looked for like a canary.
const VICTIM: &str = "victim-that-is-told-by-its-id";

const FORM: &str = "application/x-www-form-urlencoded";

fn content_type() -> (&'static str, String) {
    ("Content-Type", FORM.to_owned())
}

/// Everything wrong that can be sent to a path. The statuses that came of it.
fn pester(server: &Server, canaries: &mut Canaries, path: &str, client: &Client) -> Vec<u16> {
    [
        in_parameters(server, canaries, path, client),
        in_authorization(server, canaries, path),
        elsewhere(server, canaries, path),
        to_the_listener(server, canaries, path),
    ]
    .concat()
}

fn in_parameters(server: &Server, canaries: &mut Canaries, path: &str, client: &Client) -> Vec<u16> {
    let mut statuses = Vec::new();
    // A prefix makes a value that is parsed as what it says it is.
    for prefix in ["", "oac_", "oat_", "ort_", "ocs_"] {
        let place = format!("the query of {path}");
        let query = encode(&canaries.parameters(&place, prefix));
        let place = format!("the body of {path}");
        let body = encode(&canaries.parameters(&place, prefix));
        let target = format!("{path}?client_id={}&{query}", client.id);
        statuses.push(request(server, "GET", &target, &[], ""));
        let body = format!("client_id={}&grant_type=authorization_code&{body}", client.id);
        statuses.push(request(server, "POST", &target, &[content_type()], &body));
        // Of a client that proves who it is, so that the rest is looked at.
        let right = ("Authorization", client.basic());
        let rest = encode(&canaries.parameters(&place, prefix));
        for grant in ["authorization_code", "refresh_token"] {
            let body = format!("grant_type={grant}&{}", without_secret(&rest));
            let fields = [right.clone(), content_type()];
            statuses.push(request(server, "POST", path, &fields, &body));
        }
    }
    statuses
}

fn in_authorization(server: &Server, canaries: &mut Canaries, path: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for scheme in ["Bearer", "bearer", "Digest", "Negotiate", "DPoP", "Basic", ""] {
        let canary = canaries.hatch(&format!("Authorization: {scheme} at {path}"));
        let value = format!("{scheme} {canary}").trim().to_owned();
        for method in ["GET", "POST"] {
            let fields = [("Authorization", value.clone()), content_type()];
            statuses.push(request(server, method, path, &fields, "token=x"));
        }
        let target = format!("{path}?service=orders:list");
        statuses.push(request(server, "GET", &target, &[("Authorization", value)], ""));
    }
    for id in [VICTIM, "nobody"] {
        let basic = canaries.basic(id, &format!("Basic at {path}"));
        let fields = [("Authorization", basic), content_type()];
        statuses.push(request(
            server,
            "POST",
            path,
            &fields,
            "token=x&grant_type=refresh_token",
        ));
        let form = encode(&[
            ("client_id", id),
            ("client_secret", &canaries.hatch("client_secret")),
        ]);
        statuses.push(request(server, "POST", path, &[content_type()], &form));
    }
    // Secret and ID swapped.
    let swapped = canaries.hatch("a secret as the ID");
    let swapped = BASE64.encode(format!("{swapped}:orders").as_bytes());
    let fields = [("Authorization", format!("Basic {swapped}")), content_type()];
    statuses.push(request(server, "POST", path, &fields, "token=x"));
    statuses
}

/// In cookies, header fields, paths, and bodies that are no forms.
fn elsewhere(server: &Server, canaries: &mut Canaries, path: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    let port = server.address().rsplit(':').next().unwrap();
    let own = format!("oauthctl_{port}={}", canaries.hatch("our cookie"));
    let other = format!(
        "{}={}",
        canaries.hatch("a cookie's name"),
        canaries.hatch("a cookie")
    );
    let mut fields = vec![("Cookie", format!("{own}; {other}"))];
    for name in FIELDS {
        fields.push((name, format!("/{}", canaries.hatch(&format!("{name} at {path}")))));
    }
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        statuses.push(request(server, method, path, &fields, ""));
    }
    let beneath = format!("{path}/{}", canaries.hatch("a path"));
    statuses.push(request(server, "GET", &beneath, &[], ""));
    let json = format!("{{\"token\":\"{}\"}}", canaries.hatch("JSON"));
    let fields = [("Content-Type", "application/json".to_owned())];
    statuses.push(request(server, "POST", path, &fields, &json));
    let media_type = [("Content-Type", canaries.hatch("Content-Type"))];
    statuses.push(request(server, "POST", path, &media_type, &json));
    statuses
}

/// What the listener refuses by itself.
fn to_the_listener(server: &Server, canaries: &mut Canaries, path: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (what, bytes) in [
        (
            "a method",
            format!(
                "{}x {path} HTTP/1.1\r\nHost: x\r\n\r\n",
                canaries.hatch("a method")
            ),
        ),
        (
            "a method",
            format!("{} {path} HTTP/1.1\r\nHost: x\r\n\r\n", "X".repeat(20)),
        ),
        (
            "a version",
            format!("GET {path} {}\r\n\r\n", canaries.hatch("a version")),
        ),
        (
            "a target",
            format!("GET http://{}{path} HTTP/1.1\r\n\r\n", canaries.hatch("a target")),
        ),
        (
            "a host",
            format!(
                "GET {path} HTTP/1.1\r\nHost: {} x\r\n\r\n",
                canaries.hatch("a host")
            ),
        ),
        (
            "a field",
            format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n",
                canaries.hatch("a field")
            ),
        ),
        (
            "two Authorization",
            format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nAuthorization: Bearer {}\r\n\r\n",
                canaries.hatch("the first"),
                canaries.hatch("the second")
            ),
        ),
        (
            "an expectation",
            format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: {}\r\n\r\n",
                canaries.hatch("Expect")
            ),
        ),
        (
            "a length",
            format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                canaries.hatch("a length")
            ),
        ),
    ] {
        // Two of these are requests like any other to some endpoint; none may hang.
        let bytes = bytes.replacen(
            "\r\nHost: x\r\n\r\n",
            "\r\nHost: x\r\nConnection: close\r\n\r\n",
            1,
        );
        let status = raw(server, &bytes);
        assert!(status >= 400, "{what} at {path}: {status}");
        statuses.push(status);
    }
    statuses
}

/// A form without the parameter that would be a second way of authenticating.
fn without_secret(form: &str) -> String {
    let pairs = form.split('&').filter(|pair| !pair.starts_with("client_secret="));
    pairs.collect::<Vec<_>>().join("&")
}

#[test]
fn no_canary_is_found_in_anything_that_was_written() {
    for format in ["text", "json"] {
        let home = Home::furnished();
        let stdout = home.database().with_file_name("stdout");
        let server = Server::with(home, |command| {
            command
                .env("OAUTHCTL_LOG_LEVEL", "trace")
                .env("OAUTHCTL_LOG_FORMAT", format)
                .stdout(File::create(&stdout).unwrap())
        });
        let client = server.home.client("orders", &[]);
        server.home.client(VICTIM, &[]);
        let mut canaries = Canaries::default();
        let mut statuses = Vec::new();
        for path in PATHS {
            statuses.extend(pester(&server, &mut canaries, path, &client));
        }
        // Requests that are in order, with what is the client's own business.
        let mut browser = signed_in(&server);
        let (state, unknown) = (
            canaries.hatch("a state that is sent back"),
            canaries.hatch("a parameter"),
        );
        let path = authorize_with(&client, &[("login_hint", &unknown)])
            .replace("state=xyz", &format!("state={state}"));
        assert_eq!(browser.open(&path).status, 200);
        let (query, value) = (
            canaries.hatch("the query of a redirect URI"),
            canaries.hatch("a scope"),
        );
        for (name, value) in [
            ("redirect_uri", format!("{REDIRECT_URI}?{query}")),
            ("scope", value),
            ("code_challenge", VERIFIER[1..].to_owned()),
        ] {
            let form = encode(&[
                ("client_id", client.id.as_str()),
                ("state", &state),
                (name, &value),
            ]);
            let answer = browser.open(&format!("/authorize?response_type=code&{form}"));
            assert!(matches!(answer.status, 302 | 400), "{answer:?}");
        }

        // So that all of it was tried.
        for status in [200, 302, 303, 400, 401, 403, 404, 405, 417, 429] {
            let is_seen = statuses.contains(&status) || [302, 303].contains(&status);
            assert!(is_seen, "no {status}");
        }
        assert!(canaries.0.len() > 5000, "{}", canaries.0.len());

        let (status, log, home) = server.stop();
        assert_eq!(status.code(), Some(0));
        for told in ["invalid_client", "(unknown)", VICTIM, "refused", "answered"] {
            assert!(log.contains(told), "{told}");
        }
        let mut written = vec![("the log".to_owned(), log.into_bytes())];
        for entry in std::fs::read_dir(home.database().parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                written.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        assert!(written.len() >= 3, "the log, stdout and the database");
        for (place, bytes) in &written {
            let words = Words::of(bytes);
            let tells = place == "the log" || place.ends_with("oauthctl.db");
            assert_eq!(words.hold(VICTIM), tells, "what is there is found: {place}");
            for (what, canary) in &canaries.0 {
                assert!(!words.hold(canary), "{what} stands in {place} ({format})");
            }
        }
    }
}

/// Every run of 24 bytes in a text, so that thousands of canaries are looked for at once.
struct Words<'t>(std::collections::HashSet<&'t [u8]>);

const RUN: usize = 24;

impl<'t> Words<'t> {
    fn of(text: &'t [u8]) -> Self {
        Self(text.windows(RUN).collect())
    }

    /// Whether any run of 24 bytes of a canary stands in the text. Each has as many at least.
    fn hold(&self, canary: &str) -> bool {
        assert!(canary.len() >= RUN, "{canary}");
        canary.as_bytes().windows(RUN).any(|run| self.0.contains(run))
    }
}
