//! When tokens and secrets were last used: gathered in memory, written now and then, so that a check costs no write.
//!
//! What was gathered since the last writing is lost where the process is killed.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::AuthorizationServer;
use crate::clock::Timestamp;
use crate::domain::identifier::Identifier;
use crate::store::{StoreError, WriteTransaction};

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
    news: Mutex<News>,
    has_news: Condvar,
}

/// Whether there is something to write, for whoever waits for that.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum News {
    #[default]
    Nothing,
    Used,
    /// Nobody is to wait any more.
    End,
}

impl LastUse {
    pub(super) fn of_token(&self, token: Identifier, now: Timestamp) {
        self.note(&self.tokens, token, now);
    }

    pub(super) fn of_secret(&self, secret: Identifier, now: Timestamp) {
        self.note(&self.secrets, secret, now);
    }

    fn note(&self, uses: &Mutex<Uses>, identifier: Identifier, now: Timestamp) {
        let is_first = {
            let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = uses.is_empty();
            if uses.len() < MOST || uses.contains_key(&identifier) {
                uses.insert(identifier, now);
            }
            is_first
        };
        // The others are written with the first one: nobody need be told of them.
        if is_first {
            self.tell(News::Used);
        }
    }

    fn tell(&self, told: News) {
        let mut news = self.news();
        if *news != News::End {
            *news = told;
        }
        drop(news);
        self.has_news.notify_all();
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What could not be written, unless it was used again meanwhile.
fn put_back(uses: &Mutex<Uses>, unwritten: Vec<(Identifier, Timestamp)>) {
    let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
    for (identifier, at) in unwritten {
        if uses.len() >= MOST {
            break;
        }
        uses.entry(identifier).or_insert(at);
    }
}

/// Writes one use into its row.
type SetUse = fn(&WriteTransaction<'_>, Identifier, Timestamp) -> Result<(), StoreError>;

impl AuthorizationServer {
    /// Waits until there is something to write; `false` after [`end_of_waiting`](Self::end_of_waiting). A server that
    /// nobody asks anything so does not wake.
    pub fn wait_for_use(&self) -> bool {
        let news = self.last_use.news();
        let waited = self
            .last_use
            .has_news
            .wait_while(news, |news| *news == News::Nothing);
        *waited.unwrap_or_else(PoisonError::into_inner) == News::Used
    }

    /// Lets nobody wait for a use from now on.
    pub fn end_of_waiting(&self) {
        self.last_use.tell(News::End);
    }

    /// Writes down what was used since the last time. What cannot be written is told of again, and written the next time.
    pub fn write_last_use(&self) -> Result<(), StoreError> {
        // Before it is taken: what comes from now on is told of again.
        self.last_use.tell(News::Nothing);
        self.write_uses(&self.last_use.tokens, |tx, row, at| tx.set_token_use(row, at))
            .and_then(|()| self.write_uses(&self.last_use.secrets, |tx, row, at| tx.set_secret_use(row, at)))
            .inspect_err(|_| self.last_use.tell(News::Used))
    }

    fn write_uses(&self, uses: &Mutex<Uses>, set: SetUse) -> Result<(), StoreError> {
        let mut unwritten = take(uses);
        while !unwritten.is_empty() {
            let batch = unwritten[..unwritten.len().min(ROWS_AT_ONCE)].to_vec();
            let rows = batch.len();
            let written = self
                .store
                .write(move |tx| batch.iter().try_for_each(|&(row, at)| set(tx, row, at)));
            if let Err(error) = written {
                put_back(uses, unwritten);
                return Err(error);
            }
            unwritten.drain(..rows);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1);

    #[test]
    fn the_first_use_is_told_of_and_the_end_for_good() {
        let last_use = LastUse::default();
        let identifier = |number| Identifier::at(NOW, number);
        last_use.of_token(identifier(1), NOW);
        assert_eq!(*last_use.news(), News::Used);
        last_use.tell(News::Nothing);
        last_use.of_token(identifier(2), NOW);
        assert_eq!(*last_use.news(), News::Nothing, "it will be taken with the first");
        assert_eq!(take(&last_use.tokens).len(), 2);
        last_use.of_token(identifier(3), NOW);
        assert_eq!(*last_use.news(), News::Used);
        last_use.tell(News::Nothing);
        last_use.of_secret(identifier(4), NOW);
        assert_eq!(*last_use.news(), News::Used);
        last_use.tell(News::End);
        last_use.tell(News::Nothing);
        assert_eq!(*last_use.news(), News::End);
    }
}
