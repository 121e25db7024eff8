//! The control socket of a development server: beside its database, mode 0600, so that nobody else can open it. Nothing
//! that goes through it can be asked for over HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::{Value, json};

use super::orders::{Commanded, Order, Reply};
use super::place::{Place, connect};
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

/// The socket while the server runs. Dropped, it goes away.
pub(in crate::cli) struct Control {
    place: Place,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What each connection works on.
struct Shared {
    server: Arc<AuthorizationServer>,
    development: Arc<Development>,
    clock: Arc<MovedClock>,
    moving: Mutex<()>,
    ended: Arc<AtomicBool>,
    open: AtomicUsize,
}

impl Control {
    /// Answers whoever connects to the place that was taken.
    ///
    /// # Errors
    /// The system gives no thread, or no second number for the socket.
    pub(in crate::cli) fn answer(
        place: Place,
        server: Arc<AuthorizationServer>,
        development: Arc<Development>,
        clock: Arc<MovedClock>,
    ) -> Result<Self, CliError> {
        let listener = place
            .listener
            .try_clone()
            .map_err(CliError::io("open the control socket"))?;
        let ended = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            server,
            development,
            clock,
            moving: Mutex::new(()),
            ended: Arc::clone(&ended),
            open: AtomicUsize::new(0),
        });
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept(&listener, &shared))
            .map_err(CliError::io("start a thread"))?;
        Ok(Self {
            place,
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread. Where that fails it sleeps on, and ends with the process.
        let woken = UnixStream::connect(&self.place.socket).is_ok();
        let _ = std::fs::remove_file(&self.place.socket);
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
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
            turn_away(&stream);
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

/// Says why an order is not heard. Nobody waits for whoever does not take that.
fn turn_away(stream: &UnixStream) {
    let reply = Reply::Failed(format!(
        "{MOST} commands and `oauthctl dev watch` speak with the development server at this moment, and it hears no more; end \
         some of them"
    ));
    let _ = stream.set_nonblocking(true);
    if tell(stream, &reply).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
}

/// Writes an answer, at once: what is cut off was not taken.
fn tell(mut stream: &UnixStream, reply: &Reply) -> io::Result<()> {
    stream.write_all(format!("{}\n", json!(reply)).as_bytes())
}

/// One order, and the answer to it.
fn converse(stream: &UnixStream, shared: &Shared) -> io::Result<()> {
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
                moving: &shared.moving,
            };
            commanded.obey(order)
        }
    };
    tell(stream, &reply)
}

/// Tells of each request until the other end hangs up; and of nothing more, last, where the server ends.
fn watch(mut stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    let mut next = shared.development.next();
    tell(stream, &Reply::Done(Value::Null))?;
    while !shared.ended.load(Ordering::SeqCst) {
        let (seen, following) = shared.development.requests_from(next, PULSE);
        next = following;
        if seen.is_empty() {
            // Fails once nobody is there any more.
            writeln!(stream)?;
        }
        for one in seen {
            tell(stream, &Reply::Done(json!(*one)))?;
        }
    }
    tell(stream, &Reply::Done(Value::Null))
}

/// A connection to the development server on a database.
pub(in crate::cli) struct Connection(BufReader<UnixStream>);

impl Connection {
    /// Gives an order, and waits for the first answer.
    ///
    /// # Errors
    /// None runs there, or it refuses.
    pub(in crate::cli) fn order(database: &Path, order: &Order) -> Result<(Self, Value), CliError> {
        Self::try_order(database, order)?.ok_or_else(|| nobody(database))
    }

