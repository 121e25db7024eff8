//! The program under attack.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Only keeps a test that fails from hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program that serves from an empty database, until the test ends.
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    _home: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(|command| command)
    }

    /// `alter` adds settings, as variables of the environment; `files` bounds how many files are open.
    pub(crate) fn with(alter: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        // The shell gives its place to the program.
        command.args([
            "-c",
            "ulimit -n ${OPEN_FILES:-4096}; exec \"$0\" serve --listen 127.0.0.1:0",
        ]);
        command.arg(binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OAUTHCTL_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(home.path())
            .env("HOME", home.path())
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = alter(&mut command).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line
            .trim_end()
            .rsplit_once("//")
            .unwrap_or_else(|| panic!("{line}"))
            .1
            .parse()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = Arc::clone(&log);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                *lines.lock().unwrap() += &(line + "\n");
            }
        });
        Self {
            process,
            address,
            log,
            _home: home,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How many files it has open once that has not changed for longer than an ended connection is held.
    pub(crate) fn open_files_at_rest(&self) -> usize {
        let mut files = self.open_files();
        let mut unchanged = 0;
        while unchanged < 20 {
            thread::sleep(Duration::from_millis(100));
            let now = self.open_files();
            unchanged = if now == files { unchanged + 1 } else { 0 };
            files = now;
        }
        files
    }

    /// Waits until it has logged this.
    pub(crate) fn logs(&self, text: &str) {
        let pause = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            if self.log.lock().unwrap().contains(text) {
                return;
            }
            thread::sleep(pause);
        }
        panic!("the log does not say `{text}`: {}", self.log.lock().unwrap());
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The status of a `GET` on a connection of its own; `None` where the connection was turned away.
    pub(crate) fn status(&self, path: &str) -> Option<u16> {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        stream.write_all(request.as_bytes()).ok()?;
        stream.read_to_end(&mut answer).ok()?;
        String::from_utf8(answer).unwrap().get(9..12)?.parse().ok()
    }

    /// Whether it answers, at once or after a few tries: places are handed on once a second has gone by.
    pub(crate) fn serves(&self, path: &str) -> bool {
        (0..100).any(|_| {
            let is_served = self.status(path) == Some(200);
            if !is_served {
                thread::sleep(Duration::from_millis(100));
            }
            is_served
        })
    }

    /// The memory that is resident, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id()))
            .unwrap()
            .count()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn binary() -> PathBuf {
    std::env::var_os("OAUTHCTL_BINARY").map_or_else(
        || env!("CARGO_BIN_EXE_oauthctl").into(),
        |path| std::path::absolute(path).unwrap(),
    )
}
