//! The listener on real sockets: what it answers, what it refuses, and that nothing which a peer does ends it.
//!
//! No verdict depends on how long something took. The short limits that some tests set are limits of the server; the
//! tests wait for what comes of them. `PATIENCE` only keeps a test that fails from hanging.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use oauthctl::config::{KEYS, Settings};
use oauthctl::domain::network::Networks;
use oauthctl::http::listener::{Limits, Listener, Peers, Stop};
use oauthctl::http::request::Request;
use oauthctl::http::response::Response;

const PATIENCE: Duration = Duration::from_secs(30);
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A listener on a port of its own, stopped when the test ends.
struct Server {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(limits: Limits, handler: impl Fn(Request) -> Response + Send + Sync + 'static) -> Self {
        Self::admitting(Peers::default(), limits, handler)
    }

    fn admitting(
        peers: Peers,
        limits: Limits,
        handler: impl Fn(Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(address, limits).unwrap().with_peers(peers);
        let (address, stop) = (listener.local_addr().unwrap(), listener.stop_handle());
        let thread = Some(thread::spawn(move || listener.run(Arc::new(handler))));
        Self {
            address,
            stop,
            thread,
        }
    }

    fn echo() -> Self {
        Self::start(Limits::default(), echo)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// Everything that comes back for `bytes` until the server closes the connection.
    fn exchange(&self, bytes: &[u8]) -> String {
        rest(&mut self.send(bytes))
    }

    fn answers(&self) -> bool {
        Reply::read(&mut self.send(GET)).status == 200
    }

    fn join(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking());
        }
    }
}

/// Says what arrived: method, path, query, body.
#[expect(clippy::needless_pass_by_value, reason = "a handler takes its request")]
fn echo(request: Request) -> Response {
    let body = String::from_utf8_lossy(request.body()).into_owned();
    let (method, path, query) = (request.method(), request.path(), request.query());
    Response::text(200, &format!("{method} {path} [{query}] {body}"))
}

/// What is left on the stream, up to a close that is no reset.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// One answer.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    /// Reads one answer and leaves the next one on the stream.
    fn read(stream: &mut TcpStream) -> Self {
        let head = Self::read_head(stream);
        let mut body = vec![0; head.length()];
        stream.read_exact(&mut body).unwrap();
        Self {
            body: String::from_utf8(body).unwrap(),
            ..head
        }
    }

    /// Reads one answer that has no body, whatever its length says.
    fn read_head(stream: &mut TcpStream) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        Self {
            status,
            head,
            body: String::new(),
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (present, value) = line.split_once(": ")?;
            present.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn length(&self) -> usize {
        self.value("Content-Length")
            .map_or(0, |length| length.parse().unwrap())
    }
}

/// Reads one refusal and sees to it that it is clean: one answer, in plain text, and then the end of the stream.
fn refusal(stream: &mut TcpStream) -> u16 {
    let reply = Reply::read(stream);
    assert_eq!(reply.value("Connection"), Some("close"), "{reply:?}");
    assert_eq!(
        reply.value("Content-Type"),
        Some("text/plain; charset=utf-8"),
        "{reply:?}"
    );
    assert!(reply.body.len() > 10 && reply.body.ends_with('\n'), "{reply:?}");
    assert_eq!(rest(stream), "", "something followed {reply:?}");
    reply.status
}

/// Requests, each with its name and the status with which it is refused.
type Refused<'a> = [(&'a str, &'a [u8], u16)];

fn each_gets_one_clean_refusal(table: &Refused<'_>) {
    let server = Server::echo();
    for (name, bytes, expected) in table {
        let status = refusal(&mut server.send(bytes));
        assert_eq!(status, *expected, "{name}");
    }
    assert!(server.answers());
}

