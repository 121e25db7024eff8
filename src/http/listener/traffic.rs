//! What a listener has let in and turned away, for `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::open::OpenConnections;

/// The statuses with which the listener itself refuses.
const STATUSES: [u16; 11] = [400, 403, 408, 411, 413, 414, 417, 431, 501, 503, 505];

/// Refusals by status.
#[derive(Debug, Default)]
pub(super) struct Refused([AtomicU64; STATUSES.len()]);

impl Refused {
    pub(super) fn count(&self, status: u16) {
        let counts = STATUSES.iter().zip(&self.0);
        for (_, count) in counts.filter(|(counted, _)| **counted == status) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A view on a listener, also while it runs.
#[derive(Debug, Clone)]
pub struct Traffic {
    pub(super) open: Arc<OpenConnections>,
    pub(super) refused: Arc<Refused>,
}

impl Traffic {
    /// Whether it lets nobody in any more.
    pub fn is_stopping(&self) -> bool {
        self.open.stopping()
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.open.count()
    }

    /// Requests, and connections, that the listener refused, by status.
    pub fn refused(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = STATUSES.iter().zip(&self.refused.0);
        counts.map(|(status, count)| (*status, count.load(Ordering::Relaxed)))
    }
}
