//! The table: each kind of work at several numbers of connections, beside its ceiling.

use std::time::Duration;

use anyhow::Result;

use crate::Options;
use crate::drive::{Run, Until, as_f64, drive};
use crate::fill::Filled;
use crate::home::Home;
use crate::http::Connection;
use crate::idle::mebibytes;
use crate::process::{cpu_of, forget_peak, memory_of};
use crate::server::Server;
use crate::sqlite_alone::{self, Alone};
use crate::static_answer;
use crate::table::{Table, millis, range};
use crate::work::{Kind, Works};

/// What was measured of one row.
#[derive(Default)]
struct Row {
    ratios: Vec<f64>,
    run: Run,
    cpu: Duration,
    ceiling: Run,
    ceiling_cpu: Duration,
    /// Jobs a commit, on average.
    batch: Option<f64>,
    peak: u64,
}

/// What the server is measured against.
enum Ceiling<'a> {
    Static(Server),
    Sqlite(&'a mut Alone),
}

pub(crate) fn print(options: &Options, home: &Home, filled: Filled) -> Result<()> {
    let mut alone = Alone::copy(&home.database(), filled)?;
    let mut works = Works::on(home, filled);
    let server = Server::start(home, &[])?;
    let mut table = Table::new(
        "Load",
        &[
            "work",
            "connections",
            "of the ceiling",
            "CPU of the ceiling",
            "a second",
            "ceiling",
            "CPU each",
            "p50",
            "p99",
            "p99.9",
            "jobs a commit",
            "peak memory",
        ],
    );
    for &kind in options.kinds() {
        for &connections in options.connections() {
            let row = row(options, kind, connections, &mut works, &server, &mut alone);
            // What has been measured is not lost.
            let row = row.inspect_err(|_| table.print())?;
            eprintln!(
                "{kind}, {connections} connections: {} of the ceiling",
                range(&row.ratios)
            );
            table.row(cells(kind, connections, &row));
        }
    }
    table.print();
    let mut table = Table::new(
        "SQLite alone: refreshes",
        &["jobs a commit", "a second", "CPU each"],
    );
    for (batch, rate, cpu) in sqlite_alone::batches(&mut alone, options.span())? {
        table.row(vec![batch.to_string(), format!("{rate:.0}"), micros(cpu)]);
    }
    table.print();
    Ok(())
}

fn row(
    options: &Options,
    kind: Kind,
    connections: u64,
    works: &mut Works<'_>,
    server: &Server,
    alone: &mut Alone,
) -> Result<Row> {
    let mut own = works.of(kind, connections, server.address)?;
    let mut ceiling = if kind.is_read() {
        let mut connection = Connection::to(server.address);
        let answer = connection.send(&works.sample(kind)?)?.expect(200)?;
        Ceiling::Static(static_answer::start(&answer)?)
    } else {
        Ceiling::Sqlite(alone)
    };
    // The first requests open files and connections, and prepare statements.
    drive(server.address, &mut own, Until::Done(20))?;
    forget_peak(server.process)?;
    let mut row = Row::default();
    for _ in 0..options.rounds.max(1) {
        let commits = server.commits()?;
        let cpu = cpu_of(server.process)?;
        let run = drive(server.address, &mut own, Until::Elapsed(options.span()))?;
        row.cpu += cpu_of(server.process)?.saturating_sub(cpu);
        let after = server.commits()?;
        let (count, jobs) = (after.count - commits.count, after.jobs - commits.jobs);
        let batch = if count > 0.0 { jobs / count } else { 1.0 };
        let (best, cpu) = measure(&mut ceiling, kind, connections, works, batch, options.span())?;
        row.ratios.push(run.rate() / best.rate());
        row.ceiling_cpu += cpu;
        row.batch = (!kind.is_read()).then_some(batch);
        row.run = add(row.run, run);
        row.ceiling = add(row.ceiling, best);
    }
    row.peak = memory_of(server.process, "VmHWM")?;
    Ok(row)
}

/// The same for the ceiling: what it did, and on how much time of a processor.
fn measure(
    ceiling: &mut Ceiling<'_>,
    kind: Kind,
    connections: u64,
    works: &mut Works<'_>,
    batch: f64,
    span: Duration,
) -> Result<(Run, Duration)> {
    match ceiling {
        Ceiling::Sqlite(alone) => {
            let chains = usize::try_from(connections)?;
            alone.run(kind, sqlite_alone::whole(batch), chains, span)
        }
        Ceiling::Static(server) => {
            let mut own = works.of(kind, connections, server.address)?;
            let cpu = cpu_of(server.process)?;
            let run = drive(server.address, &mut own, Until::Elapsed(span))?;
            Ok((run, cpu_of(server.process)?.saturating_sub(cpu)))
        }
    }
}

fn add(one: Run, other: Run) -> Run {
    Run {
        count: one.count + other.count,
        elapsed: one.elapsed + other.elapsed,
        latencies: one.latencies.and(other.latencies),
    }
}

fn cells(kind: Kind, connections: u64, row: &Row) -> Vec<String> {
    let each = |cpu: Duration, run: &Run| cpu.div_f64(as_f64(run.count.max(1)));
    let (own, best) = (each(row.cpu, &row.run), each(row.ceiling_cpu, &row.ceiling));
    let at = |thousandths| millis(row.run.latencies.at(thousandths));
    vec![
        kind.to_string(),
        connections.to_string(),
        range(&row.ratios),
        format!("{:.2}", best.as_secs_f64() / own.as_secs_f64().max(1e-9)),
        format!("{:.0}", row.run.rate()),
        format!("{:.0}", row.ceiling.rate()),
        micros(own),
        at(500),
        at(990),
        at(999),
        row.batch.map_or(String::new(), |batch| format!("{batch:.1}")),
        format!("{:.0} MiB", mebibytes(row.peak)),
    ]
}

fn micros(span: Duration) -> String {
    format!("{:.0} µs", span.as_secs_f64() * 1e6)
}
