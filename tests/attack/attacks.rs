//! The list of attacks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::server::Server;

/// What an attacker sends on one connection.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    bytes: Vec<u8>,
    then: Then,
}

/// What the attacker does after that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Closes the connection without reading.
    Leave,
    /// Reads to the end: the server must have ended it.
    Read,
    /// Closes its own direction, and reads.
    End,
    /// Keeps the connection open and says nothing more.
    Stay,
}

impl Attack {
    /// Runs it. Gives the connection where it is to be held.
    pub(crate) fn run(&self, server: &Server) -> Option<TcpStream> {
        let mut stream = server.connect();
        // The server may refuse before all is sent, and then nothing more gets through.
        let _ = stream.write_all(&self.bytes);
        match self.then {
            Then::Leave => None,
            Then::Stay => Some(stream),
            Then::Read | Then::End => {
                if self.then == Then::End {
                    let _ = stream.shutdown(Shutdown::Write);
                }
                // An end that is a reset is one as well: a connection too many is cut off.
                let mut answer = Vec::new();
                let end = stream.read_to_end(&mut answer);
                let timed_out = end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
                assert!(!timed_out, "{}: the server did not end the connection", self.name);
                None
            }
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a list")]
pub(crate) fn list() -> Vec<Attack> {
    let post = |path: &str, rest: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\n{rest}");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = "a".repeat(65_536);
    let get = "GET /authorize?client_id=x HTTP/1.1\r\nHost: x\r\n\r\n";
    let parameters = "a=b&".repeat(16_000);
    let mut attacks = Vec::new();
    let mut add = |name: &'static str, bytes: String, then: Then| {
        attacks.push(Attack {
            name,
            bytes: bytes.into_bytes(),
            then,
        });
    };
    // What the loop of `tiny_http` allocates, or waits for.
    add(
        "a terabyte",
        post("/token", "Content-Length: 1000000000000\r\n\r\n"),
        Then::Read,
    );
    add(
        "a terabyte, and away",
        post("/token", "Content-Length: 1000000000000\r\n\r\n"),
        Then::Leave,
    );
    add(
        "a terabyte without a Host",
        "POST / HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n".into(),
        Then::Read,
    );
    add(
        "a length beyond every number",
        post("/", &format!("Content-Length: {}\r\n\r\n", "9".repeat(400))),
        Then::Read,
    );
    add(
        "chunks",
        post("/token", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
        Then::Read,
    );
    add(
        "another coding",
        post("/token", "Transfer-Encoding: xchunked\r\n\r\n"),
        Then::Read,
    );
    add(
        "both",
        post(
            "/token",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        Then::Read,
    );
    // Too much of everything.
    add(
        "a head without an end",
        format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "a".repeat(300_000)),
        Then::Read,
    );
    add(
        "a target without an end",
        format!("GET /{}", "a".repeat(300_000)),
        Then::Read,
    );
    add(
        "ten thousand fields",
        format!("GET / HTTP/1.1\r\nHost: x\r\n{}", "A: b\r\n".repeat(10_000)),
        Then::Read,
    );
    add(
        "a body that is too large",
        post(
            "/token",
            &format!("Content-Length: 300000\r\n\r\n{}", "a".repeat(300_000)),
        ),
        Then::Read,
    );
    add(
        "the largest body",
        post(
            "/token",
            &format!("{form}Content-Length: 65536\r\nConnection: close\r\n\r\n{body}"),
        ),
        Then::Read,
    );
    add(
        "thousands of parameters",
        post(
            "/authorize",
            &format!(
                "{form}Content-Length: {}\r\nConnection: close\r\n\r\n{parameters}",
                parameters.len()
            ),
        ),
        Then::Read,
    );
    add(
        "the longest query",
        format!(
            "GET /authorize?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "a=%00&".repeat(1_300)
        ),
        Then::Read,
    );
    add(
        "a large Authorization",
        format!(
            "GET /check?service=a:b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            "a".repeat(12_000)
        ),
        Then::Read,
    );
    // What is no HTTP/1.1.
    add(
        "a TLS hello",
        "\x16\x03\x01\x02\x00\x01\x00\x01".into(),
        Then::Read,
    );
    add(
        "the preface of HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        Then::Read,
    );
    add("nonsense", "\0\r\n".repeat(10_000), Then::Read);
    add(
        "a folded field",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n".into(),
        Then::Read,
    );
    add(
        "two Hosts",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".into(),
        Then::Read,
    );
    // Peers that go away, or do not read.
    add(
        "half a head, and away",
        "GET / HTTP/1.1\r\nHo".into(),
        Then::Leave,
    );
    add(
        "half a head, and no more",
        "GET / HTTP/1.1\r\nHo".into(),
        Then::End,
    );
    add(
        "half a body, and no more",
        post("/token", "Content-Length: 100\r\n\r\nab"),
        Then::End,
    );
    add(
        "a hundred answers that nobody reads",
        get.repeat(100),
        Then::Leave,
    );
    add("a hundred requests, and no more", get.repeat(100), Then::End);
    // Peers that stay.
    add("silence", String::new(), Then::Stay);
    add(
        "half a head",
        "GET / HTTP/1.1\r\nHost: x\r\nA: ".into(),
        Then::Stay,
    );
    add(
        "half a body",
        post(
            "/token",
            &format!("{form}Content-Length: 65536\r\n\r\n{}", &body[1..]),
        ),
        Then::Stay,
    );
    add("an answer that nobody reads", get.into(), Then::Stay);
    add("many answers that nobody reads", get.repeat(1_000), Then::Stay);
    attacks
}
