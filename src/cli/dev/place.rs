//! The place of a development server beside its database: at most one has it, from before anything is put in.
//!
//! A lock says who has it, because the system lets go of it when a process ends, however it ends. The socket is where that
//! one is found. Both are removed by who has the lock, so that of several who begin at once one gets it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::Uid;

use crate::cli::exit::CliError;
use crate::store::StoreError;

/// As many links to a database are followed.
const MOST_LINKS: usize = 40;

/// How often the lock is sought anew where who had it removes its file at the same moment.
const ATTEMPTS: usize = 100;

/// A file beside the database. Links to the database are followed, as SQLite follows them: whichever name is given, it is the
/// same place. Those to its directory the system follows.
fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut file = database.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&file) else { break };
        file = file
            .parent()
            .map_or_else(|| to.clone(), |parent| parent.join(&to));
    }
    let mut name = file.into_os_string();
    name.push(suffix);
    name.into()
}

fn socket_of(database: &Path) -> PathBuf {
    beside(database, "-dev")
}

/// Connects to the server that has the place, if the socket is of the owner of the database or one's own; `None` where no
/// server has it. Where others may write to the directory, anybody could have put a socket there, and would be asked for the
/// time.
///
/// # Errors
/// A server has it and cannot be spoken to.
pub(super) fn connect(database: &Path) -> io::Result<Option<UnixStream>> {
    let path = socket_of(database);
    let Ok(found) = fs::symlink_metadata(&path) else {
        return Ok(None);
    };
    let owner = fs::metadata(database).map(|database| database.uid());
    let is_trusted =
        found.uid() == Uid::effective().as_raw() || owner.is_ok_and(|owner| owner == found.uid());
    if !(found.file_type().is_socket() && is_trusted) {
        return Ok(None);
    }
    match UnixStream::connect(path) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if has_nobody(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether nobody listens: the server was killed or just ended, or has none, because the path is too long for a socket.
fn has_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput
    )
}

/// The place, while one has it. Dropped, it is free.
pub(in crate::cli) struct Place {
    pub(super) listener: UnixListener,
    pub(super) socket: PathBuf,
    _lock: Option<Lock>,
}

impl Place {
    /// Takes the place beside a database, which need not be there yet. Whoever connects waits until it is answered.
    ///
    /// # Errors
    /// Another development server has it, the path is longer than that of a socket may be, or the system gives no socket.
    pub(in crate::cli) fn take(database: &Path) -> Result<Self, CliError> {
        let socket = socket_of(database);
        refuse_too_long(&socket)?;
        let path = beside(database, "-dev-lock");
        let lock = match Lock::of(&path).map_err(|error| unopened(database, &path, error))? {
            Locked::Mine(lock) => Some(lock),
            Locked::NoLocks => None,
            Locked::Another => return Err(another(database)),
        };
        // Where there are no locks, this is all that can be seen of another.
        if connect(database).map_or(true, |found| found.is_some()) {
            return Err(another(database));
        }
        let listener = bind(&socket)?;
        Ok(Self {
            listener,
            socket,
            _lock: lock,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

fn another(database: &Path) -> CliError {
    CliError::Usage(format!(
        "another development server runs on {}; stop it, or name another database",
        database.display()
    ))
}

/// Why the file that is locked cannot be: mostly because the database could not be made there either.
fn unopened(database: &Path, path: &Path, error: io::Error) -> CliError {
    match path.parent() {
        Some(directory) if error.kind() == io::ErrorKind::NotFound && !directory.exists() => {
            StoreError::NoDirectory(database.to_owned(), directory.to_owned()).into()
        }
        _ => CliError::io(format!("open {}", path.display()))(error),
    }
}

fn refuse_too_long(socket: &Path) -> Result<(), CliError> {
    // By whichever name it is called: commands elsewhere use the absolute one.
    let absolute = std::path::absolute(socket).unwrap_or_else(|_| socket.to_owned());
    if SocketAddr::from_pathname(&absolute).is_ok() {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "{} is too long for the path of a socket, which the development server opens there; name a database, or set TMPDIR, \
         with a shorter path",
        absolute.display()
    )))
}

/// Mode 0600, and nobody is heard who was quicker than that: a mask for new files would be one for all threads of the process,
/// which may be somebody's tests. What a server that was killed left behind goes away.
fn bind(path: &Path) -> Result<UnixListener, CliError> {
    let doing = format!("open the control socket {}", path.display());
    let is_left = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_left {
        fs::remove_file(path).map_err(CliError::io(doing.clone()))?;
    }
    closed(path).map_err(CliError::io(doing))
}

fn closed(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    while listener.accept().is_ok() {}
    listener.set_nonblocking(false)?;
    Ok(listener)
}

/// A lock on a file, which goes away before the lock does.
struct Lock {
    path: PathBuf,
    _file: File,
}

enum Locked {
    Mine(Lock),
    Another,
    /// The file system has none.
    NoLocks,
}

impl Lock {
    fn of(path: &Path) -> io::Result<Locked> {
        for _ in 0..ATTEMPTS {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(OFlag::O_NOFOLLOW.bits())
                .open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Ok(Locked::Another),
                Err(fs::TryLockError::Error(_)) => return Ok(Locked::NoLocks),
            }
            // Else it is locked and has no name: who had it removed it just now.
            let own = file.metadata()?;
            let is_the_one = fs::symlink_metadata(path)
                .is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino()));
            if is_the_one {
                return Ok(Locked::Mine(Self {
                    path: path.to_owned(),
                    _file: file,
                }));
            }
        }
        Ok(Locked::Another)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_server_by_whichever_name_and_is_free_again() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("real")).unwrap();
        // Links to what is not there yet, one by way of the other.
        std::os::unix::fs::symlink("real/x.db", at("a.db")).unwrap();
        std::os::unix::fs::symlink(at("a.db"), at("b.db")).unwrap();
        std::os::unix::fs::symlink("loop.db", at("loop.db")).unwrap();
        let names = [at("real/x.db"), at("a.db"), at("b.db")];
        for first in &names {
            let place = Place::take(first).unwrap();
            for second in &names {
                assert!(matches!(Place::take(second), Err(CliError::Usage(_))));
                assert!(connect(second).unwrap().is_some());
            }
            drop(place);
            assert!(connect(first).unwrap().is_none());
        }
        assert_eq!(fs::read_dir(at("real")).unwrap().count(), 0);
        drop(Place::take(&at("loop.db")).unwrap());
    }

    #[test]
    fn of_many_at_once_one_has_it_though_a_killed_one_left_its_socket() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("x.db");
        for _ in 0..100 {
            drop(UnixListener::bind(socket_of(&database)).unwrap());
            let start = std::sync::Barrier::new(4);
            let taken: Vec<_> = std::thread::scope(|scope| {
                let one = || {
                    start.wait();
                    Place::take(&database).ok()
                };
                let all: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(taken.iter().flatten().count(), 1);
        }
    }
}
