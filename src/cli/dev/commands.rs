//! `dev clock|fail|expire|rotate|revoke|watch`.

use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;

use super::control::ask;
use super::orders::Order;
use super::watch;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::output::Record;
use crate::clock::Timestamp;
use crate::domain::span::{self, Span};

const FAIL_EXAMPLES: &str = "Examples:
  oauthctl dev fail next token invalid_grant
  oauthctl dev fail next authorize access_denied
  oauthctl dev fail list
  oauthctl dev fail clear";

const WAYS: &str = "An error code or a status is answered in place of what was asked for, and nothing is done: a code or a \
refresh token is as good as before. `slow SPAN` does it after that time, and `lost` does it and closes the connection without \
an answer.

Examples:
  oauthctl dev fail next token invalid_grant
  oauthctl dev fail next authorize temporarily_unavailable
  oauthctl dev fail next token 503 --times 3
  oauthctl dev fail next token slow 3s
  oauthctl dev fail next token lost
  oauthctl dev fail next revoke unsupported_token_type
  oauthctl dev fail next check insufficient_scope";

#[derive(Debug, Subcommand)]
#[command(
    after_help = "All of it needs a server that was started with `oauthctl serve --dev`, on the same database: set \
    OAUTHCTL_DATABASE as it prints. In a command of `oauthctl run` it is set. What is done stands in the audit trail."
)]
pub(in crate::cli) enum Command {
    /// The clock by which the server issues and validates
    #[command(
        after_help = "Examples:\n  oauthctl dev clock                           # what it shows\n  \
        oauthctl dev clock advance 1h\n  \
        oauthctl dev clock set 2030-01-01T00:00:00Z\n  \
        oauthctl dev clock reset"
    )]
    Clock {
        #[command(subcommand)]
        change: Option<Change>,
    },
    /// Have the next requests fail
    #[command(subcommand, after_help = FAIL_EXAMPLES)]
    Fail(Fail),
    /// End the life of a grant's access tokens (and of a code that was not exchanged)
    Expire {
        /// The grant's ID [default: the newest]
        grant: Option<String>,
        /// That of its refresh tokens too
        #[arg(long)]
        refresh: bool,
    },
    /// Use a grant's refresh token up, as if somebody else had: the client's next refresh is a reuse, and ends the grant
    #[command(
        after_help = "A client that repeats a refresh by itself, straight after the first, is no reuse: until the successor is \
        used, the same successor answers with 200, so that an answer that was lost costs nobody a login."
    )]
    Rotate {
        /// The grant's ID [default: the newest that has a refresh token]
        grant: Option<String>,
    },
    /// Take a grant back, as its resource owner can at any moment on the account page
    Revoke {
        /// The grant's ID [default: the newest]
        grant: Option<String>,
    },
    /// Show requests and what came of them as they arrive, without secrets
    #[command(
        after_help = "A request is one line. Of one that was refused or failed, what was sent (→) and what was answered (←) stands \
        below it; with --all, of each."
    )]
    Watch {
        /// What was sent and answered also where all went well
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Change {
    /// Move it forward
    Advance {
        /// By how much, such as 1h
        #[arg(allow_hyphen_values = true, value_parser = forward)]
        by: Span,
    },
    /// Set it, also back
    Set {
        /// To which instant, such as 2030-01-01T00:00:00Z
        to: Timestamp,
    },
    /// Back to the time of this machine
    Reset,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Fail {
    /// The next request at an endpoint
    #[command(after_help = WAYS)]
    Next {
        /// authorize, token, revoke, introspect, check, account, metadata, healthz or readyz
        endpoint: String,
        /// An error code of that endpoint, a status (429, 500, 502, 503, 504), `slow SPAN` or `lost`; the error for a wrong
        /// one lists those of the endpoint
        #[arg(required = true, num_args = 1..=2)]
        how: Vec<String>,
        /// How many requests
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        times: u32,
    },
    /// What waits for its request
    List,
    /// Forget what waits
    Clear,
}

pub(in crate::cli) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    let database = context.settings.database.path.clone();
    let tell = |order| ask(&database, &order);
    match command {
        Command::Clock { change } => {
            let told = tell(match change {
                None => Order::Clock {},
                Some(Change::Advance { by }) => Order::Advance {
                    millis: u64::try_from(by.duration().as_millis()).unwrap_or(u64::MAX),
                },
                Some(Change::Set { to }) => Order::Set {
                    millis: to.as_millis(),
                },
                Some(Change::Reset) => Order::Reset {},
            })?;
            let offset = told["offset"].as_i64().unwrap_or_default();
            let shown = match offset {
                0 => "none".to_owned(),
                ahead @ 1.. => format!("{} ahead", roughly(ahead.unsigned_abs())),
                behind => format!("{} behind", roughly(behind.unsigned_abs())),
            };
            let now = told["now"].as_str().unwrap_or_default();
            context.print(
                &Record::new()
                    .text("now", now)
                    .shown_as("offset", offset.into(), shown),
            )
        }
        Command::Fail(Fail::Next { endpoint, how, times }) => {
            let told = tell(Order::Fail { endpoint, how, times })?;
            print_faults(&told, context)
        }
        Command::Fail(Fail::List) => print_faults(&tell(Order::Faults {})?, context),
        Command::Fail(Fail::Clear) => {
            let told = tell(Order::ClearFaults {})?;
            context.print(&Record::new().value("cleared", told["cleared"].clone()))
        }
        Command::Expire { grant, refresh } => print_grant(&tell(Order::Expire { grant, refresh })?, context),
        Command::Rotate { grant } => print_grant(&tell(Order::Rotate { grant })?, context),
        Command::Revoke { grant } => print_grant(&tell(Order::Revoke { grant })?, context),
        Command::Watch { all } => watch::run(&database, all, context),
    }
}

/// What was done to a grant; where it had ended before, also when.
fn print_grant(told: &Value, context: &mut Context<'_>) -> Result<(), CliError> {
    let grant = told["grant_id"].as_str().unwrap_or_default();
    let record = Record::new()
        .text("grant_id", grant)
        .value("changed", told["changed"].clone());
    if let Some(why) = told["why"].as_str() {
        context.print(&record)?;
        return context.say(&format!("nothing of the grant {grant} was changed: {why}"));
    }
    let Some(at) = told["ended_at"].as_str() else {
        return context.print(&record);
    };
    context.print(&record.text("ended_at", at))?;
    context.say(&format!(
        "the grant {grant} ended at {at} already; nothing was changed"
    ))
}

/// The two largest parts of a span: nobody counts the seconds of a year.
fn roughly(seconds: u64) -> String {
    let days = seconds / 86_400;
    let kept = match days {
        0 if seconds < 3_600 => seconds,
        0 => seconds - seconds % 60,
        1..100 => seconds - seconds % 3_600,
        _ => days * 86_400,
    };
    span::format(Duration::from_secs(kept))
}

/// The time by which the clock is moved forward.
fn forward(text: &str) -> Result<Span, String> {
    if text.starts_with('-') {
        return Err(
            "it moves forward; `oauthctl dev clock set` with an instant goes back, `reset` to the time of this machine"
                .to_owned(),
        );
    }
    text.parse().map_err(|error: span::SpanError| error.to_string())
}

fn print_faults(told: &Value, context: &mut Context<'_>) -> Result<(), CliError> {
    let faults = told.as_array().map(Vec::as_slice).unwrap_or_default();
    let records: Vec<Record> = faults
        .iter()
        .map(|fault| {
            Record::new()
                .text("endpoint", fault["endpoint"].as_str().unwrap_or_default())
                .text("how", fault["how"].as_str().unwrap_or_default())
                .value("times", fault["times"].clone())
        })
        .collect();
    context.print_list(&records, "nothing waits to fail")
}
