//! Certificates, a client that speaks TLS, and the program with a certificate.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

/// Only keeps a test that fails from hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// A certificate for 127.0.0.1 and `localhost`, with its private key.
pub(crate) struct Certificate(rcgen::CertifiedKey<rcgen::KeyPair>);

impl Certificate {
    pub(crate) fn new() -> Self {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        Self(rcgen::generate_simple_self_signed(names).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.cert.pem()
    }

    pub(crate) fn der(&self) -> &[u8] {
        self.0.cert.der()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.0.signing_key.serialize_pem()
    }

    /// Writes `fullchain.pem` and `privkey.pem`.
    pub(crate) fn write_to(&self, directory: &Path) {
        write_private(&directory.join("privkey.pem"), self.key_pem());
        fs::write(directory.join("fullchain.pem"), self.pem()).unwrap();
    }

    /// What trusts this certificate and no other.
    pub(crate) fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.cert.der().clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// Connects by TLS; fails where the server has another certificate.
    pub(crate) fn connect(&self, address: SocketAddr) -> std::io::Result<Encrypted> {
        shake_hands(self.client(rustls::ALL_VERSIONS), connect(address))
    }
}

pub(crate) fn write_private(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn shake_hands(config: ClientConfig, mut stream: TcpStream) -> std::io::Result<Encrypted> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// Sends `bytes` and gives what comes until the server says that nothing more will: an end without that word is an
/// error of the stream.
pub(crate) fn exchange(stream: &mut (impl Read + Write), bytes: &[u8]) -> String {
    stream.write_all(bytes).unwrap();
    rest(stream)
}

pub(crate) fn rest(stream: &mut impl Read) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// Sends a `GET` and reads the answer, which ends with `ok\n`; the connection goes on.
pub(crate) fn healthy(stream: &mut (impl Read + Write)) -> String {
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

/// A directory with a certificate and its key, and the program in it.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    pub(crate) certificate: Certificate,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().unwrap(),
            certificate: Certificate::new(),
        };
        home.certificate.write_to(home.path());
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The program, with settings from the environment of this command alone.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OAUTHCTL_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.path())
            .env("HOME", self.join("home"))
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null());
        command
    }

    /// `serve` with the two files.
    pub(crate) fn serve(&self) -> Command {
        let mut command = self.command();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("OAUTHCTL_TLS_CERTIFICATE", "fullchain.pem")
            .env("OAUTHCTL_TLS_PRIVATE_KEY", "privkey.pem");
        command
    }
}

/// A program that serves, until the test ends.
pub(crate) struct Server {
    process: Child,
    pub(crate) base: String,
    pub(crate) address: SocketAddr,
    log: Receiver<String>,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = lines(process.stderr.take().unwrap());
        let line = log.recv_timeout(PATIENCE).unwrap();
        let base = line.strip_prefix("listening on ").expect(&line).to_owned();
        let address = base.split_once("://").unwrap().1.parse().unwrap();
        Self {
            process,
            base,
            address,
            log,
        }
    }

    /// Waits for a line of the log that has this in it.
    pub(crate) fn logs(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the log does not say: {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The lines of the log so far.
    pub(crate) fn logged(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines() {
            if line.is_ok_and(|line| sender.send(line).is_err()) {
                return;
            }
        }
    });
    lines
}
