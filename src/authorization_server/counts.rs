//! What has been done and seen since the process started, for `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{AuthorizationServer, TokenResponse};
use crate::clock::Timestamp;
use crate::domain::grant::EndCause;
use crate::store::{Figures, StoreBytes};

/// A number that grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more, where what was marked has been committed.
    pub(super) fn one_if(&self, mark: &Mark) {
        if mark.is_set() {
            self.one();
        }
    }

    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, many: usize) {
        self.0
            .fetch_add(u64::try_from(many).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many by now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What this process has done and seen. What another one did to the same database, it does not know.
#[derive(Debug, Default)]
pub struct Counts {
    /// Grants that resource owners approved.
    pub grants_approved: Count,
    /// Authorization requests that resource owners denied.
    pub grants_denied: Count,
    /// Grants that ended, in the order of [`EndCause::ALL`].
    grants_ended: [Count; EndCause::ALL.len()],
    /// Authorization codes that were issued.
    pub codes_issued: Count,
    /// Access tokens that were issued.
    pub access_tokens_issued: Count,
    /// Refresh tokens that were issued.
    pub refresh_tokens_issued: Count,
    /// Refreshes that were answered with tokens.
    pub refreshes: Count,
    /// Access tokens that were revoked one by one.
    pub access_tokens_revoked: Count,
    /// Codes that were exchanged a second time by their own client.
    pub code_replays: Count,
    /// Refresh tokens that were used by their own client after their successor had been.
    pub refresh_token_reuses: Count,
    /// Sign-ins that let a resource owner in.
    pub sign_ins: Count,
    /// Sign-ins with a wrong username or password.
    pub failed_sign_ins: Count,
    /// Sign-ins that had to wait after failures.
    pub throttled_sign_ins: Count,
    /// Sign-ins that found too many others at once.
    pub crowded_out_sign_ins: Count,
    /// Clients and resource servers that failed to authenticate.
    pub failed_client_authentications: Count,
    /// Clients and resource servers that had to wait after failures.
    pub throttled_clients: Count,
    /// Tokens that pruning removed.
    pub pruned_tokens: Count,
    /// Steps of pruning, a transaction each.
    pub prune_steps: Count,
}

impl Counts {
    /// Grants that ended, by cause.
    pub fn grants_ended(&self, cause: EndCause) -> &Count {
        let place = EndCause::ALL.iter().position(|&each| each == cause);
        // `ALL` holds every cause.
        &self.grants_ended[place.unwrap_or(0)]
    }

    /// Counts the tokens of an answer.
    pub(super) fn see_issued(&self, response: &TokenResponse) {
        self.access_tokens_issued.one();
        if response.refresh_token.is_some() {
            self.refresh_tokens_issued.one();
        }
    }
}

/// Set within a transaction, looked at once that is committed: what was rolled back is not counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark(Arc<AtomicBool>);

impl Mark {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl AuthorizationServer {
    /// What has been done and seen since the start.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// When this was made: the start of the process, as far as its metrics go.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// What the writer of the store is seen doing.
    pub fn store_figures(&self) -> &Figures {
        self.store.figures()
    }

    /// How large the store is.
    pub fn store_bytes(&self) -> StoreBytes {
        self.store.bytes()
    }
}
