//! `client rotate-secret` and `resource-server rotate-secret`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::complete;
use super::context::Context;
use super::exit::CliError;
use super::output::{OutputFormat, Record};
use super::prompt;
use super::secret_output::SecretFile;
use crate::authorization_server::{Failure, SecretOrigin, SecretOwner};
use crate::clock::{Clock, SystemClock};
use crate::domain::client::{ClientId, ClientSecret, StoredSecret};
use crate::domain::identifier::Identifier;
use crate::domain::span::Span;
use crate::entropy::OsEntropy;

/// How long the secrets before a new one stay good, unless it is said.
const DEFAULT_OVERLAP: &str = "24h";

#[derive(Debug, Args)]
pub(super) struct RotateOpts {
    /// Whose secret
    #[arg(add = complete::any_of(&[complete::Kind::Client, complete::Kind::ResourceServer]))]
    id: ClientId,
    /// How long the secrets before the new one stay good; 0s ends them at once
    #[arg(long, value_name = "SPAN", default_value = DEFAULT_OVERLAP)]
    overlap: Span,
    /// Make no new secret; end this one at once (`show` lists the IDs of secrets)
    #[arg(long, value_name = "SECRET_ID", conflicts_with_all = ["overlap", "secret_stdin", "secret_file"])]
    retire: Option<Identifier>,
    /// Bring the new secret along: the first line of stdin, at least 32 characters
    #[arg(long)]
    secret_stdin: bool,
    /// Write the new secret to this new file (mode 0600) instead of printing it
    #[arg(long, value_name = "FILE", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(
    opts: &RotateOpts,
    owner: impl FnOnce(ClientId) -> SecretOwner,
    id_field: &'static str,
    secret_field: &'static str,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let server = context.server()?;
    let owner = owner(opts.id.clone());
    server.secrets_of(&owner)?;
    if let Some(secret) = opts.retire {
        prompt::confirm(
            context,
            opts.yes,
            &format!("End the secret {secret} of `{}` now?", opts.id),
        )?;
        server.retire_secret(owner, secret)?;
        let record = Record::new()
            .text(id_field, opts.id.as_str())
            .text("secret_id", secret.to_string());
        return context.print(&record.value("retired", true));
    }
    if context.output == OutputFormat::Id && opts.secret_file.is_none() && !opts.secret_stdin {
        return Err(CliError::Usage(
            "-o id would lose the secret; add --secret-file FILE".to_owned(),
        ));
    }
    if opts.overlap.is_zero() {
        let question = format!("End all secrets of `{}` now, without an overlap?", opts.id);
        prompt::confirm(context, opts.yes, &question)?;
    }
    let secret = if opts.secret_stdin {
        let text = prompt::line_of_stdin("secret")?;
        ClientSecret::import(&text).map_err(|error| CliError::Usage(error.to_string()))?
    } else {
        ClientSecret::generate(&OsEntropy).map_err(Failure::from)?
    };
    // In its place before the old ones end: a file that cannot be written must not cost a secret.
    let mut file = opts.secret_file.as_deref().map(SecretFile::create).transpose()?;
    if let Some(file) = &mut file {
        file.write_for_now(secret.reveal())?;
    }
    let rotated = server.rotate_secret(owner, opts.overlap.duration(), SecretOrigin::Import(secret))?;
    let mut record = Record::new().text(id_field, rotated.id.as_str());
    match file {
        Some(file) => file.keep(),
        None if opts.secret_stdin => {}
        None => record = record.text(secret_field, rotated.secret.reveal()),
    }
    record = match rotated.previous_secret_expires_at {
        Some(end) => record.instant("previous_secret_expires_at", end),
        None => record.value("previous_secret_expires_at", Value::Null),
    };
    let is_printed = opts.secret_file.is_none() && !opts.secret_stdin;
    context.print(&record).map_err(|error| {
        if is_printed {
            error.loses_secret_of(rotated.id.as_str())
        } else {
            error
        }
    })?;
    let id = &rotated.id;
    context.say_on_terminal(&format!(
        "hand the new secret out, then see with `show {id}` when the old one was last used, and end it with --retire"
    ))
}

/// A client or resource server with what is known of its secrets.
pub(super) fn with_secrets(record: Record, secrets: &[StoredSecret]) -> Record {
    let now = SystemClock.now();
    let values: Vec<Value> = secrets
        .iter()
        .map(|secret| {
            json!({
                "secret_id": secret.identifier,
                "created_at": secret.created_at,
                "expires_at": secret.expires_at,
                "last_used_at": secret.last_used_at,
            })
        })
        .collect();
    let lines: Vec<String> = secrets
        .iter()
        .map(|secret| {
            let end = match secret.expires_at {
                None => "does not end".to_owned(),
                Some(end) if end <= now => format!("ended at {end}"),
                Some(end) => format!("ends at {end}"),
            };
            let used = secret
                .last_used_at
                .map_or_else(|| "never used".to_owned(), |at| format!("last used at {at}"));
            format!(
                "{}  made at {}, {end}, {used}",
                secret.identifier, secret.created_at
            )
        })
        .collect();
    record.shown_as("secrets", Value::Array(values), lines.join("\n"))
}
