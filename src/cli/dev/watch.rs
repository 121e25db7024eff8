//! `dev watch`: requests as they arrive.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::control::{Connection, cut_off, issuer_beside};
use super::orders::Order;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::explain::checks;
use crate::cli::output::OutputFormat;
use crate::domain::text::visible;
use crate::http::development::Seen;
use crate::protocol::authorization_checks::{Check, Verdict};

pub(super) fn run(database: &Path, all: bool, context: &mut Context<'_>) -> Result<(), CliError> {
    let (mut connection, _) = Connection::order(database, &Order::Watch {})?;
    if context.output == OutputFormat::Csv {
        return Err(CliError::Usage(
            "requests have parameters of their own, which no column holds; -o jsonl has them".to_owned(),
        ));
    }
    context.say("watching; Ctrl-C ends it")?;
    while let Some(told) = connection.next()? {
        if told.is_null() {
            return context.say("the server has ended");
        }
        let text = match context.output {
            OutputFormat::Table => {
                let seen: Seen = serde_json::from_value(told).map_err(anyhow::Error::new)?;
                let mut lines = lines(&seen);
                if !went_well(&seen) {
                    lines.extend(flaws(&seen));
                } else if !all {
                    lines.truncate(1);
                }
                lines.join("\n")
            }
            OutputFormat::Id => told["request_id"].as_str().unwrap_or_default().to_owned(),
            _ => told.to_string(),
        };
        writeln!(context.stdout, "{text}")
            .and_then(|()| context.stdout.flush())
            .map_err(CliError::io("write to stdout"))?;
    }
    // It gives up between two requests, too; or it was killed.
    if issuer_beside(database).is_some() {
        return Err(cut_off());
    }
    context.say("the server has ended")
}

/// A request as people read it.
pub(in crate::cli) fn lines(seen: &Seen) -> Vec<String> {
    let mut head = format!(
        "{}  {} {}  {}  {}  {}",
        seen.at,
        seen.method,
        seen.path,
        seen.status,
        took(seen.microseconds),
        seen.request_id,
    );
    for (name, value) in [
        ("client", &seen.client),
        ("owner", &seen.owner),
        ("outcome", &seen.outcome),
        ("error", &seen.error),
        ("on demand", &seen.fault),
    ] {
        if let Some(value) = value {
            // A `String` takes whatever is written.
            let _ = write!(head, "  {name}: {value}");
        }
    }
    let mut lines = vec![head];
    let sent = seen
        .authorization
        .iter()
        .map(|scheme| ("Authorization".to_owned(), scheme.clone()));
    lines.extend(
        sent.chain(seen.parameters.iter().cloned())
            .map(|(name, value)| format!("    → {name}: {value}")),
    );
    lines.extend(seen.location.iter().map(|to| format!("    ← {to}")));
    let received = seen.answer.iter();
    lines.extend(received.map(|(name, value)| format!("    ← {name}: {value}")));
    lines.iter().map(|line| visible(line)).collect()
}

/// What is wrong with a request, and what mends it.
pub(in crate::cli) fn flaws(seen: &Seen) -> Vec<String> {
    let failed: Vec<Check> = seen
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Failed)
        .cloned()
        .collect();
    let lines = checks::lines(&failed, false);
    lines.iter().map(|line| format!("    {line}")).collect()
}

/// Whether nobody has to look why: it was neither refused nor had to fail, and no token was found not to be active.
fn went_well(seen: &Seen) -> bool {
    seen.status < 400
        && seen.error.is_none()
        && seen.fault.is_none()
        && seen
            .answer
            .iter()
            .all(|(name, value)| name != "error" && (name != "active" || value == "true"))
}

fn took(microseconds: u64) -> String {
    let took = Duration::from_micros(microseconds);
    if took.as_millis() == 0 {
        "<1 ms".to_owned()
    } else {
        format!("{} ms", took.as_millis())
    }
}
