//! The bounds of the listener hold with TLS as they do without.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use oauthctl::clock::SystemClock;
use oauthctl::domain::issuer::Issuer;
use oauthctl::http::listener::{Limits, Listener, Stop};
use oauthctl::http::request::Request;
use oauthctl::http::response::Response;
use oauthctl::http::tls::{Files, Tls};

use crate::support::{Certificate, Encrypted, connect, exchange, rest};

/// A listener in this process, stopped when the test ends.
struct Hosted {
    address: SocketAddr,
    certificate: Certificate,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    _directory: tempfile::TempDir,
}

impl Hosted {
    fn start(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certificate = Certificate::new();
        certificate.write_to(directory.path());
        let files = Files {
            certificate: directory.path().join("fullchain.pem"),
            private_key: directory.path().join("privkey.pem"),
        };
        let issuer = Issuer::parse("https://127.0.0.1").unwrap();
        let tls = Tls::load(files, &issuer, Duration::ZERO, Arc::new(SystemClock)).unwrap();
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), limits)
            .unwrap()
            .with_tls(Some(Arc::new(tls)));
        Self {
            address: listener.local_addr().unwrap(),
            certificate,
            stop: listener.stop_handle(),
            thread: Some(thread::spawn(move || listener.run(Arc::new(echo)))),
            _directory: directory,
        }
    }

    fn connect(&self) -> Encrypted {
        self.certificate.connect(self.address).unwrap()
    }

    fn exchange(&self, bytes: &[u8]) -> String {
        exchange(&mut self.connect(), bytes)
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.stop.stop();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking());
    }
}

/// Gives the body back; `/large` is more than the buffers of both sockets hold.
#[expect(clippy::needless_pass_by_value, reason = "a handler takes its request")]
fn echo(request: Request) -> Response {
    match request.path() {
        "/large" => Response::new(200).body(vec![b'x'; 8 * 1024 * 1024]),
        _ => Response::new(200).body(request.body()),
    }
}

const HELLO_BEGINS: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// What is left on a stream without TLS; a reset counts as its end.
fn end_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => bytes,
    }
}

#[test]
fn requests_and_answers_are_whole() {
    let hosted = Hosted::start(Limits::default());
    let body = "b".repeat(65_536);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = hosted.exchange(request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&format!("\r\n\r\n{body}")));

    let answer = hosted.exchange(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Length: 8388608"), "{head}");
    assert!(body.len() == 8 * 1024 * 1024 && body.bytes().all(|byte| byte == b'x'));

    let two = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none\
                POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo";
    let answer = hosted.exchange(two);
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 2, "{answer}");
    assert!(answer.ends_with("\r\n\r\ntwo"), "{answer}");
}

#[test]
fn what_is_refused_without_tls_is_refused_with_it() {
    let hosted = Hosted::start(Limits::default());
    let long_head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(17_000));
    for (bytes, status) in [
        (b"hello\r\n".as_slice(), 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n",
            413,
        ),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (long_head.as_bytes(), 431),
    ] {
        let answer = hosted.exchange(bytes);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(answer.matches("\r\nServer: oauthctl\r\n").count(), 1, "{answer}");
    }
}

#[test]
fn a_handshake_is_bounded_from_its_first_byte_to_its_last() {
    let limits = Limits {
        head_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let hosted = Hosted::start(limits);
    for bytes in [b"".as_slice(), HELLO_BEGINS] {
        let mut stream = connect(hosted.address);
        stream.write_all(bytes).unwrap();
        assert_eq!(end_of(&mut stream), b"");
    }
    // Byte by byte it takes no longer.
    let mut stream = connect(hosted.address);
    let ended = HELLO_BEGINS.iter().chain([0; 500].iter()).any(|byte| {
        thread::sleep(Duration::from_millis(10));
        stream.write_all(&[*byte]).is_err()
    });
    assert!(ended, "the server took every byte");
}

#[test]
fn handshakes_that_stand_still_give_way() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let hosted = Hosted::start(limits);
    let mut slow: Vec<TcpStream> = (0..3)
        .map(|number| {
            let mut stream = connect(hosted.address);
            stream.write_all(&HELLO_BEGINS[..number]).unwrap();
            stream
        })
        .collect();
    // Each has a second; one after the other loses its place.
    let answers = (0..300).any(|_| {
        thread::sleep(Duration::from_millis(100));
        hosted.certificate.connect(hosted.address).is_ok()
    });
    assert!(answers);
    assert_eq!(end_of(&mut slow[0]), b"", "it waited longest");
}

#[test]
fn a_request_that_drips_is_cut_by_the_total() {
    let limits = Limits {
        head_time: Duration::from_millis(500),
        ..Limits::default()
    };
    let hosted = Hosted::start(limits);
    let mut stream = hosted.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nA: ").unwrap();
    let written = (0..500).take_while(|_| {
        thread::sleep(Duration::from_millis(10));
        stream.write_all(b"a").and_then(|()| stream.flush()).is_ok()
    });
    assert!(written.count() < 500, "the server took every byte");
}

#[test]
fn an_idle_connection_is_closed_with_the_word_of_tls() {
    let limits = Limits {
        idle_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let hosted = Hosted::start(limits);
    assert_eq!(rest(&mut hosted.connect()), "");
}

#[test]
fn what_is_no_tls_ends_that_connection_only() {
    let hosted = Hosted::start(Limits::default());
    let mut stream = connect(hosted.address);
    stream.write_all(b"\x16\x03\x01\x00\x05hello").unwrap();
    end_of(&mut stream);

    let mut stream = hosted.connect();
    stream
        .sock
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut bytes = Vec::new();
    assert!(stream.read_to_end(&mut bytes).is_err() && bytes.is_empty());

    let answer = hosted.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
