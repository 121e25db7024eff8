//! `audit list|verify`.

use std::str::FromStr;
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::complete::{self, Kind};
use super::context::Context;
use super::exit::CliError;
use super::output::{OutputFormat, Record};
use super::progress;
use crate::authorization_server::{AuthorizationServer, ChainVerdict};
use crate::clock::Timestamp;
use crate::domain::audit::AuditEntry;
use crate::domain::span::Span;
use crate::store::AuditSelector;

/// How many entries are read at a time.
const PAGE: u32 = 500;

/// How long `--follow` waits before it looks again.
const INTERVAL: Duration = Duration::from_millis(500);

/// What acts and has a name in the database.
const ACTORS: [Kind; 3] = [Kind::Client, Kind::Owner, Kind::ResourceServer];

/// What is acted on and has a name in the database.
const SUBJECTS: [Kind; 4] = [Kind::Client, Kind::Scope, Kind::Owner, Kind::ResourceServer];

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what was done and what was refused, the oldest first
    #[command(
        after_help = "Actions are named `noun.verb`, such as client.update, secret.rotate, grant.approve, token.revoke; \
        refusals begin with `refused.`. A name with a point at its end stands for all that begin so.\n\nExamples:\n  \
        oauthctl audit list --since 24h\n  \
        oauthctl audit list --action refused. --subject orders-web\n  \
        oauthctl audit list --actor root --since 2026-05-01T00:00:00Z -o jsonl\n  \
        oauthctl audit list --follow"
    )]
    List(ListOpts),
    /// Whether every entry is as it was written and none is missing; exit code 6 where not
    #[command(
        after_help = "Each entry holds a hash over itself and the one before it. Where the chain is broken, `broken_at` \
        is the first entry that does not fit, and `entries` counts those before it.\n\nExamples:\n  \
        oauthctl audit verify\n  oauthctl audit verify -o json"
    )]
    Verify,
}

#[derive(Debug, Args)]
pub(super) struct ListOpts {
    /// What this one did: a user of this machine, a resource owner, a client or a resource server
    #[arg(long, value_name = "NAME", add = complete::any_of(&ACTORS))]
    actor: Option<String>,
    /// This action only; `client.` stands for all of clients
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// What happened to this one
    #[arg(long, value_name = "ID", add = complete::any_of(&SUBJECTS))]
    subject: Option<String>,
    /// Not before: an age such as 24h, or an instant such as 2026-05-03T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// This many at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Entries after this one: where the page before ended
    #[arg(long, value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// Go on with new entries as they come; without --after and --since, with those only
    #[arg(long, short, conflicts_with = "limit")]
    follow: bool,
}

/// A point in time, as an age or as an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Age(Span),
    Instant(Timestamp),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        text.parse().map(Self::Age).map_err(|error| {
            format!("{error}; an instant such as `2026-05-03T12:00:00Z` is accepted as well")
        })
    }
}

impl Since {
    fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Age(span) => now.before(span.duration()),
            Self::Instant(instant) => instant,
        }
    }
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::List(opts) if opts.follow => follow(opts, context),
        Command::List(opts) => list(opts, context),
        Command::Verify => verify(context),
    }
}

fn selector(opts: ListOpts, server: &AuthorizationServer) -> AuditSelector {
    AuditSelector {
        actor: opts.actor,
        action: opts.action,
        subject: opts.subject,
        since: opts.since.map(|since| since.instant(server.instant())),
    }
}

fn list(opts: ListOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let server = context.server()?;
    let mut left = opts.limit.unwrap_or(u64::MAX);
    let mut after = opts.after.unwrap_or(0);
    let selector = selector(opts, &server);
    // Where each line stands for itself, it is printed when it is read: a long list needs no memory.
    let streams = matches!(context.output, OutputFormat::Jsonl | OutputFormat::Id);
    let mut records = Vec::new();
    let mut printed = false;
    while left > 0 {
        let page = server.audit_entries(&selector, after, u32::try_from(left).unwrap_or(PAGE).min(PAGE))?;
        let Some(last) = page.last() else { break };
        after = last.entry;
        left = left.saturating_sub(page.len() as u64);
        records.extend(page.iter().map(record));
        if streams {
            context.print_list(&records, "")?;
            records.clear();
            printed = true;
        }
    }
    if printed {
        return Ok(());
    }
    context.print_list(&records, "no such entries")
}

