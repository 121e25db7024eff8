//! `apply`.

mod report;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::caution;
use super::context::Context;
use super::exit::CliError;
use super::output::OutputFormat;
use super::prompt;
use super::secret_output::SecretFile;
use crate::authorization_server::{ApplyError, NewCredential, Plan};
use crate::config::declaration::{self, DeclarationFile, LARGEST};
use crate::domain::declaration::{Change, Thing};
use crate::domain::scope::Scope;

/// Characters of an identifier that stand for themselves in the name of a file.
const PLAIN: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

#[derive(Debug, Args)]
#[command(after_help = "\
The file is TOML, and says all that there is to say about what is in it: what is left out of a client or scope is set \
to its default, whatever it was before. What is not in the file stays as it is, unless --prune is given. `oauthctl \
export` prints such a file.

  [[scope]]
  name = \"orders:read\"
  description = \"Read your orders\"
  folders = [\"orders\"]                  # and services, routes

  [[client]]
  client_id = \"orders-web\"
  redirect_uris = [\"https://orders.example/cb\"]
  scopes = [\"orders:read\"]
  # name = the ID, description = \"\", refresh = \"unlimited\" (\"none\", or a number), require_pkce = true,
  # consent = \"always\" (\"remember\"), enabled = true; from the settings: access_token_lifetime, code_lifetime, refresh_token_lifetime,
  # refresh_token_idle, as in \"1h\"

  [[resource_server]]
  name = \"Warehouse\"

Everything is done in one transaction, or nothing. New secrets are printed once, or written to files of their own \
with --secret-dir.

Examples:
  oauthctl apply -f clients.toml --dry-run
  mkdir -p secrets && oauthctl apply -f clients.toml --prune --secret-dir secrets")]
pub(super) struct Opts {
    /// The file; `-` is stdin
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete what is not in the file: clients with their grants and tokens, resource servers, scopes
    #[arg(long)]
    prune: bool,
    /// Write each new secret to a new file DIR/ID.secret in a directory that is there (mode 0600) instead of printing it; characters of the ID
    /// other than letters, digits, `-`, `_` and `.` are percent-encoded
    #[arg(long, value_name = "DIR")]
    secret_dir: Option<PathBuf>,
    /// Do not ask before something is deleted
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let file = read(opts, context)?;
    let server = context.server()?;
    let wanted = file.declaration.clone();
    let refused = |error| place(error, opts, &file);
    let plan = server.plan(wanted, opts.prune).map_err(refused)?;
    caution_about_scopes(plan.changes(), &server.scopes()?, opts, &file, context)?;
    if opts.dry_run {
        return report::dry_run(&plan, context);
    }
    refuse_to_lose_secrets(&plan, opts, context)?;
    confirm_removals(&plan, opts, context)?;
    let changes = plan.changes().to_vec();
    let credentials = plan.credentials().to_vec();
    let files = write_secrets(&credentials, opts.secret_dir.as_deref())?;
    server.apply(plan).map_err(refused)?;
    for file in files {
        file.keep();
    }
    let shown = opts.secret_dir.is_none();
    report::done(&changes, &credentials, shown, context).map_err(|error| match credentials.as_slice() {
        [] => error,
        _ if !shown => error,
        lost => {
            let ids: Vec<&str> = lost.iter().map(|new| new.id.as_str()).collect();
            error.loses_secret_of(&ids.join("`, `"))
        }
    })
}

/// How messages name the file.
fn name(file: &Path) -> String {
    if is_stdin(file) {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn read(opts: &Opts, context: &Context<'_>) -> Result<DeclarationFile, CliError> {
    let path = &opts.file;
    let doing = format!("read {}", name(path));
    let mut bytes = Vec::new();
    let most = LARGEST as u64 + 1;
    let read = if is_stdin(path) {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(CliError::io(doing))?;
    declaration::read(&bytes, &context.settings.tokens)
        .map_err(|error| CliError::Usage(format!("{}:{error}", name(path))))
}

/// An error with the place in the file that it is about. What is to be removed stands in no file; its error names it.
fn place(error: ApplyError, opts: &Opts, file: &DeclarationFile) -> CliError {
    match error {
        ApplyError::Thing { thing, cause } => match file.line_of(&thing) {
            Some(line) => CliError::Declared {
                place: format!("{}:{line}", name(&opts.file)),
                error: cause,
            },
            None => cause.into(),
        },
        ApplyError::Failed(failure) => failure.into(),
        ApplyError::Outdated => CliError::Failed(anyhow::Error::new(error)),
    }
}

/// Points out what may not be meant in the scopes that are new or open otherwise than before.
fn caution_about_scopes(
    changes: &[Change],
    defined: &[Scope],
    opts: &Opts,
    file: &DeclarationFile,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let declared = &file.declaration.scopes;
    let known: BTreeSet<&str> = declared
        .values()
        .map(|scope| &scope.coverage)
        .chain(defined.iter().map(|scope| &scope.coverage))
        .flat_map(caution::names)
        .collect();
    let opens_otherwise = |change: &Change| match change {
        Change::Added(_) => true,
        Change::Changed(_, fields) => fields.iter().any(|field| field.name != "description"),
        Change::Removed(_) => false,
    };
    // Of two that are new the one whose letters the other begins with is warned about, and that is enough.
    let stays = |scope: &&Scope| {
        let mut changes = changes.iter();
        !changes.any(|change| {
            let is_new = opens_otherwise(change) || matches!(change, Change::Removed(_));
            is_new && matches!(change.thing(), Thing::Scope(token) if *token == scope.token)
        })
    };
    let exist: BTreeSet<&str> = defined
        .iter()
        .filter(stays)
        .flat_map(|scope| caution::names(&scope.coverage))
        .collect();
    for change in changes.iter().filter(|change| opens_otherwise(change)) {
        let thing = change.thing();
        let Thing::Scope(token) = thing else { continue };
        let Some(scope) = declared.get(token) else {
            continue;
        };
        let place = match file.line_of(thing) {
            Some(line) => format!("{}:{line}: scope {token}: ", name(&opts.file)),
            None => format!("{}: scope {token}: ", name(&opts.file)),
        };
        caution::tell(&place, &scope.coverage, &known, &exist, context)?;
    }
    Ok(())
}

/// Some formats have no place for secrets.
fn refuse_to_lose_secrets(plan: &Plan, opts: &Opts, context: &Context<'_>) -> Result<(), CliError> {
    let format = match context.output {
        OutputFormat::Id => "id",
        OutputFormat::Csv => "csv",
        OutputFormat::Table | OutputFormat::Json | OutputFormat::Jsonl => return Ok(()),
    };
    if plan.credentials().is_empty() || opts.secret_dir.is_some() {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "-o {format} would lose the new secrets; add --secret-dir DIR to keep them"
    )))
}

/// Asks before something is deleted, where something is.
fn confirm_removals(plan: &Plan, opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let removals = plan.changes().iter().filter_map(|change| match change {
        Change::Removed(thing) => Some(thing.to_string()),
        Change::Added(_) | Change::Changed(..) => None,
    });
    let removals: Vec<String> = removals.collect();
    if removals.is_empty() {
        return Ok(());
    }
    let question = match removals.as_slice() {
        [one] => format!("Delete the {one}, which the file does not have?"),
        several => format!("Delete {} things that the file does not have?", several.len()),
    };
    if context.may_ask && !opts.yes && removals.len() > 1 {
        // Not with `say`: the question makes no sense without it.
        for removal in removals {
            writeln!(context.stderr, "- {removal}").map_err(CliError::io("write to stderr"))?;
        }
    }
    prompt::confirm(context, opts.yes, &question)
}

/// Writes each secret before anything is registered, so that none is made that then has no place to go. The files go
/// away again if nothing comes of it.
fn write_secrets(
    credentials: &[NewCredential],
    directory: Option<&Path>,
) -> Result<Vec<SecretFile>, CliError> {
    let Some(directory) = directory else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for new in credentials {
        let mut file = SecretFile::create(&directory.join(file_name(new.id.as_str())))?;
        file.write_for_now(new.secret.reveal())?;
        files.push(file);
    }
    Ok(files)
}

/// An identifier as the name of a file in any directory: it may hold a slash.
fn file_name(id: &str) -> String {
    format!("{}.secret", percent_encoding::utf8_percent_encode(id, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn an_identifier_stays_within_its_directory() {
        for (id, name) in [
            ("orders-web_2.0", "orders-web_2.0.secret"),
            ("..", "...secret"),
            ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd.secret"),
            ("a%2Fb", "a%252Fb.secret"),
            ("C:\\x", "C%3A%5Cx.secret"),
        ] {
            assert_eq!(file_name(id), name);
        }
    }
}
