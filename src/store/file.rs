//! The file: made with mode 0600, recognised, opened with the settings that the contract needs.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::migrations;

/// The application ID in the header of our files: `oact`.
pub(super) const APPLICATION_ID: i64 = 0x6f61_6374;

/// How the file is used.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The file.
    pub path: PathBuf,
    /// How long to wait for another process that holds the file.
    pub busy_timeout: Duration,
    /// The most connections that read at once.
    pub readers: usize,
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

/// Refuses a file that is not a SQLite database before SQLite touches it.
pub(super) fn check_header(path: &Path) -> Result<(), StoreError> {
    let cannot_open = |error| StoreError::CannotOpen(path.to_owned(), error);
    let file = File::open(path).map_err(cannot_open)?;
    if !file.metadata().map_err(cannot_open)?.is_file() {
        return Err(StoreError::NotOurs(path.to_owned(), "it is not a regular file"));
    }
    let mut header = Vec::new();
    file.take(16).read_to_end(&mut header).map_err(cannot_open)?;
    if header.is_empty() || header == b"SQLite format 3\0" {
        Ok(())
    } else {
        Err(StoreError::NotOurs(
            path.to_owned(),
            "it is not a SQLite database",
        ))
    }
}

/// Opens the connection that writes: recognises the file before anything in it is changed, then brings it up to date.
pub(super) fn open_writer(options: &StoreOptions) -> Result<Connection, StoreError> {
    let mut connection = open(options)?;
    check_ours(&options.path, &connection)?;
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !journal.eq_ignore_ascii_case("wal") {
        return Err(StoreError::NotOurs(
            options.path.clone(),
            "its file system does not allow a write-ahead log",
        ));
    }
    // FULL: what was acknowledged survives a power cut.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    migrations::migrate(&options.path, &mut connection)?;
    Ok(connection)
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
    Ok(connection)
}

/// Refuses a database of another program and a newer one.
fn check_ours(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || objects != 0) {
        return Err(StoreError::NotOurs(
            path.to_owned(),
            "it is a database of another program",
        ));
    }
    migrations::refuse_newer(path, connection)
}