    /// As [`order`](Self::order); `None` where no server runs there.
    fn try_order(database: &Path, order: &Order) -> Result<Option<(Self, Value)>, CliError> {
        // Not as an error of a stream: a pipe that is closed is taken for a reader of the output who has had enough.
        let unheard = |error| CliError::Failed(anyhow!("cannot speak to the development server: {error}"));
        let Some(mut stream) = connect(database).map_err(unheard)? else {
            return Ok(None);
        };
        let told = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.write_all(format!("{}\n", json!(order)).as_bytes()));
        let mut connection = Self(BufReader::new(stream));
        match (connection.next(), told) {
            (Ok(Some(value)), _) => Ok(Some((connection, value))),
            // Also where the order could not be written: who turns it away does not read it, and says why.
            (Err(error), _) => Err(error),
            (Ok(None), Err(error)) => Err(unheard(error)),
            (Ok(None), Ok(())) => Err(CliError::Failed(anyhow!(
                "the development server hung up; it may have ended"
            ))),
        }
    }

    /// The next answer; none where the server has ended.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Value>, CliError> {
        loop {
            let mut line = String::new();
            let read = self.0.by_ref().take(LONGEST_ANSWER).read_line(&mut line);
            if read.map_err(|error| unanswered(&error))? == 0 {
                return Ok(None);
            }
            if !line.ends_with('\n') {
                return Err(cut_off());
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

fn unanswered(error: &io::Error) -> CliError {
    CliError::Failed(match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => anyhow!(
            "the development server has not answered for {} seconds; it stands still, or is starting",
            PATIENCE.as_secs()
        ),
        _ => anyhow!("cannot hear the development server: {error}"),
    })
}

/// Why what the server tells ends where nobody said so.
pub(super) fn cut_off() -> CliError {
    CliError::Failed(anyhow!(
        "the development server stopped telling, because nobody read it for {} seconds; begin again, as with `oauthctl dev \
         watch`",
        PATIENCE.as_secs()
    ))
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
    // One that cannot be spoken to runs, too.
    connect(database).map_or(true, |stream| stream.is_some())
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
///
/// # Errors
/// One runs, and does not tell its time: by another time, nothing of what is said about tokens would be so.
pub(in crate::cli) fn clock_beside(database: &Path) -> Result<Arc<dyn Clock>, CliError> {
    let Some((_, told)) = Connection::try_order(database, &Order::Clock {})? else {
        return Ok(Arc::new(SystemClock));
    };
    let offset = told["millis"].as_i64();
    let offset = offset.ok_or_else(|| anyhow!("the development server does not tell its time"))?;
    Ok(Arc::new(MovedClock::by(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of these bytes from a server that hangs up then.
    fn heard(bytes: &str) -> Result<Option<Value>, String> {
        let (mut server, ours) = UnixStream::pair().unwrap();
        server.write_all(bytes.as_bytes()).unwrap();
        drop(server);
        let next = Connection(BufReader::new(ours)).next();
        next.map_err(|error| error.to_string())
    }

    #[test]
    fn what_ends_in_the_middle_of_a_line_was_not_read() {
        assert_eq!(
            heard("\n\n{\"done\":{\"a\":1}}\n{\"do").unwrap(),
            Some(json!({ "a": 1 }))
        );
        assert_eq!(heard("\n").unwrap(), None);
        for cut in ["{\"done\":{\"a\"", "{\"done\":null}"] {
            let told = heard(cut).unwrap_err();
            assert!(
                told.contains("stopped telling") && told.contains("`oauthctl dev watch`"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_server_that_stands_still_is_told_of() {
        let (_server, ours) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let error = Connection(BufReader::new(ours)).next().unwrap_err();
        assert!(error.to_string().contains("has not answered"), "{error}");
    }

    #[test]
    fn who_is_turned_away_hears_why_though_nobody_read_the_order() {
        let (server, mut ours) = UnixStream::pair().unwrap();
        ours.write_all(b"{\"order\":\"clock\"}\n").unwrap();
        turn_away(&server);
        drop(server);
        let error = Connection(BufReader::new(ours)).next().unwrap_err();
        assert!(error.to_string().contains("it hears no more"), "{error}");
    }
}
