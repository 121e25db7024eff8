//! `config show|check`.

use clap::Subcommand;
use serde_json::Value as Json;

use super::context::Context;
use super::exit::CliError;
use super::output::{OutputFormat, Record};
use super::serve;
use crate::config::{ConfigError, Loaded, Value};
use crate::http::pages::Pages;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show every setting with its value, and what set it
    #[command(
        after_help = "Strongest first: an option, a variable of the environment such as OAUTHCTL_TOKENS_CODE_LIFETIME, \
        the configuration file, the default.\n\nExamples:\n  oauthctl config show\n  \
        oauthctl config show -o json | jq -r '.[] | select(.origin != \"default\") | .key'"
    )]
    Show,
    /// Whether the settings can be used; exit code 6 where they cannot
    #[command(after_help = "Examples:\n  oauthctl config check\n  \
        oauthctl --config new.toml config check && mv new.toml oauthctl.toml")]
    Check,
}

pub(super) fn run(
    command: &Command,
    loaded: &Loaded,
    refusal: Option<&ConfigError>,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    match command {
        Command::Show => {
            let records: Vec<Record> = loaded
                .entries()
                .map(|(key, value, origin)| {
                    let value = match value {
                        Value::Text(text) => Json::from(text),
                        Value::Integer(number) => Json::from(number),
                        Value::Boolean(whether) => Json::from(whether),
                        Value::List(texts) => Json::from(texts),
                    };
                    Record::new()
                        .text("key", key.to_string())
                        .value("value", value)
                        .text("origin", origin.to_string())
                })
                .collect();
            context.print_list(&records, "")
        }
        Command::Check => check(loaded, refusal, context),
    }
}

fn check(loaded: &Loaded, refusal: Option<&ConfigError>, context: &mut Context<'_>) -> Result<(), CliError> {
    let file = loaded.file.as_ref().map(|path| path.display().to_string());
    let reason = match refusal {
        Some(refusal) => Some(refusal.to_string()),
        None => serve::refusal(context),
    };
    if context.output != OutputFormat::Table {
        let record = Record::new()
            .value("ok", reason.is_none())
            .value("file", file)
            .value("reason", reason.clone());
        context.print(&record)?;
    } else if reason.is_none() {
        let read =
            file.unwrap_or_else(|| "no configuration file, so defaults and the environment".to_owned());
        writeln!(context.stdout, "ok: {read}").map_err(CliError::io("write to stdout"))?;
    }
    if let Some(reason) = reason {
        return Err(CliError::CheckFailed(reason));
    }
    // The server starts in spite of them.
    for fault in Pages::open(&context.settings.pages).1 {
        context.say(&format!("note: {fault}; the built-in stands in its place"))?;
    }
    Ok(())
}
