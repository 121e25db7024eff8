//! A small database beside a large one: what grows with the table, and what must not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use oauthctl::clock::{Deadline, Stopwatch};

use crate::Options;
use crate::QUIET;
use crate::drive::{Run, Until, drive};
use crate::fill::{Filled, GRANTS_OF_ONE_CLIENT, LAYERS, fill, size};
use crate::home::Home;
use crate::idle::mebibytes;
use crate::process::memory_of;
use crate::server::Server;
use crate::table::{Table, millis, range};
use crate::work::{Kind, Works};

/// What the large one is compared with.
const SMALL: u64 = 10_000;

/// The large one, where nothing else is asked for.
const LARGE: u64 = 1_000_000;

/// The connections of every figure here.
const CONNECTIONS: u64 = 8;

/// As often as a command is run; the quickest counts, because other work on the machine only ever adds.
const REPEATS: usize = 5;

/// How long pruning is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// A server that prunes from its start on what ended a day ago.
const PRUNING: &str = "[tokens]\nkeep_ended = \"1d\"\nprune_every = \"1h\"\n";

pub(crate) fn print(options: &Options) -> Result<()> {
    let homes = [SMALL, options.tokens.unwrap_or(LARGE)].map(|tokens| -> Result<(Home, Filled)> {
        let home = Home::new()?;
        home.settings(QUIET)?;
        let filled = fill(
            &home,
            tokens,
            (tokens / 1000).clamp(10, 1000),
            (tokens / 100).clamp(100, 100_000),
        )?;
        Ok((home, filled))
    });
    let [small, large] = homes;
    let (small, large) = (small?, large?);
    let mut table = Table::new("Scale", &["what", "small", "large", "large to small"]);
    table.row(vec![
        "tokens".to_owned(),
        small.1.tokens.to_string(),
        large.1.tokens.to_string(),
        String::new(),
    ]);
    let file = |home: &Home| format!("{:.0} MiB", mebibytes(size(&home.database()) / 1024));
    table.row(vec![
        "file".to_owned(),
        file(&small.0),
        file(&large.0),
        String::new(),
    ]);
    compare(options, &small, &large, &mut table)?;
    table.print();
    lists(&small, &large)?;
    let mut table = Table::new(
        "Beside other work",
        &[
            "what",
            "how long",
            "p99 before",
            "p99 meanwhile",
            "meanwhile to before",
        ],
    );
    revoke(options, &large, &mut table)?;
    prune(options, &large, &mut table)?;
    table.print();
    Ok(())
}

/// Start, introspection, refresh and memory. Rounds of the two take turns.
fn compare(
    options: &Options,
    small: &(Home, Filled),
    large: &(Home, Filled),
    table: &mut Table,
) -> Result<()> {
    let start = |home: &Home| -> Result<Duration> {
        let starts: Result<Vec<_>> = (0..REPEATS)
            .map(|_| Ok(Server::start(home, &[])?.started_in))
            .collect();
        Ok(starts?.into_iter().min().unwrap_or_default())
    };
    let starts = (start(&small.0)?, start(&large.0)?);
    table.row(beside("start to first answer", starts));
    let servers = (Server::start(&small.0, &[])?, Server::start(&large.0, &[])?);
    let mut works = (Works::on(&small.0, small.1), Works::on(&large.0, large.1));
    for kind in [Kind::Introspect, Kind::Refresh] {
        let mut own = (
            works.0.of(kind, CONNECTIONS, servers.0.address)?,
            works.1.of(kind, CONNECTIONS, servers.1.address)?,
        );
        let (mut runs, mut tails, mut rates) = ((Vec::new(), Vec::new()), Vec::new(), Vec::new());
        // One round that does not count: what is read for the first time comes from the disk.
        for round in 0..=options.rounds.max(1) {
            let until = Until::Elapsed(options.span());
            let one = drive(servers.0.address, &mut own.0, until)?;
            let other = drive(servers.1.address, &mut own.1, until)?;
            if round == 0 {
                continue;
            }
            tails.push(p99(&other).as_secs_f64() / p99(&one).as_secs_f64());
            rates.push(other.rate() / one.rate());
            runs.0.push(one);
            runs.1.push(other);
        }
        let least = |runs: &[Run]| runs.iter().map(p99).min().unwrap_or_default();
        let most = |runs: &[Run]| runs.iter().map(Run::rate).fold(0.0, f64::max);
        table.row(vec![
            format!("{kind}, p99"),
            millis(least(&runs.0)),
            millis(least(&runs.1)),
            range(&tails),
        ]);
        table.row(vec![
            format!("{kind}, a second"),
            format!("{:.0}", most(&runs.0)),
            format!("{:.0}", most(&runs.1)),
            range(&rates),
        ]);
    }
    let memory = |server: &Server| -> Result<String> {
        let peak = memory_of(server.process, "VmHWM")?;
        Ok(format!("{:.0} MiB", mebibytes(peak)))
    };
    table.row(vec![
        "peak memory".to_owned(),
        memory(&servers.0)?,
        memory(&servers.1)?,
        String::new(),
    ]);
    Ok(())
}

fn beside(what: &str, (small, large): (Duration, Duration)) -> Vec<String> {
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    vec![
        what.to_owned(),
        millis(small),
        millis(large),
        format!("{ratio:.2}"),
    ]
}

fn p99(run: &Run) -> Duration {
    run.latencies.at(990)
}

