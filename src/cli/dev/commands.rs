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
use crate::domain::identifier::Identifier;
use crate::domain::span::{self, Span};

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
    #[command(subcommand)]
    Fail(Fail),
    /// End the life of a grant's access tokens (and of a code that was not exchanged)
    Expire {
        /// The grant's ID
        grant: Identifier,
        /// That of its refresh tokens too
        #[arg(long)]
        refresh: bool,
    },
    /// Use a grant's refresh token up, as if somebody else had: the client's next refresh is a reuse, and ends the grant
    Rotate {
        /// The grant's ID
        grant: Identifier,
    },
    /// Revoke a grant, as its resource owner could at any moment
    Revoke {
        /// The grant's ID
        grant: Identifier,
    },
    /// Show requests and what came of them as they arrive, without secrets
    Watch,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Change {
    /// Move it forward
    Advance {
        /// By how much, such as 1h
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
    #[command(after_help = "Examples:\n  oauthctl dev fail next token invalid_grant\n  \
        oauthctl dev fail next authorize temporarily_unavailable\n  \
        oauthctl dev fail next token 503 --times 3\n  \
        oauthctl dev fail next token slow 3s\n  \
        oauthctl dev fail next token lost            # done, and the connection closes without an answer\n  \
        oauthctl dev fail next check insufficient_scope")]
    Next {
        /// authorize, token, revoke, introspect, check, account, metadata, healthz or readyz
        endpoint: String,
        /// An error code of that endpoint, a status (429, 500, 502, 503, 504), `slow SPAN` or `lost`
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
    let on_grant = |told: &Value| {
        Record::new()
            .text("grant_id", told["grant_id"].as_str().unwrap_or_default())
            .value("changed", told["changed"].clone())
    };
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
                ahead @ 1.. => format!(
                    "{} ahead",
                    span::format(Duration::from_secs(ahead.unsigned_abs()))
                ),
                behind => format!(
                    "{} behind",
                    span::format(Duration::from_secs(behind.unsigned_abs()))
                ),
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
        Command::Expire { grant, refresh } => {
            let grant = grant.to_string();
            context.print(&on_grant(&tell(Order::Expire { grant, refresh })?))
        }
        Command::Rotate { grant } => {
            let grant = grant.to_string();
            context.print(&on_grant(&tell(Order::Rotate { grant })?))
        }
        Command::Revoke { grant } => {
            let grant = grant.to_string();
            context.print(&on_grant(&tell(Order::Revoke { grant })?))
        }
        Command::Watch => watch::run(&database, context),
    }
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
