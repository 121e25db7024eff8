//! Whether the server can do its work.

use super::AuthorizationServer;
use crate::store::StoreError;

impl AuthorizationServer {
    /// Reads the store and writes to it, as every other use case would.
    pub fn can_read_and_write(&self) -> Result<(), StoreError> {
        self.store.read(|tx| tx.probe_reading())?;
        self.store.write(|tx| tx.probe_writing())
    }
}
