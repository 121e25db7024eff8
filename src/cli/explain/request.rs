//! `explain request ID`.

use super::authorize;
use crate::cli::context::Context;
use crate::cli::dev::control::{self, issuer_beside, runs_beside};
use crate::cli::dev::orders::Order;
use crate::cli::dev::watch;
use crate::cli::exit::CliError;
use crate::cli::output::OutputFormat;
use crate::cli::scratch_directory;
use crate::http::development::Seen;

pub(super) fn run(id: &str, context: &mut Context<'_>) -> Result<(), CliError> {
    let database = context.settings.database.path.clone();
    if !runs_beside(&database) {
        if scratch_directory::ended(&database).is_some() {
            return Err(control::nobody(&database));
        }
        return Err(CliError::Usage(format!(
            "no development server runs on {}, and no other remembers requests; the log of the server has a line with \
             the ID: `journalctl -u oauthctl | grep {id}`",
            database.display(),
            id = crate::cli::shell::word(id),
        )));
    }
    let told = control::ask(&database, &Order::Request { id: id.to_owned() })?;
    if context.output == OutputFormat::Id {
        let id = told["request_id"].as_str().unwrap_or_default();
        return writeln!(context.stdout, "{id}").map_err(CliError::io("write to stdout"));
    }
    if context.output != OutputFormat::Table {
        return writeln!(context.stdout, "{told}").map_err(CliError::io("write to stdout"));
    }
    let seen: Seen = serde_json::from_value(told).map_err(anyhow::Error::new)?;
    let mut lines = watch::lines(&seen);
    if seen.authorization_request.is_none() {
        lines.extend(watch::flaws(&seen));
    }
    writeln!(context.stdout, "{}", lines.join("\n")).map_err(CliError::io("write to stdout"))?;
    let Some(query) = &seen.authorization_request else {
        return Ok(());
    };
    let explained = context.server()?.explain_request(query)?;
    writeln!(
        context.stdout,
        "\nThe same request now, with what is registered at this moment:\n"
    )
    .map_err(CliError::io("write to stdout"))?;
    let issuer = issuer_beside(&database).unwrap_or(context.issuer()?);
    authorize::print(&explained, None, &issuer, context)
}
