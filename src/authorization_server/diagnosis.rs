//! What `doctor` and the completion of a command line ask.

use super::AuthorizationServer;
use crate::clock::Timestamp;
use crate::store::{NameKind, StoreError};

impl AuthorizationServer {
    /// The newest instant at which something was written down; it does not lie ahead of a clock that is right.
    pub fn newest_instant(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.read(|tx| tx.newest_instant())
    }

    /// Names that begin with `beginning`, in order, each with what people call it; at most `limit`.
    pub fn names_beginning(
        &self,
        kind: NameKind,
        beginning: &str,
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.store.read(|tx| tx.names_beginning(kind, beginning, limit))
    }
}
