//! What the writer is seen doing, for `/metrics`.

use std::sync::Arc;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge};

/// Counted by the writer as it works. A copy counts the same.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Jobs that wait.
    pub waiting: IntGauge,
    /// Jobs in each commit.
    pub batch: Histogram,
    /// How long each commit took until it was on disk, in seconds.
    pub commit: Histogram,
    /// Batches of which nothing was written.
    pub failed: IntCounter,
}

impl Figures {
    pub(super) fn new() -> Arc<Self> {
        const SOUND: &str = "the name is one, and the buckets grow";
        let batches = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
        let seconds = [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
        ];
        let histogram = |name, help, buckets: &[f64]| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(SOUND)
        };
        Arc::new(Self {
            waiting: IntGauge::new(
                "oauthctl_store_queue_jobs",
                "Jobs that wait for the writer of the store.",
            )
            .expect(SOUND),
            batch: histogram(
                "oauthctl_store_batch_jobs",
                "Jobs that the writer of the store commits together.",
                &batches,
            ),
            commit: histogram(
                "oauthctl_store_commit_seconds",
                "Time until a commit is on disk.",
                &seconds,
            ),
            failed: IntCounter::new(
                "oauthctl_store_failed_commits_total",
                "Commits of the store that failed, or could not begin.",
            )
            .expect(SOUND),
        })
    }
}
