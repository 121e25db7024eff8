//! Drives the server with many connections, and measures beside each figure what it could be at best. What the columns
//! mean stands in `benches/README.md`.

#![allow(clippy::print_stderr, reason = "a program that measures tells what it does")]

mod ceilings;
mod drive;
mod fill;
mod home;
mod http;
mod idle;
mod latency;
mod process;
mod scale;
mod server;
mod sqlite_alone;
mod static_answer;
mod table;
mod work;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use crate::drive::Until;
use crate::home::Home;
use crate::server::Server;
use crate::work::{Kind, Works};

/// Measures the server under load, and what it costs to be idle.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Options {
    /// Only this work; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Kind>,
    /// Connections at once; may be repeated [default: 1, 8 and 64]
    #[arg(long)]
    connections: Vec<u64>,
    /// Seconds of each round, for the server and for its ceiling
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Rounds, in which server and ceiling take turns; ratios are of one round
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Tokens in the database; with --scale in the larger one
    #[arg(long)]
    tokens: Option<u64>,
    /// Compare a small database with a large one
    #[arg(long)]
    scale: bool,
    /// Instead of a table: do the work so many times on each connection, for a tool that counts
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
    /// A tool to start the server with, such as 'strace -fc' or 'valgrind --tool=callgrind'; for --requests
    #[arg(long, value_name = "COMMAND", default_value = "")]
    under: String,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    pub(crate) fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    fn connections(&self) -> &[u64] {
        if self.connections.is_empty() {
            &[1, 8, 64]
        } else {
            &self.connections
        }
    }

    fn kinds(&self) -> &[Kind] {
        if self.only.is_empty() {
            &Kind::ALL
        } else {
            &self.only
        }
    }
}

/// Tokens in the database for the table: enough for the revocations, and quickly made.
const TOKENS: u64 = 1_000_000;

/// A server that does nothing by itself, so that a row of the table is about its work alone.
const QUIET: &str = "[tokens]\nprune_every = \"0s\"\n";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = words.split_first()
        && first == static_answer::WORD
    {
        return static_answer::serve(rest);
    }
    let options = Options::parse();
    if let Some(count) = options.requests {
        return repeat(&options, count);
    }
    if options.scale {
        return scale::print(&options);
    }
    let home = Home::new()?;
    home.settings(QUIET)?;
    let filled = fill::fill(&home, options.tokens.unwrap_or(TOKENS), 100, 10_000)?;
    ceilings::print(&options, &home, filled)?;
    idle::print(&home, Duration::from_secs(12))
}

/// Fixed work on a server that a tool watches.
fn repeat(options: &Options, count: u64) -> Result<()> {
    let home = Home::new()?;
    home.settings(QUIET)?;
    let filled = fill::fill(&home, options.tokens.unwrap_or(TOKENS), 100, 10_000)?;
    let under: Vec<String> = options.under.split_whitespace().map(str::to_owned).collect();
    let server = Server::start(&home, &under)?;
    let mut works = Works::on(&home, filled);
    for &kind in options.kinds() {
        let connections = options.connections.first().copied().unwrap_or(1);
        let mut of_kind = works.of(kind, connections, server.address)?;
        let run = drive::drive(server.address, &mut of_kind, Until::Done(count))?;
        eprintln!("{kind}: {} times, {:.0} a second", run.count, run.rate());
    }
    Ok(())
}
