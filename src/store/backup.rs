//! A copy of the database while it is in use.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::TempPath;

use super::file::StoreOptions;
use super::inspection::open_existing;
use super::{StoreError, soundness};

/// How many pages are copied between two looks at whether to go on: 1 MiB.
const PAGES_AT_ONCE: i32 = 256;

/// What SQLite puts beside a database.
const COMPANIONS: [&str; 3] = ["-journal", "-shm", "-wal"];

/// A copy that was made and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// Its size.
    pub bytes: u64,
    /// Its pages.
    pub pages: u64,
}

/// Why there is no copy. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] StoreError),
    /// A file of that name is there already.
    #[error("{} exists already, and a backup is never written over a file; name another one", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be written.
    #[error("cannot write {}: {cause}", path.display())]
    Target {
        /// The file that was to hold the copy.
        path: PathBuf,
        /// What the operating system or SQLite said.
        cause: String,
    },
    /// The copy is not sound, and so neither is the database.
    #[error("the copy does not pass its check, so the database is damaged: {0}; nothing was kept")]
    Unsound(String),
}

/// Copies the database to `target`, which must be new, as it is at this moment; checks the copy, and waits until it is
/// on disk. Others read and write the database meanwhile. `None` where `progress`, which is told how many pages are
/// done and of how many, stopped it.
pub fn back_up(
    options: &StoreOptions,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Option<BackedUp>, BackupError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let source = open_existing(options)?;
    let partial = create_partial(target)?;
    let _companions = Companions(partial.to_path_buf());
    if copy(&source, &partial, progress)
        .map_err(|error| blame(error, target))?
        .is_break()
    {
        return Ok(None);
    }
    drop(source);
    let pages = check(&partial)?;
    let bytes = keep(partial, target).map_err(cannot_write(target))?;
    Ok(Some(BackedUp { bytes, pages }))
}

/// Copies what one snapshot shows.
fn copy(
    source: &Connection,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    // Without a snapshot that is held, every commit of somebody else would start the copying anew.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
    let mut target = open(target)?;
    // The file counts once it has its name, and is flushed before it gets it.
    target.execute_batch("PRAGMA synchronous = OFF")?;
    let backup = Backup::new(source, &mut target)?;
    loop {
        let step = backup.step(PAGES_AT_ONCE)?;
        let state = backup.progress();
        let total = u64::try_from(state.pagecount).unwrap_or_default();
        let remaining = u64::try_from(state.remaining).unwrap_or_default();
        if progress(total.saturating_sub(remaining), total).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match step {
            StepResult::Done => return Ok(ControlFlow::Continue(())),
            StepResult::More => {}
            _ => return Err(StoreError::Busy),
        }
    }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Makes the copy one file without companions, and checks it. Gives its pages.
fn check(path: &Path) -> Result<u64, BackupError> {
    let checked = || -> Result<(i64, Vec<String>), StoreError> {
        let connection = open(path)?;
        connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        let faults = soundness::faults(&connection)?;
        let pages = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        connection.close().map_err(|(_, error)| error)?;
        Ok((pages, faults))
    };
    match checked() {
        Ok((pages, faults)) if faults.is_empty() => Ok(u64::try_from(pages).unwrap_or_default()),
        Ok((_, faults)) => Err(BackupError::Unsound(faults.join("; "))),
        Err(StoreError::Malformed(error)) => Err(BackupError::Unsound(error.to_string())),
        Err(error) => Err(blame(error, path)),
    }
}

/// An error of copying, told as one of the side that it is about.
fn blame(error: StoreError, target: &Path) -> BackupError {
    // The database is only read: what cannot be written is the copy.
    let is_of_target = match &error {
        StoreError::Full | StoreError::ReadOnly => true,
        StoreError::Sqlite(cause) => cause.sqlite_error_code() == Some(ErrorCode::CannotOpen),
        _ => false,
    };
    if is_of_target {
        let cause = match error {
            StoreError::Full => "the disk is full".to_owned(),
            StoreError::ReadOnly => "it is read-only".to_owned(),
            other => other.to_string(),
        };
        let path = target.to_owned();
        return BackupError::Target { path, cause };
    }
    BackupError::Database(error)
}

fn cannot_write(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return BackupError::Exists(path.to_owned());
        }
        BackupError::Target {
            path: path.to_owned(),
            cause: error.to_string(),
        }
    }
}

/// Makes the file that is not yet a backup: mode 0600, beside its place, gone again if nothing comes of it.
fn create_partial(target: &Path) -> Result<TempPath, BackupError> {
    let Some(name) = target.file_name() else {
        return Err(BackupError::Target {
            path: target.to_owned(),
            cause: "it names no file".to_owned(),
        });
    };
    let mut prefix = name.to_owned();
    prefix.push(".partial-");
    let file = tempfile::Builder::new()
        .prefix(&prefix)
        .rand_bytes(8)
        .tempfile_in(directory(target))
        .map_err(cannot_write(target))?;
    Ok(file.into_temp_path())
}

/// Gives the file its name, which must still be free. Gives its size.
fn keep(partial: TempPath, target: &Path) -> io::Result<u64> {
    let file = File::open(&partial)?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    partial
        .persist_noclobber(target)
        .map_err(|refusal| refusal.error)?;
    File::open(directory(target))?.sync_all()?;
    Ok(bytes)
}

/// What SQLite puts beside a file, to be removed with it. Mostly there is none.
struct Companions(PathBuf);

impl Drop for Companions {
    fn drop(&mut self) {
        for suffix in COMPANIONS {
            let mut path = OsString::from(&self.0);
            path.push(suffix);
            let _ = fs::remove_file(path);
        }
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
