//! What a use case holds while it works: the questions that it may ask, and the changes that it may make.
//!
//! The methods stand in the file of the table that they concern.

use std::ops::Deref;

use rusqlite::Connection;

use super::definitions::{Definitions, View};

/// A snapshot of the store. Its methods ask.
#[derive(Debug)]
pub struct ReadTransaction<'c> {
    connection: &'c Connection,
    view: View<'c>,
}

/// A transaction that may write. Its own methods change, those of [`ReadTransaction`] ask within it.
#[derive(Debug)]
pub struct WriteTransaction<'c>(ReadTransaction<'c>);

impl<'c> ReadTransaction<'c> {
    pub(super) fn new(connection: &'c Connection, definitions: &'c Definitions) -> Self {
        Self {
            connection,
            view: View::of_snapshot(definitions),
        }
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.connection
    }

    pub(super) fn view(&self) -> &View<'c> {
        &self.view
    }
}

impl<'c> WriteTransaction<'c> {
    pub(super) fn new(connection: &'c Connection, definitions: &'c Definitions) -> Self {
        Self(ReadTransaction {
            connection,
            view: View::of_writer(definitions),
        })
    }
}

impl<'c> Deref for WriteTransaction<'c> {
    type Target = ReadTransaction<'c>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
