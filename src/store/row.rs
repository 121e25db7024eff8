//! Values of rows as the types of the domain. A value that the program would never have written is an error that
//! names its place.

use std::cell::Cell;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use rusqlite::types::FromSql;

use super::StoreError;
use super::error::corrupt;
use crate::clock::Timestamp;
use crate::domain::identifier::Identifier;
use crate::domain::secret::SecretHash;

/// A row of a table that can be named in an error.
pub(super) struct Row<'r, 's> {
    table: &'static str,
    values: &'r rusqlite::Row<'s>,
    /// The column after the one that was read last.
    next: Cell<usize>,
}

impl<'r, 's> Row<'r, 's> {
    pub(super) fn of(table: &'static str, row: &'r rusqlite::Row<'s>) -> Self {
        Self {
            table,
            values: row,
            next: Cell::new(0),
        }
    }

    /// Where a column stands. Rows are mostly read in the order in which they are asked for, so that the next column is
    /// tried before SQLite is asked for the names of all of them.
    fn place(&self, column: &'static str) -> Result<usize, StoreError> {
        let statement = self.values.as_ref();
        let next = self.next.get();
        let is_next = next < statement.column_count() && statement.column_name(next)? == column;
        let place = if is_next {
            next
        } else {
            statement.column_index(column)?
        };
        self.next.set(place + 1);
        Ok(place)
    }

    /// A value that needs no checking.
    pub(super) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        self.values.get(self.place(column)?).map_err(|error| match error {
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => corrupt(self.table, column)(error),
            other => other.into(),
        })
    }

    /// A text that parses.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.get::<String>(column)?
            .parse()
            .map_err(corrupt(self.table, column))
    }

    /// A text that parses, where there is one.
    pub(super) fn optional<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(corrupt(self.table, column)))
            .transpose()
    }

    pub(super) fn identifier(&self, column: &'static str) -> Result<Identifier, StoreError> {
        Identifier::from_i64(self.get(column)?).ok_or_else(|| corrupt(self.table, column)("it is negative"))
    }

    pub(super) fn timestamp(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.get(column).map(Timestamp::from_millis)
    }

    pub(super) fn optional_timestamp(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    pub(super) fn span(&self, column: &'static str) -> Result<Duration, StoreError> {
        let millis = u64::try_from(self.get::<i64>(column)?).map_err(corrupt(self.table, column))?;
        Ok(Duration::from_millis(millis))
    }

    pub(super) fn secret_hash(&self, column: &'static str) -> Result<SecretHash, StoreError> {
        self.get(column).map(SecretHash::from_bytes)
    }
}

/// A span as it is stored: milliseconds.
pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Asks for at most one row.
macro_rules! one {
    ($transaction:expr, $table:literal, $sql:expr, $parameters:expr, $read:expr) => {{
        let mut statement = $transaction.connection().prepare_cached($sql)?;
        let mut rows = statement.query($parameters)?;
        match rows.next()? {
            Some(row) => Some($read(&$crate::store::row::Row::of($table, row))?),
            None => None,
        }
    }};
}

/// Asks for every row.
macro_rules! all {
    ($transaction:expr, $table:literal, $sql:expr, $parameters:expr, $read:expr) => {{
        let mut statement = $transaction.connection().prepare_cached($sql)?;
        let mut rows = statement.query($parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push($read(&$crate::store::row::Row::of($table, row))?);
        }
        found
    }};
}

pub(super) use {all, one};