#[test]
fn a_request_line_that_is_out_of_order_is_refused() {
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(9_000));
    let endless_target = format!("GET /{}", "a".repeat(20_000));
    let table: &Refused<'_> = &[
        ("no HTTP", b"hello\r\n", 400),
        (
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            400,
        ),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("HTTP/0.9", b"GET /\r\n", 400),
        ("HTTP/2", b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ("HTTP/2, written short", b"GET / HTTP/2\r\nHost: x\r\n\r\n", 505),
        ("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505),
        (
            "a version in lower case",
            b"GET / http/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        (
            "a method in lower case",
            b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        (
            "a method that is no token",
            b"GE(T / HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        ("no method", b" / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (
            "two spaces before the target",
            b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        (
            "two spaces after the target",
            b"GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        (
            "a space after the version",
            b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
            400,
        ),
        ("a tab for a space", b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (
            "a space in the target",
            b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        ("a fragment", b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (
            "the absolute form",
            b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        (
            "the authority form",
            b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        ("the asterisk form", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (
            "a target without a slash",
            b"GET a HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        (
            "a target that is not ASCII",
            b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        ("NUL in the target", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (
            "a bare LF after the request line",
            b"GET / HTTP/1.1\nHost: x\r\n\r\n",
            400,
        ),
        ("a target beyond the bound", long_target.as_bytes(), 414),
        ("a target without an end", endless_target.as_bytes(), 414),
    ];
    each_gets_one_clean_refusal(table);
}

#[test]
fn header_fields_that_are_out_of_order_are_refused() {
    let long_head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(17_000));
    let many_fields = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(64));
    let long_body = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n{}",
        "a".repeat(65_537)
    );
    let long_length = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        "9".repeat(60)
    );
    let table: &Refused<'_> = &[
        ("a bare LF after a field", b"GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
        ("a bare LF at the end", b"GET / HTTP/1.1\r\nHost: x\r\n\n", 400),
        ("a bare CR in a field", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
        ("a bare CR in the request line", b"GET /\r HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("two empty lines first", b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a folded field", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        ("a space before the first field", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
        ("a space before the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("a field without a colon", b"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400),
        ("a field without a name", b"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n", 400),
        ("NUL in a field", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
        ("NUL in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n", 400),
        ("an escape in a field", b"GET / HTTP/1.1\r\nHost: x\r\nA: \x1b[0m\r\n\r\n", 400),
        ("DEL in a field", b"GET / HTTP/1.1\r\nHost: x\r\nA: \x7f\r\n\r\n", 400),
        ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
        ("an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("two Hosts", b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        ("two equal Hosts on HTTP/1.0", b"GET / HTTP/1.0\r\nHost: x\r\nhost: x\r\n\r\n", 400),
        ("a Host that is none", b"GET / HTTP/1.1\r\nHost: x/y@z\r\n\r\n", 400),
        (
            "two Authorizations",
            b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n",
            400,
        ),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            400,
        ),
        (
            "two equal lengths",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            400,
        ),
        ("a list of lengths", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na", 400),
        ("a length with a sign", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400),
        ("a negative length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na", 400),
        ("a hexadecimal length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na", 400),
        ("an empty length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
        ("a POST without a length", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        ("a PUT without a length", b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        ("a PATCH without a length", b"PATCH / HTTP/1.0\r\n\r\n", 411),
        ("chunks", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("another coding", b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        (
            "a coding and a length",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        ("chunks on HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("a body beyond the bound", long_body.as_bytes(), 413),
        ("a length beyond every number", long_length.as_bytes(), 413),
        ("a GET with a body beyond the bound", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
        ("an unknown expectation", b"GET / HTTP/1.1\r\nHost: x\r\nExpect: the-worst\r\n\r\n", 417),
        ("a head beyond the bound", long_head.as_bytes(), 431),
        ("fields beyond the bound", many_fields.as_bytes(), 431),
    ];
    each_gets_one_clean_refusal(table);
}

#[test]
fn a_request_that_breaks_off_is_told_so() {
    let server = Server::echo();
    for bytes in [
        b"GET / HTTP/1.1\r\nHost".as_slice(),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
    ] {
        let mut stream = server.send(bytes);
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(refusal(&mut stream), 400);
    }
}

#[test]
fn requests_that_are_in_order_arrive_as_they_were_sent() {
    let server = Server::echo();
    let edge = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n{}",
        "a".repeat(65_536)
    );
    let edge_answer = format!("POST / [] {}", "a".repeat(65_536));
    let table: &[(&[u8], &str)] = &[
        (
            b"GET /a%2Fb/../c?d=%20&e HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /a%2Fb/../c [d=%20&e] ",
        ),
        (b"GET //x?? HTTP/1.1\r\nhost:x:80\r\n\r\n", "GET //x [?] "),
        (b"M-SEARCH / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "M-SEARCH / [] "),
        (b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE / [] "),
        (b"GET / HTTP/1.0\r\n\r\n", "GET / [] "),
        (b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / [] "),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "POST / [] ",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:  003\t\r\n\r\na=b",
            "POST / [] a=b",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
            "GET / [] hi",
        ),
        (edge.as_bytes(), &edge_answer),
    ];
    for (bytes, expected) in table {
        let reply = Reply::read(&mut server.send(bytes));
        assert_eq!(reply.status, 200, "{expected}");
        assert_eq!(reply.body, *expected);
        assert_eq!(reply.value("Server"), Some("oauthctl"));
        assert!(reply.value("Date").is_some());
    }
}

#[test]
fn a_header_value_that_is_not_ascii_reaches_the_handler_as_bytes() {
    let server = Server::start(Limits::default(), |request| {
        let bytes: Vec<&[u8]> = request.headers_named("x-name").collect();
        assert_eq!(request.header("X-Name"), None);
        Response::text(
            200,
            &format!("{} {}", request.peer().ip(), bytes[0].escape_ascii()),
        )
    });
    let reply = Reply::read(&mut server.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Name: caf\xe9\r\n\r\n"));
    assert_eq!(reply.body, r"127.0.0.1 caf\xe9");
}

/// The request for which the loop of `tiny_http` allocates a terabyte.
#[test]
fn an_announced_terabyte_ends_nothing() {
    let server = Server::echo();
    for host in ["Host: x\r\n", ""] {
        let bytes = format!("POST / HTTP/1.1\r\n{host}Content-Length: 1000000000000\r\n\r\n");
        drop(server.send(bytes.as_bytes()));
        let expected = if host.is_empty() { 400 } else { 413 };
        assert_eq!(refusal(&mut server.send(bytes.as_bytes())), expected);
    }
    assert!(server.answers());
}

#[test]
fn requests_sent_at_once_are_answered_one_after_the_other() {
    let server = Server::echo();
    let mut stream = server.send(
        b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none\
          GET /2 HTTP/1.1\r\nHost: x\r\n\r\n\
          POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthree",
    );
    for (body, connection) in [
        ("POST /1 [] one", None),
        ("GET /2 [] ", None),
        ("POST /3 [] three", Some("close")),
    ] {
        let reply = Reply::read(&mut stream);
        assert_eq!(reply.body, body);
        assert_eq!(reply.value("Connection"), connection);
    }
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn a_request_in_pieces_is_one_request() {
    let server = Server::echo();
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for _ in 0..2 {
        for byte in b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody" {
            stream.write_all(&[*byte]).unwrap();
        }
        assert_eq!(Reply::read(&mut stream).body, "POST /a [] body");
    }
}

#[test]
fn what_follows_a_refused_request_is_not_looked_at() {
    let (seen, paths) = channel();
    let seen = Mutex::new(seen);
    let server = Server::start(Limits::default(), move |request| {
        seen.lock().unwrap().send(request.path().to_owned()).unwrap();
        echo(request)
    });
    let mut stream = server.send(
        b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n\
          POST /bad HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
          GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    assert_eq!(Reply::read(&mut stream).body, "GET /first [] ");
    assert_eq!(refusal(&mut stream), 501);
    assert_eq!(paths.try_iter().collect::<Vec<_>>(), ["/first"]);
}

#[test]
fn http_1_0_closes_unless_it_asks_not_to() {
    let server = Server::echo();
    let closed = server.exchange(b"GET / HTTP/1.0\r\n\r\n");
    assert!(closed.contains("\r\nConnection: close\r\n"), "{closed}");

    let mut stream = server.send(b"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n");
    assert_eq!(Reply::read(&mut stream).value("Connection"), Some("keep-alive"));
    assert_eq!(Reply::read(&mut stream).value("Connection"), Some("close"));
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn the_answer_to_head_has_the_length_of_a_body_that_stays_away() {
    let server = Server::echo();
    let mut stream = server.send(b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /g HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(Reply::read_head(&mut stream).length(), "HEAD /h [] ".len());
    assert_eq!(Reply::read(&mut stream).body, "GET /g [] ");

    let refused = server.exchange(b"HEAD / HTTP/1.1\r\n\r\n");
    assert!(
        refused.starts_with("HTTP/1.1 400 ") && refused.ends_with("\r\n\r\n"),
        "{refused}"
    );
}

#[test]
fn a_peer_that_expects_it_is_told_to_continue_before_it_sends_the_body() {
    let server = Server::echo();
    let mut stream =
        server.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n");
    assert_eq!(
        Reply::read_head(&mut stream).head,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(b"body").unwrap();
    assert_eq!(Reply::read(&mut stream).body, "POST / [] body");

    let too_large = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(
        refusal(&mut server.send(too_large)),
        413,
        "refused instead of told to continue"
    );
    let old = b"POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody";
    assert_eq!(
        Reply::read(&mut server.send(old)).status,
        200,
        "HTTP/1.0 knows no interim answers"
    );
}

#[test]
fn a_connection_ends_after_its_last_request() {
    let limits = Limits {
        requests_per_connection: 2,
        ..Limits::default()
    };
    let server = Server::start(limits, echo);
    let mut stream = server.send(&GET.repeat(3));
    assert_eq!(Reply::read(&mut stream).value("Connection"), None);
    assert_eq!(Reply::read(&mut stream).value("Connection"), Some("close"));
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn a_handler_that_panics_costs_one_answer() {
    let server = Server::start(Limits::default(), |request| {
        assert_ne!(request.path(), "/panic", "as the test wants it");
        echo(request)
    });
    let mut neighbour = server.send(GET);
    assert_eq!(Reply::read(&mut neighbour).status, 200);
    let mut stream =
        server.send(b"GET /panic?code=1 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(refusal(&mut stream), 500);
    neighbour.write_all(GET).unwrap();
    assert_eq!(Reply::read(&mut neighbour).status, 200);
    assert!(server.answers());
}

/// Sends `bytes` one by one until the server answers. Each pause is far below the limit, all together are far above
/// it.
fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(10));
        stream.set_nonblocking(true).unwrap();
        let answered = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        if answered {
            return;
        }
    }
}

#[test]
fn a_head_or_a_body_that_drips_is_cut_by_the_total() {
    let limits = Limits {
        head_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Server::start(limits, echo);
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(200));
    let mut stream = server.connect();
    drip(&mut stream, head.as_bytes());
    assert_eq!(refusal(&mut stream), 408, "head");

    let mut stream = server.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n");
    drip(&mut stream, &[b'a'; 200]);
    assert_eq!(refusal(&mut stream), 408, "body");

    let mut stream = server.send(b"GET / HTTP/1.1\r\n");
    assert_eq!(refusal(&mut stream), 408, "a head that stands still");
}

#[test]
fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let limits = Limits {
        idle_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(limits, echo);
    assert_eq!(server.exchange(b""), "");
    let mut stream = server.send(GET);
    assert_eq!(Reply::read(&mut stream).status, 200);
    assert_eq!(rest(&mut stream), "");
}

/// A handler that tells when a request for `/slow` has come in, and answers it when it is told to.
fn slow() -> (
    impl Fn(Request) -> Response + Send + Sync,
    Receiver<()>,
    Sender<()>,
) {
    let ((entered, has_entered), (release, released)) = (channel(), channel());
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let handler = move |request: Request| {
        if request.path() == "/slow" {
            entered.lock().unwrap().send(()).unwrap();
            // Also ends when the test is over.
            let _ = released.lock().unwrap().recv();
        }
        echo(request)
    };
    (handler, has_entered, release)
}

const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_connection_beyond_the_bound_is_told_so() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let (handler, has_entered, release) = slow();
    let server = Server::start(limits, handler);
    let mut first = server.send(SLOW);
    has_entered.recv_timeout(PATIENCE).unwrap();
    // One sends its request, the other waits to be greeted: both read the refusal.
    for bytes in [GET, b""] {
        let mut second = server.send(bytes);
        assert_eq!(refusal(&mut second), 503);
    }
    release.send(()).unwrap();
    assert_eq!(Reply::read(&mut first).status, 200);
    drop(first);
    assert!(soon_answers(&server), "the place is free again");
}

/// Whether the server, whose one connection comes to an end, takes another one.
fn soon_answers(server: &Server) -> bool {
    (0..300).any(|_| {
        thread::sleep(Duration::from_millis(100));
        server.answers()
    })
}

/// Whether the stream is at its end, now or within the patience of the test; a reset is an end as well.
fn is_cut(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn an_idle_connection_gives_way_to_a_new_one() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let server = Server::start(limits, echo);
    let keep = || {
        let mut stream = server.send(GET);
        assert_eq!(Reply::read(&mut stream).status, 200);
        stream
    };
    let mut idle = [keep(), keep()];
    // Until the server has seen that an answer was taken, its connection is not idle.
    let mut newcomer = loop {
        let mut stream = server.send(GET);
        if Reply::read(&mut stream).status == 200 {
            break stream;
        }
    };
    let goes_on = |stream: &mut TcpStream| {
        let written = stream.write_all(GET);
        written.is_ok() && !is_cut(stream)
    };
    assert_eq!(
        idle.iter_mut()
            .filter_map(|stream| goes_on(stream).then_some(()))
            .count(),
        1
    );
    assert!(goes_on(&mut newcomer));
}

#[test]
fn slow_senders_give_way_to_whoever_means_it() {
    let limits = Limits {
        connections: 3,
        head_time: PATIENCE,
        body_time: PATIENCE,
        idle_time: PATIENCE,
        ..Limits::default()
    };
    let server = Server::start(limits, echo);
    let mut slow: Vec<TcpStream> = [
        b"".as_slice(),
        b"GET / HTTP/1.1\r\nA: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nbody",
    ]
    .into_iter()
    .map(|bytes| server.send(bytes))
    .collect();
    // Each of these newcomers takes the place of one of them, and keeps it until the end.
    let mut newcomers = Vec::new();
    while newcomers.len() < 3 {
        let mut stream = server.send(b"GET / HTTP/1.1\r\n");
        stream.set_nonblocking(true).unwrap();
        thread::sleep(Duration::from_millis(100));
        if stream
            .read(&mut [0])
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        {
            newcomers.push(stream);
        }
    }
    for stream in &mut slow {
        assert!(is_cut(stream));
    }
}

#[test]
fn a_request_that_is_with_a_handler_keeps_its_place() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let (handler, has_entered, release) = slow();
    let server = Server::start(limits, handler);
    let mut busy = server.send(SLOW);
    has_entered.recv_timeout(PATIENCE).unwrap();
    // Longer than a sender may keep the server waiting.
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(refusal(&mut server.send(GET)), 503);
    release.send(()).unwrap();
    assert_eq!(Reply::read(&mut busy).body, "GET /slow [] ");
}

#[test]
fn one_address_has_its_own_bound_unless_it_stands_for_many() {
    let limits = Limits {
        connections_per_address: 1,
        ..Limits::default()
    };
    let counted = Peers {
        uncounted: Networks::default(),
        ..Peers::default()
    };
    for (peers, expected) in [(counted, 503), (Peers::default(), 200)] {
        let (handler, has_entered, release) = slow();
        let server = Server::admitting(peers, limits.clone(), handler);
        let mut busy = server.send(SLOW);
        has_entered.recv_timeout(PATIENCE).unwrap();
        let mut second = server.send(GET);
        let reply = Reply::read(&mut second);
        assert_eq!(reply.status, expected);
        if expected == 503 {
            assert_eq!(reply.value("Retry-After"), Some("1"));
            assert!(reply.body.contains("from this address"), "{reply:?}");
        }
        drop(second);
        release.send(()).unwrap();
        assert_eq!(Reply::read(&mut busy).status, 200);
        drop(busy);
        assert!(soon_answers(&server), "the place is free again");
    }
}

#[test]
fn another_address_than_the_proxys_is_turned_away() {
    let peers = |network: &str| Peers {
        only: Some([network.parse().unwrap()].into_iter().collect()),
        ..Peers::default()
    };
    let server = Server::admitting(peers("10.0.0.0/8"), Limits::default(), echo);
    assert_eq!(refusal(&mut server.send(GET)), 403);
    assert_eq!(
        refusal(&mut server.send(b"")),
        403,
        "it is not waited for what it has to say"
    );
    let server = Server::admitting(peers("127.0.0.0/8"), Limits::default(), echo);
    assert!(server.answers());
}

#[test]
fn the_list_of_bounds_names_every_key_with_its_default() {
    let list = include_str!("../src/http/listener/mod.rs");
    let rows: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("//! | `limits."))
        .collect();
    let keys: Vec<_> = KEYS.iter().filter(|key| key.section == "limits").collect();
    assert_eq!(rows.len(), keys.len());
    for (row, key) in rows.into_iter().zip(keys) {
        let value = key.value(&Settings::default());
        assert!(
            row.starts_with(&format!("//! | `{key}` | {value} | ")),
            "{key} {value}: {row}"
        );
    }
}

#[test]
fn a_peer_that_does_not_read_its_answer_is_let_go() {
    let limits = Limits {
        connections: 1,
        write_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::start(limits, |request| match request.path() {
        // More than the buffers of both sockets hold.
        "/large" => Response::new(200).body(vec![b'x'; 64 * 1024 * 1024]),
        _ => echo(request),
    });
    let idle_reader = server.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(soon_answers(&server));
    drop(idle_reader);
}

#[test]
fn stopping_lets_the_request_in_flight_finish_and_closes_what_is_idle() {
    let (handler, has_entered, release) = slow();
    let limits = Limits {
        grace_time: PATIENCE,
        ..Limits::default()
    };
    let mut server = Server::start(limits, handler);
    let mut silent = server.connect();
    let mut idle = server.send(GET);
    assert_eq!(Reply::read(&mut idle).status, 200);
    let mut busy = server.send(&[SLOW, GET].concat());
    has_entered.recv_timeout(PATIENCE).unwrap();

    server.stop.stop();
    server.stop.stop();
    assert_eq!(rest(&mut idle), "");
    assert_eq!(rest(&mut silent), "");
    release.send(()).unwrap();
    let reply = Reply::read(&mut busy);
    assert_eq!((reply.status, reply.value("Connection")), (200, Some("close")));
    assert_eq!(rest(&mut busy), "", "the request after it is not begun");
    server.join();
    let refused = TcpStream::connect(server.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let (handler, has_entered, release) = slow();
    let limits = Limits {
        grace_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut server = Server::start(limits, handler);
    let mut stream = server.send(SLOW);
    has_entered.recv_timeout(PATIENCE).unwrap();
    server.stop.stop();
    server.join();
    assert_eq!(rest(&mut stream), "", "cut without an answer");
    drop(release);
}

#[test]
fn a_listener_that_is_stopped_before_it_runs_returns() {
    let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Limits::default()).unwrap();
    listener.stop_handle().stop();
    listener.run(Arc::new(echo));
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let server = Server::echo();
    let error = Listener::bind(server.address, Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn many_connections_at_once_are_all_served() {
    let server = Server::echo();
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let mut stream = server.connect();
                for _ in 0..50 {
                    stream.write_all(GET).unwrap();
                    assert_eq!(Reply::read(&mut stream).status, 200);
                }
            });
        }
    });
}
