//! `doctor`: looks for what is wrong or unwise, and says what mends it. Changes nothing.

mod database;
mod finding;
mod registrations;
mod running;
mod settings;

use clap::Args;

use self::finding::{Finding, Level};
use super::context::Context;
use super::exit::CliError;
use super::output::{OutputFormat, Record};
use crate::config::{ConfigError, Loaded};

#[derive(Debug, Args)]
#[command(
    after_help = "Looks at the database file, the settings, what is registered, the clock, and at a server that runs \
    with these settings. Changes nothing, and makes no database where there is none. Exit code 6 where a fault or a \
    warning is found; notes are no reason.\n\nExamples:\n  oauthctl doctor\n  \
    oauthctl doctor -o json | jq -r '.[] | select(.fix) | .fix'"
)]
pub(super) struct Opts {}

pub(super) fn run(
    loaded: &Loaded,
    refusal: Option<&ConfigError>,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let findings = match refusal {
        // Without settings it is not known which database and which server are meant.
        Some(refusal) => {
            let finding = Finding::new("settings", Level::Fault, refusal.to_string());
            vec![finding.fix("mend the settings, and check them with: oauthctl config check")]
        }
        None => examine(loaded, context)?,
    };
    if context.output == OutputFormat::Table {
        let colored = context.colored.stdout;
        finding::print(&findings, colored, context.stdout).map_err(CliError::io("write to stdout"))?;
    } else {
        let records: Vec<Record> = findings.iter().map(Finding::record).collect();
        context.print_list(&records, "")?;
    }
    let bad: Vec<String> = [Level::Fault, Level::Warning]
        .into_iter()
        .filter_map(|level| finding::count(&findings, level))
        .collect();
    if bad.is_empty() {
        Ok(())
    } else {
        Err(CliError::CheckFailed(bad.join(" and ")))
    }
}

fn examine(loaded: &Loaded, context: &mut Context<'_>) -> Result<Vec<Finding>, CliError> {
    let mut findings = settings::examine(loaded);
    let is_usable = database::examine(context, &mut findings)?;
    if is_usable {
        // What cannot be read is a finding, and no reason to stop.
        if let Err(error) = examine_contents(context, &mut findings) {
            let error = error.of_database(&context.settings.database.path);
            let finding = Finding::new("database", Level::Fault, error.to_string());
            findings.push(finding.fix(database::RESTORE));
        }
    }
    running::examine(context, &mut findings)?;
    Ok(findings)
}

fn examine_contents(context: &Context<'_>, findings: &mut Vec<Finding>) -> Result<(), CliError> {
    let server = context.server()?;
    findings.extend(database::clock(server.newest_instant()?, server.instant()));
    registrations::examine(&server, findings)
}
