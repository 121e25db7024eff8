//! The file: made with mode 0600, recognised, opened with the settings that the contract needs.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::StoreError;
use super::migrations;
use crate::clock::Deadline;

/// The application ID in the header of our files: `oact`.
pub(super) const APPLICATION_ID: i64 = 0x6f61_6374;

const NOT_SQLITE: &str = "it is not a SQLite database";

/// Between two tries to switch to the write-ahead log.
const SWITCH_PAUSE: Duration = Duration::from_millis(5);

/// How the file is used.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The file.
    pub path: PathBuf,
    /// How long to wait for another process that holds the file.
    pub busy_timeout: Duration,
    /// The most connections that read at once.
    pub readers: usize,
    /// The most jobs that wait for the writer.
    pub waiting_writes: usize,
}

/// Makes the file where it is missing, readable and writable for its owner alone.
pub(super) fn create_if_missing(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let directory = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            if error.kind() == io::ErrorKind::NotFound && !directory.exists() {
                return Err(StoreError::NoDirectory(path.to_owned(), directory.to_owned()));
            }
            Err(StoreError::CannotOpen(path.to_owned(), error))
        }
    }
}

/// Refuses what SQLite must not touch.
///
/// The file itself is not opened here: a process that closes a file loses every lock that it has on it, also those
/// that SQLite took through another descriptor (<https://sqlite.org/howtocorrupt.html> §2.2).
pub(super) fn check_is_file(path: &Path) -> Result<(), StoreError> {
    let metadata = std::fs::metadata(path).map_err(|error| StoreError::CannotOpen(path.to_owned(), error))?;
    let not_ours = |why| Err(StoreError::NotOurs(path.to_owned(), why));
    if !metadata.is_file() {
        return not_ours("it is not a regular file");
    }
    // SQLite takes a file of one byte for an empty one, and would write over it.
    if metadata.len() == 1 {
        return not_ours(NOT_SQLITE);
    }
    Ok(())
}

/// To how much the write-ahead log is cut once it is used from its beginning again. It grows beyond that only while
/// somebody, such as a backup, reads an old state.
const LOG_BYTES: u32 = 8 * 1024 * 1024;

/// Opens the connection that writes: recognises the file before anything in it is changed, then brings it up to date.
pub(super) fn open_writer(options: &StoreOptions) -> Result<Connection, StoreError> {
    let path = &options.path;
    recognise_and_prepare(options).map_err(|error| name_the_file(path, error))
}

fn recognise_and_prepare(options: &StoreOptions) -> Result<Connection, StoreError> {
    let mut connection = open(options)?;
    check_ours(&options.path, &connection)?;
    // SQLite opens what it may not write for reading, and would tell at the first write only.
    if connection.is_readonly("main")? {
        return Err(StoreError::ReadOnly);
    }
    let journal = use_write_ahead_log(options, &connection)?;
    if !journal.eq_ignore_ascii_case("wal") {
        return Err(StoreError::NotOurs(
            options.path.clone(),
            "its file system does not allow a write-ahead log",
        ));
    }
    // FULL: what was acknowledged survives a power cut.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = {LOG_BYTES}"
    ))?;
    migrations::migrate(&options.path, &mut connection)?;
    Ok(connection)
}

/// Switches to the write-ahead log, and says what is used now.
///
/// Two processes that switch a new file at once would wait for one another; SQLite tells one of them at once that the
/// file is busy, whatever the time-out. By the next try the other is done.
fn use_write_ahead_log(options: &StoreOptions, connection: &Connection) -> Result<String, StoreError> {
    let deadline = Deadline::after(options.busy_timeout);
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match switched.map_err(StoreError::from) {
            Err(StoreError::Busy) if deadline.remaining().is_some() => std::thread::sleep(SWITCH_PAUSE),
            done => return done,
        }
    }
}

/// Says of which file an error is, and what is wrong with it, where SQLite's own words do not.
pub(super) fn name_the_file(path: &Path, error: StoreError) -> StoreError {
    let (StoreError::Sqlite(cause) | StoreError::Malformed(cause)) = &error else {
        return error;
    };
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotOurs(path.to_owned(), NOT_SQLITE),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged(path.to_owned(), cause.to_string()),
        // SQLite does not tell why. Opening it once more does; where that works, it is the log that cannot be made.
        Some(ErrorCode::CannotOpen) => match File::open(path) {
            Err(cause) => StoreError::CannotOpen(path.to_owned(), cause),
            Ok(_) => StoreError::ReadOnly,
        },
        _ => error,
    }
}

/// Opens a connection that only reads.
pub(super) fn open_reader(options: &StoreOptions) -> Result<Connection, StoreError> {
    let connection = open(options)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

fn open(options: &StoreOptions) -> Result<Connection, StoreError> {
    // No SQLITE_OPEN_CREATE: the file was made with its mode before. A connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Each statement is planned once. Without this, SQLite built with STAT4 plans it anew for each value that is bound,
    // which was two fifths of what a request cost; our plans do not depend on values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Refuses a database of another program and a newer one, and leaves both as they are.
pub(super) fn check_ours(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    // Whoever closes a database last writes its log back and deletes it. That is for those who know the database: where
    // its program was killed, the log holds what it wrote last.
    if has_log(path) {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    recognise(path, connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Whether there is a write-ahead log with something in it.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(log_of(path)).is_ok_and(|metadata| metadata.len() > 0)
}

/// Where the write-ahead log of a database is.
pub(super) fn log_of(database: &Path) -> PathBuf {
    let mut log = OsString::from(database);
    log.push("-wal");
    log.into()
}

fn recognise(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    // One snapshot: another process may be filling the file at this moment, and what it wrote is there as a whole.
    let snapshot = connection.unchecked_transaction()?;
    let application: i64 = snapshot.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let objects: i64 = snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || objects != 0) {
        return Err(StoreError::NotOurs(
            path.to_owned(),
            "it is a database of another program",
        ));
    }
    migrations::refuse_newer(path, &snapshot)
}