fn follow(opts: ListOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    if matches!(context.output, OutputFormat::Json | OutputFormat::Csv) {
        return Err(CliError::Usage(
            "--follow has no end; ask for -o jsonl, or for the table".to_owned(),
        ));
    }
    let server = context.server()?;
    let begins_now = opts.after.is_none() && opts.since.is_none();
    let mut after = if begins_now {
        server.last_audit_entry()?
    } else {
        opts.after.unwrap_or(0)
    };
    let selector = selector(opts, &server);
    context.say_on_terminal("waiting for new entries; ctrl-c ends it")?;
    loop {
        let page = server.audit_entries(&selector, after, PAGE)?;
        let Some(last) = page.last() else {
            thread::sleep(INTERVAL);
            continue;
        };
        after = last.entry;
        if context.output == OutputFormat::Table {
            for entry in &page {
                writeln!(context.stdout, "{}", line(entry)).map_err(CliError::io("write to stdout"))?;
            }
        } else {
            let records: Vec<Record> = page.iter().map(record).collect();
            context.print_list(&records, "")?;
        }
        context.stdout.flush().map_err(CliError::io("write to stdout"))?;
    }
}

fn verify(context: &mut Context<'_>) -> Result<(), CliError> {
    let server = context.server()?;
    let total = usize::try_from(server.last_audit_entry()?).unwrap_or_default();
    let bar = progress::bar(context, "verifying", total);
    let verdict = server.verify_audit(|place| progress::to(&bar, usize::try_from(place).unwrap_or_default()));
    bar.finish_and_clear();
    let (entries, broken) = match verdict? {
        ChainVerdict::Whole { entries } => (entries, None),
        ChainVerdict::Broken { entry, reason } => (entry - 1, Some((entry, reason))),
    };
    let record = Record::new()
        .value("ok", broken.is_none())
        .value("entries", entries)
        .value("broken_at", broken.map(|(entry, _)| entry))
        .value("reason", broken.map(|(_, reason)| reason));
    context.print(&record)?;
    match broken {
        Some((entry, reason)) => Err(CliError::CheckFailed(format!(
            "the audit trail is broken at entry {entry}: {reason}"
        ))),
        None => Ok(()),
    }
}

/// An entry as every command prints one.
fn record(entry: &AuditEntry) -> Record {
    // What the program wrote is an object; what somebody else put there is shown as it is.
    let detail = serde_json::from_str(&entry.detail).unwrap_or_else(|_| Value::from(entry.detail.as_str()));
    let shown = detail_shown(&entry.detail).to_owned();
    Record::new()
        .value("entry", entry.entry)
        .instant("at", entry.at)
        .text("actor_kind", entry.actor_kind.as_str())
        .not_in_list()
        .text("actor", entry.actor.as_str())
        .text("source", entry.source.as_str())
        .not_in_list()
        .text("action", entry.action.as_str())
        .text("subject_kind", entry.subject_kind.as_str())
        .not_in_list()
        .text("subject", entry.subject.as_str())
        .shown_as("detail", detail, shown)
}

/// Nothing is shown of an object without members.
fn detail_shown(detail: &str) -> &str {
    if detail == "{}" { "" } else { detail }
}

/// An entry as a line of its own, in columns that need no other line.
fn line(entry: &AuditEntry) -> String {
    let actor = format!("{} {}", entry.actor_kind, entry.actor);
    let subject = format!("{} {}", entry.subject_kind, entry.subject);
    let line = format!(
        "{:>6}  {}  {actor:<20}  {:<15}  {:<20}  {subject}  {}",
        entry.entry,
        entry.at,
        entry.source,
        entry.action,
        detail_shown(&entry.detail)
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_an_age_or_an_instant() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (text, expected) in [
            ("90s", now.before(Duration::from_secs(90))),
            ("2023-11-14T22:13:20Z", now),
        ] {
            assert_eq!(
                text.parse::<Since>().map(|since| since.instant(now)),
                Ok(expected)
            );
        }
        let refusal = "yesterday".parse::<Since>().unwrap_err();
        assert!(
            refusal.contains("`yesterday`") && refusal.contains("2026-05-03T12:00:00Z"),
            "{refusal}"
        );
    }
}
