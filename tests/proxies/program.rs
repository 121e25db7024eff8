//! A program that is not ours, in a directory of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// Keeps a test that fails from hanging; no verdict depends on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a program is, or `None` where its tests may be skipped.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let search = env::var_os("PATH").unwrap_or_default();
    let found = ["/usr/sbin".into(), "/usr/bin".into()]
        .into_iter()
        .chain(env::split_paths(&search))
        .map(|directory: PathBuf| directory.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        missing(&format!("`{name}`"));
    }
    found
}

/// Says that something is missing, or fails.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
pub(crate) fn missing(what: &str) {
    assert!(
        env::var_os("OAUTHCTL_REQUIRE_PROXIES").is_none(),
        "OAUTHCTL_REQUIRE_PROXIES is set, and there is no {what}"
    );
    eprintln!("SKIPPED: there is no {what}");
}

/// An address that nobody else gets: bound and not listening, so that a program which sets `SO_REUSEADDR`, as all of
/// them do, can listen there.
pub(crate) struct Reserved {
    pub(crate) address: SocketAddr,
    _socket: Socket,
}

impl Reserved {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        Self {
            address: socket.local_addr().unwrap().as_socket().unwrap(),
            _socket: socket,
        }
    }
}

/// A program that runs; killed when the test ends, however it does.
pub(crate) struct Running {
    child: Child,
    reserved: Reserved,
    directory: TempDir,
}

impl Running {
    /// Starts it in its directory, and waits until it answers.
    pub(crate) fn start(mut command: Command, directory: TempDir, reserved: Reserved) -> Self {
        let log = fs::File::create(directory.path().join("stderr")).unwrap();
        let child = command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut running = Self {
            child,
            reserved,
            directory,
        };
        let address = running.address();
        let pause = Duration::from_millis(20);
        let most = PATIENCE.as_millis() / pause.as_millis();
        for _ in 0..most {
            if TcpStream::connect(address).is_ok() {
                return running;
            }
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", running.log());
            thread::sleep(pause);
        }
        panic!("it does not answer: {}", running.log());
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.reserved.address
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        ["stderr", "error.log"]
            .map(|name| fs::read(self.directory.path().join(name)).unwrap_or_default())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test then saw.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            show(&self.log());
        }
    }
}

/// nginx with a printed configuration, in an `http` block that is careless about underscores and punctuation.
pub(crate) fn nginx(program: &Path, printed: &str, reserved: Reserved) -> Running {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    // One process, which keeps the rights that the test has to its directory.
    let around = "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log error.log;\n\
                  events {}\n\
                  http {\n\
                  access_log off;\n\
                  client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n\
                  uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
                  underscores_in_headers on;\nignore_invalid_headers off;\n\
                  include printed.conf;\n\
                  }\n";
    fs::write(path("nginx.conf"), around).unwrap();
    fs::write(path("printed.conf"), printed).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(directory.path());
    command.arg("-c").arg(path("nginx.conf"));
    command.arg("-e").arg(path("error.log"));
    Running::start(command, directory, reserved)
}

#[expect(clippy::print_stderr, reason = "whoever reads a failure needs it")]
fn show(log: &str) {
    eprintln!("{log}");
}
