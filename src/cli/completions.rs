//! `completions`: what a shell has to read to complete a command line.

use clap::{Args, ValueEnum};

use super::complete;
use super::context::Context;
use super::document::{self, Document};
use super::exit::CliError;

#[derive(Debug, Args)]
#[command(
    after_help = "Client IDs, scopes, usernames and resource servers are completed from the database that the command \
    line, the environment and the configuration file name.\n\nExamples:\n  \
    echo 'source <(oauthctl completions bash)' >> ~/.bashrc\n  \
    echo 'source <(oauthctl completions zsh)' >> ~/.zshrc        # after compinit\n  \
    oauthctl completions fish > ~/.config/fish/completions/oauthctl.fish\n  \
    echo 'eval (oauthctl completions elvish | slurp)' >> ~/.config/elvish/rc.elv\n  \
    oauthctl completions powershell | Out-String | Invoke-Expression"
)]
pub(super) struct Opts {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that can ask the program for completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// Bash, from 3.2 on.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Elvish.
    Elvish,
    /// Powershell.
    Powershell,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
        }
    }
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let shell = opts.shell.name();
    let script = Document {
        file: format!("oauthctl.{shell}"),
        content: complete::script(shell).map_err(CliError::io("make the script"))?,
    };
    document::print(&script, context)
}
