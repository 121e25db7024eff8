//! The schema, version by version. The list only grows: a step that has been released is never changed.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;
use super::file::APPLICATION_ID;

/// Step *n* leads from version *n* to version *n + 1*; the version stands in `user_version`.
const STEPS: [&str; 5] = [
    include_str!("schema/001.sql"),
    include_str!("schema/002.sql"),
    include_str!("schema/003.sql"),
    include_str!("schema/004.sql"),
    include_str!("schema/005.sql"),
];

/// The schema version that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "a handful of steps")]
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Refuses a database that a newer program made.
pub(super) fn refuse_newer(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found,
            known: SCHEMA_VERSION,
        });
    }
    Ok(())
}

/// Brings the database to [`SCHEMA_VERSION`] in one transaction, and refuses one with parts missing.
pub(super) fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    if version(connection)? < SCHEMA_VERSION {
        // Two processes may start at once: whoever comes second finds the work done.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = usize::try_from(version(&transaction)?)
            .map_err(|_| StoreError::NotOurs(path.to_owned(), "its schema version is negative"))?;
        for step in STEPS.iter().skip(from) {
            transaction.execute_batch(step)?;
        }
        if from < STEPS.len() {
            transaction.execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}"
            ))?;
        }
        transaction.commit()?;
    }
    let there = objects(connection)?;
    // Where a table is gone, its indexes and triggers are too.
    let expected = expected_objects()?;
    let missing = expected.difference(&there);
    match missing.max_by_key(|name| name.starts_with("table ")) {
        Some(missing) => Err(StoreError::Damaged(
            path.to_owned(),
            format!("the {missing} is missing"),
        )),
        None => Ok(()),
    }
}

/// The tables, indexes and triggers that the steps make, found out by making them in memory.
fn expected_objects() -> Result<BTreeSet<String>, StoreError> {
    let scratch = Connection::open_in_memory()?;
    for step in STEPS {
        scratch.execute_batch(step)?;
    }
    objects(&scratch)
}

fn objects(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    // Without SQLite's own, such as the indexes behind UNIQUE.
    let sql = "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The steps, for tests that need the schema in a connection of their own.
#[cfg(test)]
pub(super) fn steps() -> impl Iterator<Item = &'static str> {
    STEPS.into_iter()
}
