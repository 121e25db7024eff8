//! Takes the grants of a client or of a resource owner out of the store, before it goes itself.

use super::AuthorizationServer;
use crate::store::{GrantHolder, StoreError};

/// How many tokens are removed in one transaction: some milliseconds' work, so that the server is not held up.
const TOKENS_AT_ONCE: usize = 500;

impl AuthorizationServer {
    /// Removes every grant with all that came of it, in small transactions. Whoever holds them is disabled, so that no
    /// new ones come. Calls `progress` with the number of grants removed; gives it in the end.
    pub(super) fn remove_grants(
        &self,
        of: GrantHolder,
        mut progress: impl FnMut(usize),
    ) -> Result<usize, StoreError> {
        let mut removed = 0;
        while let Some(some) = self
            .store
            .write(move |tx| tx.delete_some_grants(of, TOKENS_AT_ONCE))?
        {
            removed += some;
            progress(removed);
        }
        Ok(removed)
    }
}
