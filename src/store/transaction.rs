//! What a use case holds while it works: the questions that it may ask, and the changes that it may make.
//!
//! The methods stand in the file of the table that they concern.

use std::ops::Deref;

use rusqlite::Connection;

/// A snapshot of the store. Its methods ask.
#[derive(Debug)]
pub struct ReadTransaction<'c>(&'c Connection);

/// A transaction that may write. Its own methods change, those of [`ReadTransaction`] ask within it.
#[derive(Debug)]
pub struct WriteTransaction<'c>(ReadTransaction<'c>);

impl<'c> ReadTransaction<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.0
    }
}

impl<'c> WriteTransaction<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self(ReadTransaction::new(connection))
    }
}

impl<'c> Deref for WriteTransaction<'c> {
    type Target = ReadTransaction<'c>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
