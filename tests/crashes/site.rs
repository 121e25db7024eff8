//! A directory with a database, and the program over it, with or without the shim.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tempfile::TempDir;

use crate::caller::Caller;
use crate::control::Control;
use crate::shim;
use crate::support::home::{Client, Home};

/// What every site begins with: two scopes, a resource owner who is signed in, a client.
#[derive(Debug)]
pub(crate) struct Furniture {
    database: Vec<u8>,
    pub(crate) client: Client,
    /// The session of `alice`: the value of its cookie.
    pub(crate) session: String,
}

pub(crate) fn furniture() -> &'static Furniture {
    static FURNITURE: OnceLock<Furniture> = OnceLock::new();
    FURNITURE.get_or_init(|| {
        let home = Home::furnished();
        let client = home.client("orders", &["--code-lifetime", "10m"]);
        let site = Site::empty();
        fs::copy(home.database(), site.database()).unwrap();
        let server = site.serve().unwrap();
        let session = Caller::of(&server).sign_in();
        let ended = server.stop();
        assert!(ended.status.success(), "{ended:?}");
        // A server may end before its last thread has closed the database; a command does not.
        assert!(site.run(&["scope", "list"]).status.success());
        assert_eq!(site.files(), ["oauthctl.db"], "all is in one file");
        Furniture {
            database: fs::read(site.database()).unwrap(),
            client,
            session,
        }
    })
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What it printed as JSON; it must have succeeded.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.status.success(), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It failed as a program should: with its code, and a sentence on stderr.
    #[track_caller]
    pub(crate) fn assert_refused(&self) {
        // 2 where it is the settings that cannot be read.
        assert!(matches!(self.status.code(), Some(1 | 2)), "{self:?}");
        assert!(self.stderr.contains("error: "), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

/// A directory of its own.
#[derive(Debug)]
pub(crate) struct Site {
    directory: TempDir,
    path: PathBuf,
    library: Option<&'static Path>,
    journal: Option<PathBuf>,
    control: Option<PathBuf>,
}

impl Site {
    pub(crate) fn empty() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().canonicalize().unwrap();
        Self {
            directory,
            path,
            library: None,
            journal: None,
            control: None,
        }
    }

    pub(crate) fn furnished() -> Self {
        let site = Self::empty();
        site.put(&furniture().database);
        site
    }

    /// Makes the database one of these bytes.
    pub(crate) fn put(&self, database: &[u8]) {
        self.write("oauthctl.db", database);
    }

    /// Writes a file that its owner alone can open.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Under the shim, which obeys `control`. `None` where it cannot be built.
    pub(crate) fn under(mut self, control: &Control) -> Option<Self> {
        self.library = Some(shim::library()?);
        self.control = Some(control.path().to_owned());
        Some(self)
    }

    /// Under the shim, which appends what is done to the files to `journal`.
    pub(crate) fn journaled(mut self, journal: &Path) -> Option<Self> {
        self.library = Some(shim::library()?);
        self.journal = Some(journal.to_owned());
        Some(self)
    }

    pub(crate) fn path(&self) -> &Path {
        assert!(self.directory.path().exists());
        &self.path
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("oauthctl.db")
    }

    /// The names of its files, in alphabetical order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What has been written to the journal so far, in bytes; 0 without one.
    pub(crate) fn position(&self) -> u64 {
        let journal = self.journal.as_deref();
        journal
            .and_then(|journal| fs::metadata(journal).ok())
            .map_or(0, |metadata| metadata.len())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        command
            .args(arguments)
            .current_dir(&self.path)
            .env_clear()
            .env("HOME", &self.path)
            .env("XDG_CONFIG_HOME", &self.path)
            .env("OAUTHCTL_DATABASE", self.database())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(library) = self.library {
            command.env("LD_PRELOAD", library).env("SHIM_DIR", &self.path);
        }
        if let Some(journal) = &self.journal {
            command.env("SHIM_JOURNAL", journal);
        }
        if let Some(control) = &self.control {
            command.env("SHIM_CONTROL", control);
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // One that is killed does not read.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts the server; how it ended, where it does not get as far as listening.
    pub(crate) fn serve(&self) -> Result<Running, Ran> {
        self.serve_with(|command| command)
    }

    pub(crate) fn serve_with(
        &self,
        adjust: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<Running, Ran> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        Running::start(adjust(&mut command).stdout(Stdio::null()))
    }

    /// The file is sound, by SQLite's own checks and by `doctor`.
    #[track_caller]
    pub(crate) fn assert_sound(&self, about: &str) {
        let told = self.run(&["doctor", "-o", "json"]);
        let findings: Value = serde_json::from_str(&told.stdout).unwrap();
        for finding in findings.as_array().unwrap() {
            assert_ne!(finding["level"], "fault", "{about}: {finding}");
        }
        self.assert_whole(about);
    }

    /// The file is sound, by SQLite's own checks.
    #[track_caller]
    pub(crate) fn assert_whole(&self, about: &str) {
        let database = rusqlite::Connection::open(self.database()).unwrap();
        for (pragma, expected) in [("integrity_check", &["ok"][..]), ("foreign_key_check", &[])] {
            let mut statement = database.prepare(&format!("PRAGMA {pragma}")).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let rows: Vec<String> = rows.map(Result::unwrap).collect();
            assert_eq!(rows, expected, "{about}: {pragma}");
        }
    }
}

/// A server that listens; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where, such as `http://127.0.0.1:40000`.
    pub(crate) base: String,
    child: Child,
    written: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self, Ran> {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let read = stderr.read_line(&mut line).unwrap();
            text.push_str(&line);
            if read == 0 {
                return Err(Ran {
                    status: child.wait().unwrap(),
                    stdout: String::new(),
                    stderr: text,
                });
            }
            let Some(base) = line.strip_prefix("listening on ") else {
                continue;
            };
            let base = base.trim().to_owned();
            let written = Arc::new(Mutex::new(text));
            let log = Arc::clone(&written);
            let reader = thread::spawn(move || {
                for line in stderr.lines() {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line.unwrap());
                    log.push('\n');
                }
            });
            return Ok(Self {
                base,
                child,
                written,
                reader: Some(reader),
            });
        }
    }

    /// What it has written to stderr by now.
    pub(crate) fn log(&self) -> String {
        self.written.lock().unwrap().clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is still there.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGKILL, now.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> Ran {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status().unwrap();
        assert!(sent.success());
        let status = self.child.wait().unwrap();
        self.end();
        Ran {
            status,
            stdout: String::new(),
            stderr: self.log(),
        }
    }

    fn end(&mut self) {
        // It has ended already where it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        let written = self.log();
        assert!(
            !written.contains("panicked") || thread::panicking(),
            "the server panicked: {written}"
        );
    }
}
