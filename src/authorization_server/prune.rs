//! Removes what ended long ago: at somebody's command, and by itself while the server runs.
//!
//! Pages of the file that become free are used again by what is written next, so a file whose tokens come and go stays
//! as large as it was when most of them lived at once. It does not shrink by itself: an incremental vacuum would cost
//! every write a page more, and would move pages that the next tokens need again. `oauthctl backup` writes a file
//! without free pages.

use std::time::Duration;

use serde_json::json;

use super::AuthorizationServer;
use super::audit::Recorder;
use super::tokens::Tally;
use crate::clock::{Stopwatch, Timestamp};
use crate::domain::audit::{Action, Subject};
use crate::store::{PruneCursor, StoreError};

impl AuthorizationServer {
    /// How many tokens pruning would remove that ended at `cutoff` or before.
    pub fn count_prunable(&self, cutoff: Timestamp) -> Result<usize, StoreError> {
        let count = self.store.read(|tx| tx.prunable_tokens(cutoff))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Removes what ended at `cutoff` or before, in small transactions. Interrupted, it can be repeated. Calls
    /// `progress` with the number of tokens removed.
    pub fn prune(&self, cutoff: Timestamp, mut progress: impl FnMut(usize)) -> Result<Tally, StoreError> {
        let by = self.operator(self.now());
        self.prune_as(by, cutoff, |removed, _| {
            progress(removed);
            true
        })
    }

    /// Removes what ended longer ago than `keep`, as the program itself does it beside its other work. After each
    /// transaction `pause` is told how long that took, and waits for as long as it likes; with `false` it ends the work,
    /// which the next call takes up.
    pub fn prune_beside(
        &self,
        keep: Duration,
        mut pause: impl FnMut(Duration) -> bool,
    ) -> Result<Tally, StoreError> {
        let now = self.now();
        self.prune_as(Recorder::program(now), now.before(keep), |_, took| pause(took))
    }

    fn prune_as(
        &self,
        by: Recorder,
        cutoff: Timestamp,
        mut goes_on: impl FnMut(usize, Duration) -> bool,
    ) -> Result<Tally, StoreError> {
        let now = self.now();
        let (mut removed, mut cursor) = (0, PruneCursor::START);
        loop {
            let watch = Stopwatch::start();
            let step = self.store.write(move |tx| tx.prune_some(cursor, cutoff, now))?;
            removed += step.tokens;
            self.counts.prune_steps.one();
            self.counts.pruned_tokens.add(step.tokens);
            match step.next {
                Some(next) if goes_on(removed, watch.elapsed()) => cursor = next,
                _ => break,
            }
        }
        if removed > 0 {
            self.store.write(move |tx| {
                let detail = json!({ "tokens": removed, "ended_before": cutoff });
                by.record(tx, Action::TokensPruned, Subject::new("store", "tokens"), detail)
            })?;
        }
        Ok(Tally {
            matched: removed,
            changed: removed,
        })
    }
}
