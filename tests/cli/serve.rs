//! `serve`: what it says when it starts, and why it does not.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use crate::harness::{Cli, Home};

/// A server on a free port, which goes away with this.
pub(crate) struct Server {
    process: Child,
    base: String,
}

impl Server {
    pub(crate) fn start(home: &Home) -> Self {
        let mut process = home
            .command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
        assert!(base.starts_with("http://127.0.0.1:"), "{line}");
        Self { process, base }
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into()
    }

    /// The status of an introspection by this client.
    pub(crate) fn introspect(&self, client: &str, secret: &str) -> u16 {
        let credentials = data_encoding::BASE64.encode(format!("{client}:{secret}").as_bytes());
        let answer = Self::agent()
            .post(format!("{}/introspect", self.base))
            .header("Authorization", format!("Basic {credentials}"))
            .content_type("application/x-www-form-urlencoded")
            .send("token=unknown")
            .unwrap();
        answer.status().as_u16()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_answers_where_it_says_it_listens() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = format!("{}/.well-known/oauth-authorization-server", server.base);
    let metadata = Server::agent().get(url).call().unwrap().into_body().read_to_vec();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.unwrap()).unwrap();
    assert_eq!(metadata["issuer"], server.base.as_str());
}

#[test]
fn an_address_that_cannot_be_listened_on() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    Cli::new(&Home::new())
        .args(["serve", "--listen", &address])
        .stderr(&format!(
            "error: cannot listen on {address}: Address already in use (os error 98)\n\
             another program listens there; `--listen 127.0.0.1:0` takes a free port\n"
        ))
        .code(1)
        .run();
}

#[test]
fn refused_addresses_and_issuers() {
    let clear = "can be reached from other machines, and without TLS secrets would travel in clear; set \
                 `certificate` and `private_key` under [tls], or listen on \
                 127.0.0.1 and put a TLS proxy in front";
    for (args, message) in [
        ("--listen 0.0.0.0:8420", format!("0.0.0.0:8420 {clear}")),
        (
            "--listen 192.0.2.1:8420 --issuer https://id.example",
            format!("192.0.2.1:8420 {clear}"),
        ),
        (
            "--listen 192.0.2.1:8420",
            "--listen: `server.issuer`: listening on `192.0.2.1:8420` needs an issuer, because clients reach that \
             address by an `https` URL of its own"
                .to_owned(),
        ),
    ] {
        Cli::new(&Home::new())
            .args(["serve"])
            .args(args.split(' '))
            .stderr(&format!("error: {message}\n"))
            .code(2)
            .run();
    }
    for (option, value, name, message) in [
        ("--listen", "8420", "ADDR", ADDRESS),
        ("--listen", "127.0.0.1", "ADDR", ADDRESS),
        ("--listen", "localhost:8420", "ADDR", ADDRESS),
        ("--listen", "127.0.0.1:99999", "ADDR", ADDRESS),
        (
            "--issuer",
            "id.example",
            "URL",
            "`id.example` is not an issuer; write an `https` URL such as `https://id.example.com`",
        ),
        (
            "--issuer",
            "http://id.example",
            "URL",
            "`http://id.example` is not `https`; `http` is accepted for `127.0.0.1`, `[::1]` and `localhost` only",
        ),
        (
            "--issuer",
            "https://id.example/",
            "URL",
            "`https://id.example/` ends with a slash; leave the slash out",
        ),
    ] {
        Cli::new(&Home::new())
            .args(["serve", option, value])
            .stderr(&format!(
                "error: invalid value '{value}' for '{option} <{name}>': {message}\n\n\
                 For more information, try '--help'.\n"
            ))
            .code(2)
            .run();
    }
}

const ADDRESS: &str = "an IP address with a port is expected, such as `127.0.0.1:8420` or `[::1]:8420`";
