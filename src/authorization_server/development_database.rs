//! Whose a database is: development servers put clients, and resource owners whom a button signs in, only into one that they
//! made.

use serde_json::json;

use super::AuthorizationServer;
use crate::domain::audit::{Action, Subject};
use crate::store::StoreError;

impl AuthorizationServer {
    /// Makes the database that of development servers, if nothing was ever put in. Whether it is one now. That stands first in
    /// its trail, where nobody can put it later: no database of another server becomes one.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn begin_development(&self) -> Result<bool, StoreError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if tx.is_pristine()? {
                let detail = json!({ "by": "serve --dev" });
                operator.record(
                    tx,
                    Action::DevelopmentBegun,
                    Subject::new("store", "store"),
                    detail,
                )?;
            }
            tx.began_as_development()
        })
    }

    /// Whether development servers have this database.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_for_development(&self) -> Result<bool, StoreError> {
        self.store.read(|tx| tx.began_as_development())
    }
}
