//! The control socket of a development server: beside its database, mode 0600, so that nobody else can open it. Nothing
//! that goes through it can be asked for over HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::anyhow;
use nix::sys::stat::{Mode, umask};
use nix::unistd::Uid;
use serde_json::{Value, json};

use super::orders::{Commanded, Order, Reply};
use crate::authorization_server::AuthorizationServer;
use crate::cli::exit::CliError;
use crate::cli::scratch_directory;
use crate::clock::{Clock, MovedClock, SystemClock};
use crate::domain::issuer::Issuer;
use crate::http::development::Development;

/// The longest order, in bytes.
const LONGEST: u64 = 16 * 1024;

/// The most that give orders or watch at once.
const MOST: usize = 32;

/// How long the other end may take to say something, and to take an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes: far more than a request with its answer takes.
const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// How long a watcher waits before it looks whether the other end is still there.
const PULSE: Duration = Duration::from_millis(500);

/// Where the socket of the server on this database is.
fn socket_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-dev");
    name.into()
}

/// Connects to the socket beside the database, if it is its owner's or one's own. Where others may write to the directory,
/// anybody could have put one there, and would be asked for the time.
fn connect(database: &Path) -> io::Result<UnixStream> {
    let path = socket_of(database);
    let found = std::fs::symlink_metadata(&path)?;
    let owner = std::fs::metadata(database).map(|database| database.uid());
    let is_trusted =
        found.uid() == Uid::effective().as_raw() || owner.is_ok_and(|owner| owner == found.uid());
    if !(found.file_type().is_socket() && is_trusted) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    UnixStream::connect(path)
}

