//! Whether a database file is sound: pages, indexes and references.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::StoreError;

/// The most faults that are told of one file; the first ones say enough.
const MOST_FAULTS: usize = 20;

/// What is wrong with the file, by SQLite's own checks; nothing where it is sound.
pub(super) fn faults(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MOST_FAULTS})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut faults: Vec<String> = lines.collect::<Result<_, _>>()?;
    faults.retain(|line| line != "ok");

    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if faults.len() >= MOST_FAULTS {
            break;
        }
        let table: String = row.get(0)?;
        let place = match row.get(1)? {
            Value::Integer(key) => format!("row {key} of {table}"),
            _ => format!("a row of {table}"),
        };
        let parent: String = row.get(2)?;
        faults.push(format!("{place} points to a row of {parent} that is not there"));
    }
    Ok(faults)
}
