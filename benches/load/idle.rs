//! What a server costs that nobody asks anything.

use std::time::Duration;

use anyhow::Result;

use crate::fill::size;
use crate::home::Home;
use crate::process::{memory_of, threads_of};
use crate::server::Server;
use crate::table::{Table, millis};

/// How often a start is measured; the quickest counts, because other work on the machine only ever adds.
const STARTS: usize = 5;

/// Prints it; the threads are watched for `span`.
pub(crate) fn print(home: &Home, span: Duration) -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::start(home, &[])?.started_in);
    }
    starts.sort_unstable();
    let server = Server::start(home, &[])?;
    // Whatever the start still does is no wake-up.
    std::thread::sleep(Duration::from_secs(1));
    let before = threads_of(server.process)?;
    std::thread::sleep(span);
    let after = threads_of(server.process)?;
    let mut table = Table::new("Idle", &["what", "how much"]);
    let binary = size(env!("CARGO_BIN_EXE_oauthctl").as_ref());
    table.row(vec![
        "binary".to_owned(),
        format!("{:.1} MiB", mebibytes(binary / 1024)),
    ]);
    let resident = memory_of(server.process, "VmRSS")?;
    table.row(vec![
        "memory".to_owned(),
        format!("{:.1} MiB", mebibytes(resident)),
    ]);
    table.row(vec![
        format!("start to first answer, best and worst of {STARTS}"),
        format!("{} and {}", millis(starts[0]), millis(starts[STARTS - 1])),
    ]);
    table.row(vec!["threads".to_owned(), after.len().to_string()]);
    for (before, after) in before.iter().zip(&after) {
        let woken = after.waits.saturating_sub(before.waits);
        let what = format!("wake-ups of `{}` in {} s", after.name, span.as_secs_f64());
        table.row(vec![what, woken.to_string()]);
    }
    table.print();
    Ok(())
}

/// KiB as MiB.
pub(crate) fn mebibytes(kibibytes: u64) -> f64 {
    crate::drive::as_f64(usize::try_from(kibibytes).unwrap_or(usize::MAX)) / 1024.0
}
