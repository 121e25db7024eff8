//! How long requests took.

use std::time::Duration;

/// The times of single requests, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// With those of another run.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        Self::new(self.0)
    }

    /// The time that `thousandths` of a thousand requests did not exceed.
    pub(crate) fn at(&self, thousandths: usize) -> Duration {
        let place = (self.0.len() * thousandths).div_ceil(1000).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }
}
