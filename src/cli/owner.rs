//! `owner …`: the subcommands, and how a resource owner is printed.

use clap::Subcommand;

use super::complete;
use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::{progress, prompt};
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
    #[command(after_help = "Example:\n  oauthctl owner list -o json")]
    List,
    /// Set a new password; signs the resource owner out everywhere
    #[command(after_help = "Example:\n  oauthctl owner set-password alice --password-stdin < password.txt")]
    SetPassword {
        /// What they sign in with
        #[arg(add = complete::any_of(&[complete::Kind::Owner]))]
        username: Username,
        /// Read the password from the first line of stdin instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Enable a resource owner again
    #[command(after_help = "Example:\n  oauthctl owner enable alice")]
    Enable {
        /// What they sign in with
        #[arg(add = complete::any_of(&[complete::Kind::Owner]))]
        username: Username,
    },
    /// Disable a resource owner: they cannot sign in, and what they approved stops working at once
    #[command(after_help = "Example:\n  oauthctl owner disable alice")]
    Disable {
        /// What they sign in with
        #[arg(add = complete::any_of(&[complete::Kind::Owner]))]
        username: Username,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Delete a resource owner with all that they approved
    #[command(after_help = "Example:\n  oauthctl owner delete alice")]
    Delete {
        /// What they sign in with
        #[arg(add = complete::any_of(&[complete::Kind::Owner]))]
        username: Username,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
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
            let password = password(context, &username, password_stdin)?;
            let owner = server.add_owner(username, &password)?;
            context.print(&record(&owner))
        }
        Command::List => {
            let records: Vec<Record> = context.server()?.owners()?.iter().map(record).collect();
            context.print_list(&records, "no resource owners yet; `oauthctl owner add` makes one")
        }
        Command::SetPassword {
            username,
            password_stdin,
        } => {
            let server = context.server()?;
            let password = password(context, &username, password_stdin)?;
            let sessions = server.set_password(username.clone(), &password)?;
            context.print(
                &Record::new()
                    .text("username", username.as_str())
                    .value("sessions_ended", sessions),
            )
        }
        Command::Enable { username } => {
            let owner = context.server()?.set_owner_enabled(username, true)?;
            context.print(&record(&owner))
        }
        Command::Disable { username, yes } => {
            let server = context.server()?;
            server.owner(&username)?;
            let question =
                format!("Disable the resource owner `{username}`, and with them what they approved?");
            prompt::confirm(context, yes, &question)?;
            let owner = server.set_owner_enabled(username, false)?;
            context.print(&record(&owner))
        }
        Command::Delete { username, yes } => {
            let server = context.server()?;
            server.owner(&username)?;
            let question = format!("Delete the resource owner `{username}` with all that they approved?");
            prompt::confirm(context, yes, &question)?;
            let spinner = progress::counter(context, "grants removed");
            server.delete_owner(&username, |removed| progress::to(&spinner, removed))?;
            spinner.finish_and_clear();
            context.print(
                &Record::new()
                    .text("username", username.as_str())
                    .value("deleted", true),
            )
        }
    }
}

/// The new password of a resource owner: from stdin, or asked for.
fn password(context: &Context<'_>, username: &Username, from_stdin: bool) -> Result<Password, CliError> {
    prompt::refuse_missing(context, &[("--password-stdin", from_stdin)])?;
    let text = if from_stdin {
        prompt::line_of_stdin("password")?
    } else {
        prompt::new_password(&format!("Password for {username}"))?
    };
    Password::choose(&text).map_err(|error| CliError::Usage(error.to_string()))
}

/// A resource owner as every command prints one.
fn record(owner: &ResourceOwner) -> Record {
    Record::new()
        .text("username", owner.username.as_str())
        .value("enabled", owner.enabled)
        .instant("created_at", owner.created_at)
}
