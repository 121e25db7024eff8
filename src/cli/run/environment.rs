//! What a command is told of its server, in variables of the environment.

use crate::cli::dev::environment::environment;
use crate::cli::dev::scratch::Scratch;
use crate::cli::exit::CliError;

/// Names and values: those of a development server, and what `oauthctl` in the command needs to mean this one.
///
/// # Errors
/// The system gives no random bytes.
pub(in crate::cli) fn of(scratch: &Scratch) -> Result<Vec<(&'static str, String)>, CliError> {
    let issuer = scratch.issuer();
    let mut all = environment(issuer, &scratch.seeded, &scratch.database)?;
    all.push(("OAUTHCTL_SERVER_ISSUER", issuer.to_string()));
    Ok(all)
}

/// Whether a variable is about a server, and so about another one where it is there already.
pub(in crate::cli) fn is_of_a_server(name: &str) -> bool {
    // The second one is another name for the database.
    name.starts_with("OAUTH_") || name == "OAUTHCTL_DATABASE_PATH"
}
