//! The server itself failed: not the fault of whoever asked.

use crate::entropy::NoEntropy;
use crate::store::StoreError;

/// A failure of the store or of the operating system.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no random bytes, so nothing can be issued.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}