/// The socket while the server runs. Dropped, it goes away.
pub(in crate::cli) struct Control {
    path: PathBuf,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What each connection works on.
struct Shared {
    server: Arc<AuthorizationServer>,
    development: Arc<Development>,
    clock: Arc<MovedClock>,
    ended: Arc<AtomicBool>,
    open: AtomicUsize,
}

impl Control {
    /// Opens the socket beside the database.
    ///
    /// # Errors
    /// Another development server runs there, or the system does not give a socket.
    pub(in crate::cli) fn open(
        database: &Path,
        server: Arc<AuthorizationServer>,
        development: Arc<Development>,
        clock: Arc<MovedClock>,
    ) -> Result<Self, CliError> {
        let path = socket_of(database);
        let listener = bind(&path, database)?;
        let ended = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            server,
            development,
            clock,
            ended: Arc::clone(&ended),
            open: AtomicUsize::new(0),
        });
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept(&listener, &shared))
            .map_err(CliError::io("start a thread"))?;
        Ok(Self {
            path,
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread. Where that fails it sleeps on, and ends with the process.
        let woken = UnixStream::connect(&self.path).is_ok();
        let _ = std::fs::remove_file(&self.path);
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

/// Refuses a second development server on a database.
///
/// # Errors
/// One runs there, or the path is longer than that of a socket may be.
pub(in crate::cli) fn refuse_second(database: &Path) -> Result<(), CliError> {
    let socket = socket_of(database);
    if SocketAddr::from_pathname(&socket).is_err() {
        return Err(CliError::Usage(format!(
            "{} is too long for the path of a socket, which the development server opens there; name a database, or set \
             TMPDIR, with a shorter path",
            socket.display()
        )));
    }
    if runs_beside(database) {
        return Err(CliError::Usage(format!(
            "another development server runs on {}; stop it, or name another database",
            database.display()
        )));
    }
    Ok(())
}

/// Mode 0600 from the first moment on. What a server that was killed left behind goes away.
fn bind(path: &Path, database: &Path) -> Result<UnixListener, CliError> {
    refuse_second(database)?;
    let doing = format!("open the control socket {}", path.display());
    let is_left = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_left {
        std::fs::remove_file(path).map_err(CliError::io(doing.clone()))?;
    }
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    bound.map_err(CliError::io(doing))
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok((stream, _)) = accepted else {
            // Out of files, for a moment.
            std::thread::sleep(PULSE);
            continue;
        };
        if shared.open.fetch_add(1, Ordering::SeqCst) >= MOST {
            shared.open.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let for_thread = Arc::clone(shared);
        let started = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                // Whoever hangs up has what they wanted.
                let _ = converse(&stream, &for_thread);
                for_thread.open.fetch_sub(1, Ordering::SeqCst);
            });
        if started.is_err() {
            shared.open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// One order, and the answer to it.
fn converse(mut stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    let reply = match serde_json::from_str::<Order>(&line) {
        Err(error) => Reply::Refused(format!("not an order: {error}")),
        Ok(Order::Watch {}) => return watch(stream, shared),
        Ok(order) => {
            let commanded = Commanded {
                server: &shared.server,
                development: &shared.development,
                clock: &shared.clock,
            };
            commanded.obey(order)
        }
    };
    writeln!(stream, "{}", json!(reply))
}

/// Tells of each request until the other end hangs up.
fn watch(mut stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    let mut next = shared.development.next();
    writeln!(stream, "{}", json!(Reply::Done(Value::Null)))?;
    while !shared.ended.load(Ordering::SeqCst) {
        let (seen, following) = shared.development.requests_from(next, PULSE);
        next = following;
        if seen.is_empty() {
            // Fails once nobody is there any more.
            writeln!(stream)?;
        }
        for one in seen {
            writeln!(stream, "{}", json!(Reply::Done(json!(*one))))?;
        }
    }
    Ok(())
}

/// A connection to the development server on a database.
pub(in crate::cli) struct Connection(BufReader<UnixStream>);

impl Connection {
    /// Gives an order, and waits for the first answer.
    ///
    /// # Errors
    /// None runs there, or it refuses.
    pub(in crate::cli) fn order(database: &Path, order: &Order) -> Result<(Self, Value), CliError> {
        let mut stream = connect(database).map_err(|_| nobody(database))?;
        let told = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| writeln!(stream, "{}", json!(order)));
        // Not as an error of a stream: a pipe that is closed is taken for a reader of the output who has had enough.
        told.map_err(|error| CliError::Failed(anyhow!("cannot speak to the development server: {error}")))?;
        let mut connection = Self(BufReader::new(stream));
        match connection.next()? {
            Some(value) => Ok((connection, value)),
            None => Err(CliError::Failed(anyhow!(
                "the development server hung up; it may have ended"
            ))),
        }
    }

    /// The next answer; none where the server has ended.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Value>, CliError> {
        loop {
            let mut line = String::new();
            let read = self.0.by_ref().take(LONGEST_ANSWER).read_line(&mut line);
            if read
                .map_err(|error| CliError::Failed(anyhow!("cannot hear the development server: {error}")))?
                == 0
            {
                return Ok(None);
            }
            if line.trim().is_empty() {
                continue;
            }
            let reply: Reply = serde_json::from_str(&line).map_err(anyhow::Error::new)?;
            return match reply {
                Reply::Done(value) => Ok(Some(value)),
                Reply::Refused(reason) => Err(CliError::Usage(reason)),
                Reply::NotFound(what) => Err(CliError::NotRemembered(what)),
                Reply::Failed(reason) => Err(CliError::Failed(anyhow!(reason))),
            };
        }
    }
}

/// What the server on this database answers to an order.
pub(in crate::cli) fn ask(database: &Path, order: &Order) -> Result<Value, CliError> {
    Connection::order(database, order).map(|(_, value)| value)
}

/// That no development server runs on this database.
pub(in crate::cli) fn nobody(database: &Path) -> CliError {
    if let Some(ended) = scratch_directory::ended(database) {
        let path = database.to_owned();
        return CliError::Gone { path, ended };
    }
    CliError::Failed(anyhow!(
        "no development server runs on {}; start one with `oauthctl serve --dev`, and set OAUTHCTL_DATABASE as it says",
        database.display()
    ))
}

/// Whether a development server runs on this database.
pub(in crate::cli) fn runs_beside(database: &Path) -> bool {
    connect(database).is_ok()
}

/// Has the development server on this database write down what was used last; an ordinary one does so some seconds later.
/// Whether one runs there and did.
pub(in crate::cli) fn uses_are_written(database: &Path) -> bool {
    ask(database, &Order::WriteUses {}).is_ok()
}

/// What the development server on this database calls itself, where one runs.
pub(in crate::cli) fn issuer_beside(database: &Path) -> Option<Issuer> {
    let told = ask(database, &Order::Clock {}).ok()?;
    told["issuer"].as_str()?.parse().ok()
}

/// The clock of the development server on this database, where one runs; else the machine's. Everything that looks at the
/// database sees the same time.
pub(in crate::cli) fn clock_beside(database: &Path) -> Arc<dyn Clock> {
    match ask(database, &Order::Clock {}) {
        Ok(told) => Arc::new(MovedClock::by(told["millis"].as_i64().unwrap_or_default())),
        Err(_) => Arc::new(SystemClock),
    }
}
