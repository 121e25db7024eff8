//! What `serve` and a service manager tell each other: readiness, that it is alive, the end; and sockets that are
//! passed on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::harness::Home;

/// A minute is the bound of this test's patience, not of the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service manager, and a server under it.
struct Manager {
    home: Home,
    notified: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let home = Home::new();
        let notified = UnixDatagram::bind(home.join("notify")).unwrap();
        notified.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { home, notified }
    }

    /// The program.
    fn command(&self) -> Command {
        let mut command = self.home.command();
        command
            .env("NOTIFY_SOCKET", self.home.join("notify"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// A shell that becomes `$PROGRAM`, and can pass on descriptors from the third on.
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .current_dir(self.home.path())
            .env("NOTIFY_SOCKET", self.home.join("notify"))
            .env("PROGRAM", env!("CARGO_BIN_EXE_oauthctl"))
            .stderr(Stdio::piped());
        command
    }

    /// The next message that is not a sign of life.
    fn next(&self) -> String {
        loop {
            let message = self.message();
            if message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }

    fn message(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.notified.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }
}

/// A server that goes away with this.
struct Served(Child);

impl Served {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    fn end(mut self) -> (ExitStatus, String) {
        let mut stderr = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.0.wait().unwrap(), stderr)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn readiness_signs_of_life_a_reload_and_the_end_are_told() {
    let manager = Manager::new();
    manager.home.write("oauthctl.toml", "[log]\nlevel = \"warn\"\n");
    let server = Served(
        manager
            .command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("WATCHDOG_USEC", "100000")
            .spawn()
            .unwrap(),
    );
    let ready = manager.next();
    let address = ready
        .strip_prefix("READY=1\nSTATUS=listening on http://")
        .unwrap()
        .trim_end()
        .to_owned();
    assert!(get(&address, "/readyz").starts_with("HTTP/1.1 200 "));
    for _ in 0..3 {
        assert_eq!(manager.message(), "WATCHDOG=1\n");
    }

    manager.home.write(
        "oauthctl.toml",
        "[log]\nlevel = \"info\"\n\n[limits]\nfailures = 3\n",
    );
    server.signal("-HUP");
    let reloading = manager.next();
    let (state, instant) = reloading.split_once('\n').unwrap();
    assert_eq!(state, "RELOADING=1");
    let instant = instant.strip_prefix("MONOTONIC_USEC=").unwrap();
    assert!(instant.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(manager.next(), ready, "ready again");
    // Now told, because it is no warning.
    get(&address, "/authorize");

    manager.home.write("oauthctl.toml", "[log]\nlevle = \"info\"\n");
    server.signal("-HUP");
    assert!(manager.next().starts_with("RELOADING=1\n"));
    assert_eq!(manager.next(), ready);
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 "));

    server.signal("-TERM");
    assert_eq!(
        manager.next(),
        "STOPPING=1\nSTATUS=finishing requests in flight\n"
    );
    let (status, stderr) = server.end();
    assert!(status.success(), "{status}");
    for told in [
        "these changed, and count from the next start on",
        "limits.failures",
        "endpoint=\"authorize\"",
        "those in force stay",
        "did you mean `level`?",
    ] {
        assert!(stderr.contains(told), "{told} in {stderr}");
    }
}

#[test]
fn a_socket_of_the_service_manager_is_served_and_lives_on_after_the_server() {
    let manager = Manager::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    for _ in 0..2 {
        let passed: OwnedFd = socket.try_clone().unwrap().into();
        let shell = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$PROGRAM\" serve 3<&0 </dev/null";
        let server = Served(manager.shell(shell).stdin(passed).spawn().unwrap());
        assert_eq!(
            manager.next(),
            format!("READY=1\nSTATUS=listening on http://{address}\n")
        );
        assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 "));
        server.signal("-TERM");
        assert!(manager.next().starts_with("STOPPING=1\n"));
        let (status, stderr) = server.end();
        assert!(status.success(), "{status}: {stderr}");
        // Whoever connects now waits for the next server, and is taken out of the queue for this test's next round.
        let _waiting = TcpStream::connect(&address).unwrap();
        drop(socket.accept().unwrap());
    }
}

#[test]
fn health_may_have_the_second_socket() {
    let manager = Manager::new();
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [address, health] = [0, 1].map(|n: usize| sockets[n].local_addr().unwrap().to_string());
    let [first, second] = sockets.map(OwnedFd::from);
    let shell = "LISTEN_PID=$$ LISTEN_FDS=2 exec \"$PROGRAM\" serve 3<&0 4<&1 </dev/null >/dev/null";
    let mut server = Served(manager.shell(shell).stdin(first).stdout(second).spawn().unwrap());
    assert!(manager.next().starts_with("READY=1\n"));
    assert!(get(&health, "/metrics").starts_with("HTTP/1.1 200 "));
    assert!(get(&address, "/metrics").starts_with("HTTP/1.1 404 "));
    let mut line = String::new();
    let mut stderr = BufReader::new(server.0.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, format!("listening on http://{address}\n"));
}

#[test]
fn a_development_server_takes_no_socket_that_others_reach() {
    let manager = Manager::new();
    let advice = "have the service manager listen on 127.0.0.1";
    for addresses in [["127.0.0.1:0", "0.0.0.0:0"], ["0.0.0.0:0", "127.0.0.1:0"]] {
        let sockets = addresses.map(|address| TcpListener::bind(address).unwrap());
        let open = sockets
            .iter()
            .map(|socket| socket.local_addr().unwrap())
            .find(|address| !address.ip().is_loopback());
        let [first, second] = sockets.map(OwnedFd::from);
        let shell =
            "LISTEN_PID=$$ LISTEN_FDS=2 exec \"$PROGRAM\" serve --dev 3<&0 4<&1 </dev/null >/dev/null";
        let mut server = Served(manager.shell(shell).stdin(first).stdout(second).spawn().unwrap());
        let mut stderr = String::new();
        // The first line: a server that starts would say no last one.
        let told = server.0.stderr.as_mut().unwrap();
        BufReader::new(told).read_line(&mut stderr).unwrap();
        assert!(
            stderr.contains(&open.unwrap().to_string()) && stderr.contains(advice),
            "{stderr}"
        );
    }
    manager
        .home
        .write("oauthctl.toml", "[server]\nhealth_listen = \"0.0.0.0:0\"\n");
    let output = manager
        .command()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("set `health_listen` under [server]"), "{stderr}");
}
