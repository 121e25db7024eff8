//! What can go wrong with the store, and what to do about it.

use std::path::PathBuf;

/// A failure of the store. The message says which file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory of the file is not there.
    #[error("cannot create the database {}: the directory {} does not exist; create it, or name another file with --database", .0.display(), .1.display())]
    NoDirectory(PathBuf, PathBuf),
    /// There is no file, where one has to be.
    #[error("there is no database {}; name another one with --database", .0.display())]
    Missing(PathBuf),
    /// The file cannot be opened or created.
    #[error("cannot open the database {}: {}", .0.display(), .1)]
    CannotOpen(PathBuf, #[source] std::io::Error),
    /// The file is something else.
    #[error("{} is not a database of oauthctl: {}; nothing was changed, name another file with --database", .0.display(), .1)]
    NotOurs(PathBuf, &'static str),
    /// The file was made by a newer program.
    #[error("the database {} has schema version {found}, and this oauthctl knows versions up to {known}; use a newer oauthctl", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Part of the schema is gone, or SQLite cannot make sense of the file.
    #[error("the database {} is damaged: {}; restore a backup", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// A row holds a value that the program would never have written.
    #[error("the database is damaged: table {table}, column {column}: {cause}; restore a backup")]
    CorruptRow {
        /// Where.
        table: &'static str,
        /// Where.
        column: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// The file or its directory is read-only.
    #[error("the database cannot be written; check the owner and the mode of the file and of its directory")]
    ReadOnly,
    /// Another process held the file for too long.
    #[error("the database is busy: another process has held it for too long; try again")]
    Busy,
    /// As many jobs wait for the writer as may.
    #[error("the database is busy: too many changes wait for the disk; try again")]
    Crowded,
    /// No room on the disk.
    #[error("the database cannot be written: the disk is full")]
    Full,
    /// The path leads to another file than the one that is open.
    #[error("{} is not the file that is open: {}; put the file back, or restart the server", .0.display(), .1)]
    Replaced(PathBuf, &'static str),
    /// The commit that should have held this work failed; nothing of it was written.
    #[error("nothing was written: {0}")]
    CommitFailed(String),
    /// A job of the writer panicked; nothing of it was written.
    #[error("nothing was written: the program met a fault of its own")]
    Panicked,
    /// The writer has stopped.
    #[error("the database is closed")]
    Closed,
    /// SQLite cannot make sense of the file, or the disk could not read it: SQLite does not tell the one from the other.
    #[error(
        "the database is damaged, or its disk fails: {0}; `oauthctl doctor` tells which, restore a backup if it \
         finds a fault"
    )]
    Malformed(#[source] rusqlite::Error),
    /// Anything else that SQLite says.
    #[error("the database failed: {0}")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// Whether the message says which file it is about.
    pub fn names_file(&self) -> bool {
        matches!(
            self,
            Self::NoDirectory(..)
                | Self::Missing(..)
                | Self::CannotOpen(..)
                | Self::NotOurs(..)
                | Self::TooNew { .. }
                | Self::Damaged(..)
                | Self::Replaced(..)
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Malformed(error),
            _ => Self::Sqlite(error),
        }
    }
}

/// Turns a value that does not parse into the error that names its place.
pub(super) fn corrupt<E: std::fmt::Display>(
    table: &'static str,
    column: &'static str,
) -> impl Fn(E) -> StoreError {
    move |cause| StoreError::CorruptRow {
        table,
        column,
        cause: cause.to_string(),
    }
}
