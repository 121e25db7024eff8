//! When tokens and secrets were last used: gathered in memory, written now and then, so that a check costs no write.
//!
//! What was gathered since the last writing is lost where the process is killed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::AuthorizationServer;
use crate::clock::Timestamp;
use crate::domain::identifier::Identifier;
use crate::store::StoreError;

/// How many rows are written in one transaction, so that nobody waits long for the writer.
const ROWS_AT_ONCE: usize = 500;

/// The most uses that are remembered; beyond it, what is new is forgotten until the next writing.
const MOST: usize = 100_000;

type Uses = HashMap<Identifier, Timestamp>;

/// What has been used since the last writing.
#[derive(Debug, Default)]
pub(super) struct LastUse {
    tokens: Mutex<Uses>,
    secrets: Mutex<Uses>,
}

impl LastUse {
    pub(super) fn of_token(&self, token: Identifier, now: Timestamp) {
        note(&self.tokens, token, now);
    }

    pub(super) fn of_secret(&self, secret: Identifier, now: Timestamp) {
        note(&self.secrets, secret, now);
    }
}

fn note(uses: &Mutex<Uses>, identifier: Identifier, now: Timestamp) {
    let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
    if uses.len() < MOST || uses.contains_key(&identifier) {
        uses.insert(identifier, now);
    }
}

fn take(uses: &Mutex<Uses>) -> Vec<(Identifier, Timestamp)> {
    let mut taken: Vec<_> = std::mem::take(&mut *uses.lock().unwrap_or_else(PoisonError::into_inner))
        .into_iter()
        .collect();
    // In the order of the rows, so that a page is written once.
    taken.sort_unstable();
    taken
}

impl AuthorizationServer {
    /// Writes down what was used since the last time.
    pub fn write_last_use(&self) -> Result<(), StoreError> {
        for batch in take(&self.last_use.tokens).chunks(ROWS_AT_ONCE) {
            let batch = batch.to_vec();
            self.store.write(move |tx| {
                batch
                    .iter()
                    .try_for_each(|&(token, at)| tx.set_token_use(token, at))
            })?;
        }
        for batch in take(&self.last_use.secrets).chunks(ROWS_AT_ONCE) {
            let batch = batch.to_vec();
            self.store.write(move |tx| {
                batch
                    .iter()
                    .try_for_each(|&(secret, at)| tx.set_secret_use(secret, at))
            })?;
        }
        Ok(())
    }
}
