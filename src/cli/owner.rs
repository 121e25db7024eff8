//! `owner add|list`.

use clap::Subcommand;

use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::prompt;
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::password::Password;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a resource owner
    #[command(after_help = "Examples:\n  oauthctl owner add alice\n  \
        oauthctl owner add alice --password-stdin < password.txt")]
    Add {
        /// What they sign in with
        username: Option<Username>,
        /// Read the password from the first line of stdin instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the resource owners
    List,
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::Add {
            username,
            password_stdin,
        } => {
            let given = [
                ("the username", username.is_some()),
                ("--password-stdin", password_stdin),
            ];
            prompt::refuse_missing(context, &given)?;
            let server = context.server()?;
            let username = prompt::value(context, username, "the username", "Username")?;
            let password = if password_stdin {
                prompt::line_of_stdin("password")?
            } else {
                prompt::new_password(&format!("Password for {username}"))?
            };
            let password = Password::choose(&password).map_err(|error| CliError::Usage(error.to_string()))?;
            let owner = server.add_owner(username, &password)?;
            context.print(&record(&owner))
        }
        Command::List => {
            let records: Vec<Record> = context.server()?.owners()?.iter().map(record).collect();
            context.print_list(&records, "no resource owners yet; `oauthctl owner add` makes one")
        }
    }
}

/// A resource owner as every command prints one.
fn record(owner: &ResourceOwner) -> Record {
    Record::new()
        .text("username", owner.username.as_str())
        .value("enabled", owner.enabled)
        .instant("created_at", owner.created_at)
}