/// `token list --limit 50` with each selector. The time is that of the whole command, its start with it.
fn lists(small: &(Home, Filled), large: &(Home, Filled)) -> Result<()> {
    let mut table = Table::new(
        "`token list --limit 50`",
        &["selector", "small", "large", "large to small"],
    );
    let selectors = [
        "",
        "--client client-5",
        "--client client-5 --kind refresh",
        "--client client-5 --unused-for 1d",
        "--client template",
        "--owner owner-7",
        "--owner owner-7 --client client-8",
        "--owner template",
        "--scope orders:read",
        "--kind access",
        "--kind refresh",
        "--older-than 20d",
        "--older-than 90d",
        "--unused-for 20d",
        "--unused-for 90d",
        "--expired",
        "--state active",
        "--state expired",
        "--state rotated",
        "--state revoked",
    ];
    for selector in selectors {
        let times = (list(&small.0, selector)?, list(&large.0, selector)?);
        let name = if selector.is_empty() { "none" } else { selector };
        table.row(beside(name, times));
    }
    for (name, layer) in [("--grant ID", None), ("ID", Some(4))] {
        let of = |(home, filled): &(Home, Filled)| {
            let grant = filled.grants() / 2;
            match layer {
                None => list(home, &format!("--grant {}", filled.grant_key(grant))),
                Some(layer) => list(home, &filled.token_key(grant, layer).to_string()),
            }
        };
        table.row(beside(name, (of(small)?, of(large)?)));
    }
    table.print();
    Ok(())
}

fn list(home: &Home, selector: &str) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let watch = Stopwatch::start();
        let mut command = home.command(&[]);
        command.args(["token", "list", "--limit", "50", "-o", "jsonl"]);
        command.args(selector.split_whitespace());
        let output = command.output()?;
        times.push(watch.elapsed());
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // What takes as long as this is not taken longer by chance.
        if times.last().is_some_and(|&took| took > Duration::from_secs(1)) {
            break;
        }
    }
    Ok(times.into_iter().min().unwrap_or_default())
}

/// Revokes all tokens of one client while the server is asked.
fn revoke(options: &Options, (home, filled): &(Home, Filled), table: &mut Table) -> Result<()> {
    if filled.grants() <= GRANTS_OF_ONE_CLIENT {
        eprintln!(
            "too few tokens for a client with {}",
            GRANTS_OF_ONE_CLIENT * LAYERS
        );
        return Ok(());
    }
    let server = Server::start(home, &[])?;
    let before = introspect(options, home, filled, &server, Until::Elapsed(options.span()))?;
    let (run, took) = meanwhile(options, home, filled, &server, || {
        let watch = Stopwatch::start();
        let done = home.run(&["token", "revoke", "--client", "client-0", "--yes"], "")?;
        ensure!(done["matched"] == GRANTS_OF_ONE_CLIENT * LAYERS, "{done}");
        Ok(watch.elapsed())
    })?;
    let what = format!("revoking {} tokens of one client", GRANTS_OF_ONE_CLIENT * LAYERS);
    table.row(effect(&what, took, &before, &run));
    Ok(())
}

/// Lets the server prune a tenth of the tokens while it is asked.
fn prune(options: &Options, (home, filled): &(Home, Filled), table: &mut Table) -> Result<()> {
    let before = {
        let server = Server::start(home, &[])?;
        introspect(options, home, filled, &server, Until::Elapsed(options.span()))?
    };
    home.settings(PRUNING)?;
    let watch = Stopwatch::start();
    let server = Server::start(home, &[])?;
    let expired = filled.tokens / LAYERS;
    let (run, took) = meanwhile(options, home, filled, &server, || {
        let deadline = Deadline::after(PATIENCE);
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let pruned = server.metric("oauthctl_pruned_tokens_total")?;
            if pruned >= crate::drive::as_f64(usize::try_from(expired)?) {
                return Ok(watch.elapsed());
            }
            ensure!(
                deadline.remaining().is_some(),
                "{pruned} of {expired} tokens were pruned in time"
            );
        }
    })?;
    table.row(effect(
        &format!("pruning {expired} expired tokens"),
        took,
        &before,
        &run,
    ));
    Ok(())
}

fn introspect(
    options: &Options,
    home: &Home,
    filled: &Filled,
    server: &Server,
    until: Until<'_>,
) -> Result<Run> {
    let mut works = Works::on(home, *filled);
    let mut own = works.of(Kind::Introspect, CONNECTIONS, server.address)?;
    drive(server.address, &mut own, Until::Elapsed(options.span() / 4))?;
    drive(server.address, &mut own, until)
}

/// Asks the server as long as `work` takes.
fn meanwhile(
    options: &Options,
    home: &Home,
    filled: &Filled,
    server: &Server,
    work: impl FnOnce() -> Result<Duration>,
) -> Result<(Run, Duration)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| introspect(options, home, filled, server, Until::Told(&done)));
        let took = work();
        done.store(true, Ordering::Relaxed);
        let run = asking
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked")));
        Ok((run?, took?))
    })
}

fn effect(what: &str, took: Duration, before: &Run, meanwhile: &Run) -> Vec<String> {
    let ratio = p99(meanwhile).as_secs_f64() / p99(before).as_secs_f64();
    vec![
        what.to_owned(),
        format!("{:.1} s", took.as_secs_f64()),
        millis(p99(before)),
        millis(p99(meanwhile)),
        format!("{ratio:.2}"),
    ]
}
