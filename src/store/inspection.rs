//! Looks at a database file without making, migrating or changing it.

use std::fs;

use rusqlite::Connection;

use super::file::{StoreOptions, check_is_file, check_ours, name_the_file, open_reader};
use super::transaction::ReadTransaction;
use super::{SCHEMA_VERSION, StoreError, soundness};
use crate::clock::Timestamp;
use crate::domain::audit::Action;

/// What a look at the file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The schema version in the file; 0 where nothing was put in yet.
    pub schema_version: i64,
    /// The size by the pages that the database has, those in the write-ahead log among them, in bytes.
    pub bytes: u64,
    /// What is wrong with its pages, indexes and references.
    pub faults: Vec<String>,
}

/// Opens a file that must be there and be ours.
pub(super) fn open_existing(options: &StoreOptions) -> Result<Connection, StoreError> {
    match fs::metadata(&options.path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::Missing(options.path.clone()));
        }
        Err(error) => return Err(StoreError::CannotOpen(options.path.clone(), error)),
    }
    check_is_file(&options.path)?;
    let recognised = open_reader(options).and_then(|connection| {
        check_ours(&options.path, &connection)?;
        Ok(connection)
    });
    recognised.map_err(|error| name_the_file(&options.path, error))
}

/// Checks a whole file: takes as long as reading it does.
///
/// # Errors
/// [`StoreError::Missing`] where there is no file, and whatever keeps it from being read at all.
pub fn inspect(options: &StoreOptions) -> Result<Inspection, StoreError> {
    let connection = open_existing(options)?;
    let number = |pragma| -> Result<i64, StoreError> {
        Ok(connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))?)
    };
    let bytes = number("page_count")?.saturating_mul(number("page_size")?);
    Ok(Inspection {
        schema_version: number("user_version")?,
        bytes: u64::try_from(bytes).unwrap_or_default(),
        faults: soundness::faults(&connection)?,
    })
}

/// Whether there is a file that [`Store::open`](super::Store::open) would open as it is: neither made nor migrated.
pub fn is_up_to_date(options: &StoreOptions) -> Result<bool, StoreError> {
    let connection = match open_existing(options) {
        Ok(connection) => connection,
        Err(StoreError::Missing(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version == SCHEMA_VERSION)
}

/// Whether the audit trail begins with a development server, which made the database then.
fn began_as_development(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM audit WHERE entry = 1 AND action = ?1)";
    Ok(connection.query_row(sql, [Action::DevelopmentBegun.name()], |row| row.get(0))?)
}

/// Whether there is no database yet, or one that a development server made. It is neither made nor migrated.
///
/// # Errors
/// The file is not ours, or cannot be read.
pub fn is_new_or_for_development(options: &StoreOptions) -> Result<bool, StoreError> {
    let connection = match open_existing(options) {
        Ok(connection) => connection,
        Err(StoreError::Missing(_)) => return Ok(true),
        Err(error) => return Err(error),
    };
    let number = |sql| -> Result<i64, StoreError> { Ok(connection.query_row(sql, [], |row| row.get(0))?) };
    if number("PRAGMA user_version")? == 0 {
        return Ok(true);
    }
    if number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'audit'")? == 0 {
        // Older than the trail.
        return Ok(false);
    }
    began_as_development(&connection)
}

/// That nothing is registered.
const NOTHING_REGISTERED: &str = "SELECT NOT EXISTS (SELECT 1 FROM clients) AND NOT EXISTS (SELECT 1 FROM scopes) \
    AND NOT EXISTS (SELECT 1 FROM resource_owners) AND NOT EXISTS (SELECT 1 FROM resource_servers)";

/// Whether nothing is registered in a database.
///
/// # Errors
/// The file is not there, not ours, or cannot be read.
pub fn is_empty(options: &StoreOptions) -> Result<bool, StoreError> {
    Ok(open_existing(options)?.query_row(NOTHING_REGISTERED, [], |row| row.get(0))?)
}

impl ReadTransaction<'_> {
    /// Whether a development server made this database: its audit trail begins with one.
    pub fn began_as_development(&self) -> Result<bool, StoreError> {
        began_as_development(self.connection())
    }

    /// Whether nothing was ever put in: nothing is registered, and nothing was written down.
    pub fn is_pristine(&self) -> Result<bool, StoreError> {
        let nothing_is_registered: bool = self
            .connection()
            .query_row(NOTHING_REGISTERED, [], |row| row.get(0))?;
        Ok(nothing_is_registered && self.audit_head()?.0 == 0)
    }

    /// The newest instant at which something was written down: a grant, a token or an audit entry.
    pub fn newest_instant(&self) -> Result<Option<Timestamp>, StoreError> {
        // Keys grow with time, so the newest row is the last one.
        let sql = "SELECT max(at) FROM (\
                   SELECT at FROM (SELECT at FROM audit ORDER BY entry DESC LIMIT 1) UNION ALL \
                   SELECT at FROM (SELECT issued_at AS at FROM tokens ORDER BY token_key DESC LIMIT 1) UNION ALL \
                   SELECT at FROM (SELECT created_at AS at FROM grants ORDER BY grant_key DESC LIMIT 1))";
        let newest: Option<i64> = self.connection().query_row(sql, [], |row| row.get(0))?;
        Ok(newest.map(Timestamp::from_millis))
    }
}
