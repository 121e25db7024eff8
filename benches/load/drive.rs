//! Does work on many connections at once, for a while or so many times.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow};
use oauthctl::clock::{Deadline, Stopwatch};

use crate::http::Connection;
use crate::latency::Latencies;

/// What one connection does over and over. It keeps what it needs for the next time, such as its refresh token.
pub(crate) trait Work: Send {
    fn once(&mut self, connection: &mut Connection) -> Result<()>;
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until<'a> {
    /// After so long.
    Elapsed(Duration),
    /// When each connection has done it so many times.
    Done(u64),
    /// When this becomes true.
    Told(&'a AtomicBool),
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    pub(crate) count: usize,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
}

impl Run {
    /// How many a second.
    pub(crate) fn rate(&self) -> f64 {
        as_f64(self.count) / self.elapsed.as_secs_f64()
    }
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2⁵³")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}

/// Each of `works` on a connection of its own, all from the same moment on.
pub(crate) fn drive(address: SocketAddr, works: &mut [Box<dyn Work>], until: Until<'_>) -> Result<Run> {
    let start = Barrier::new(works.len() + 1);
    let start = &start;
    std::thread::scope(|scope| {
        let threads: Vec<_> = works
            .iter_mut()
            .map(|work| scope.spawn(move || repeat(address, &mut **work, until, start)))
            .collect();
        start.wait();
        let watch = Stopwatch::start();
        let mut times = Vec::new();
        let mut failure = None;
        for thread in threads {
            match thread.join() {
                Ok(Ok(own)) => times.extend(own),
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(anyhow!("a thread panicked")),
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        Ok(Run {
            count: times.len(),
            elapsed: watch.elapsed(),
            latencies: Latencies::new(times),
        })
    })
}

fn repeat(
    address: SocketAddr,
    work: &mut dyn Work,
    until: Until<'_>,
    start: &Barrier,
) -> Result<Vec<Duration>> {
    let mut connection = Connection::to(address);
    let mut times = Vec::with_capacity(64 * 1024);
    start.wait();
    let deadline = match until {
        Until::Elapsed(span) => Some(Deadline::after(span)),
        Until::Done(_) | Until::Told(_) => None,
    };
    for count in 0.. {
        let is_over = match until {
            Until::Elapsed(_) => deadline.is_some_and(|deadline| deadline.remaining().is_none()),
            Until::Done(most) => count >= most,
            Until::Told(told) => told.load(Ordering::Relaxed),
        };
        if is_over {
            break;
        }
        let watch = Stopwatch::start();
        work.once(&mut connection)?;
        times.push(watch.elapsed());
    }
    Ok(times)
}
