//! The program by TLS.

use rustls::version::{TLS12, TLS13};

use crate::support::{Home, Server, connect, exchange, healthy, rest, shake_hands};

const GET: &[u8] =
    b"GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn it_says_https_and_calls_itself_so() {
    let home = Home::new();
    let server = Server::start(home.serve());
    assert_eq!(server.base, format!("https://{}", server.address));
    let mut stream = home.certificate.connect(server.address).unwrap();
    let answer = exchange(&mut stream, GET);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains(&format!("\"issuer\":\"{}\"", server.base)),
        "{answer}"
    );
}

#[test]
fn tls_1_2_and_1_3_and_http_1_1() {
    let home = Home::new();
    let server = Server::start(home.serve());
    for version in [&TLS12, &TLS13] {
        let mut config = home.certificate.client(&[version]);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut stream = shake_hands(config, connect(server.address)).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        healthy(&mut stream);
        healthy(&mut stream);
    }
    let mut config = home.certificate.client(&[&TLS13]);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let error = shake_hands(config, connect(server.address)).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn every_answer_tells_browsers_to_come_back_by_https() {
    let home = Home::new();
    for (max_age, expected) in [(None, "max-age=31536000"), (Some("0s"), "max-age=0")] {
        let mut command = home.serve();
        command.envs(max_age.map(|span| ("OAUTHCTL_TLS_HSTS_MAX_AGE", span)));
        let server = Server::start(command);
        for request in [
            GET,
            b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            b"GET /authorize HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            // What the listener itself refuses.
            b"GET / HTTP/1.1\r\n\r\n",
        ] {
            let mut stream = home.certificate.connect(server.address).unwrap();
            let answer = exchange(&mut stream, request);
            let field = format!("\r\nStrict-Transport-Security: {expected}\r\n");
            assert_eq!(answer.matches(&field).count(), 1, "{answer}");
        }
    }
    // There, other programs of a developer would be held to it.
    let mut command = home.serve();
    command.args(["--issuer", "https://localhost:8420"]);
    let server = Server::start(command);
    let mut stream = home.certificate.connect(server.address).unwrap();
    assert!(!exchange(&mut stream, GET).contains("Strict-Transport-Security"));
}

#[test]
fn a_request_without_tls_is_told_so() {
    let home = Home::new();
    let server = Server::start(home.serve());
    let mut stream = connect(server.address);
    let answer = exchange(
        &mut stream,
        b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(
        answer.ends_with("TLS is spoken here: use an https URL\n"),
        "{answer}"
    );
    // RFC 6797 §7.2.
    assert!(!answer.contains("Strict-Transport-Security"), "{answer}");
}

#[test]
fn stopping_ends_idle_connections_with_a_word() {
    let home = Home::new();
    let server = Server::start(home.serve());
    let mut idle = home.certificate.connect(server.address).unwrap();
    healthy(&mut idle);
    server.signal("TERM");
    assert_eq!(rest(&mut idle), "");
}
