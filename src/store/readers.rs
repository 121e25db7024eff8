//! A small pool of connections that only read. A reader never waits for the writer (write-ahead log).

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use super::StoreError;
use super::definitions::Definitions;
use super::file::{StoreOptions, open_reader};
use super::transaction::ReadTransaction;

#[derive(Debug)]
pub(super) struct Readers {
    options: StoreOptions,
    definitions: Arc<Definitions>,
    idle: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    connections: Vec<Connection>,
    /// Connections that exist, idle or lent out.
    open: usize,
    /// Threads that wait for one.
    waiting: usize,
}

impl Readers {
    pub(super) fn new(options: StoreOptions, definitions: Arc<Definitions>) -> Self {
        Self {
            options,
            definitions,
            idle: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Runs `work` on a snapshot: it sees what was committed when it began, and nothing half-way.
    pub(super) fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTransaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let lent = Lent {
            connection: Some(self.take()?),
            pool: self,
        };
        // `connection` is taken out by `drop` only.
        let Some(connection) = &lent.connection else {
            return Err(StoreError::Closed.into());
        };
        let statement = |sql| -> Result<(), StoreError> {
            connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        };
        statement("BEGIN")?;
        let result = work(&ReadTransaction::new(connection, &self.definitions));
        statement("ROLLBACK")?;
        result
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = pool.connections.pop() {
                return Ok(connection);
            }
            if pool.open < self.options.readers {
                pool.open += 1;
                break;
            }
            pool.waiting += 1;
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
            pool.waiting -= 1;
        }
        drop(pool);
        open_reader(&self.options).inspect_err(|_| self.give_back(None))
    }

    fn give_back(&self, connection: Option<Connection>) {
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match connection {
            Some(connection) => pool.connections.push(connection),
            None => pool.open -= 1,
        }
        let is_awaited = pool.waiting > 0;
        drop(pool);
        // To tell nobody is a system call too.
        if is_awaited {
            self.returned.notify_one();
        }
    }
}

/// A connection that goes back to the pool by itself, also after a panic.
struct Lent<'p> {
    connection: Option<Connection>,
    pool: &'p Readers,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // One that is still inside a transaction would show an old snapshot for ever.
        let connection = self.connection.take().filter(Connection::is_autocommit);
        self.pool.give_back(connection);
    }
}
