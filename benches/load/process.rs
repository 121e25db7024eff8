//! What Linux tells of a process.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of the times in `/proc/PID/stat`: a hundredth of a second, whatever the kernel's own clock (`proc(5)`; it is
/// part of the interface on every architecture that this is run on).
const TICK: Duration = Duration::from_millis(10);

/// A thread, and how often it has woken by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) waits: u64,
}

/// The time on a processor that a process has used, its ended threads with it.
pub(crate) fn cpu_of(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("read the times of a process")?;
    // The name stands in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("the times of a process")?;
    let ticks: u32 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<u32>().ok())
        .sum();
    Ok(TICK * ticks)
}

/// The time on a processor that the calling thread has used.
pub(crate) fn cpu_of_this_thread() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").context("read the times of a thread")?;
    let nanoseconds = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// A line of `/proc/PID/status` in KiB: `VmHWM` is the peak, `VmRSS` is what there is now.
pub(crate) fn memory_of(process: u32, line: &str) -> Result<u64> {
    let status =
        fs::read_to_string(format!("/proc/{process}/status")).context("read the memory of a process")?;
    number(&status, line).with_context(|| format!("{line} of a process"))
}

/// Lets the peak begin anew.
pub(crate) fn forget_peak(process: u32) -> Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5").context("reset the peak of a process")
}

/// Its threads, by name.
pub(crate) fn threads_of(process: u32) -> Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        let name = status.lines().find_map(|line| line.strip_prefix("Name:"));
        threads.push(Thread {
            name: name.unwrap_or_default().trim().to_owned(),
            waits: number(&status, "voluntary_ctxt_switches").unwrap_or_default(),
        });
    }
    threads.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(threads)
}

fn number(status: &str, name: &str) -> Option<u64> {
    let rest = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}
