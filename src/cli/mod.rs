//! Floor 4: the command line. One file a noun; `output` renders, `exit` is the only table from errors to exit codes.

mod access;
mod ago;
mod apply;
mod at_hand;
mod audit;
mod backup;
mod bareness;
mod caution;
mod client;
mod complete;
mod completions;
mod configuration;
mod context;
mod demo;
mod dev;
mod doctor;
mod document;
mod example;
mod exit;
mod explain;
mod export;
mod fit;
mod grant;
mod hosted;
mod listening;
mod log;
mod login;
mod man;
mod operator;
mod output;
mod owner;
mod pages;
mod parties;
mod progress;
mod prompt;
mod resource_server;
mod rotate_secret;
mod run;
mod scope;
mod scratch_directory;
mod secret_output;
mod serve;
mod shell;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod token_input;
mod variables;

use std::cell::Cell;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::context::{Colored, Context, Terminals};
use self::exit::CliError;
use self::output::OutputFormat;
use crate::config::{self, CommandLine, ConfigError, Loaded, Sources};
use crate::domain::client::CLIENT_SECRET_PREFIX;
use crate::domain::token::TokenKind;

/// OAuth 2.0 authorization server for the authorization code grant with confidential clients: one binary, one SQLite
/// file.
#[derive(Debug, Parser)]
#[command(
    name = "oauthctl",
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = "See it work:\n  oauthctl demo\n\nDevelop a client:\n  oauthctl serve --dev\n\nBegin:\n  \
                  oauthctl scope define orders:read --description 'Read your orders' --folder orders\n  \
                  oauthctl client register\n  \
                  oauthctl owner add alice\n  \
                  oauthctl serve\n\n\
                  Exit codes:\n  \
                  0 done, also when a selector matched nothing   1 failure\n  \
                  2 wrong usage, or a value that is refused      3 the named thing does not exist\n  \
                  4 it exists already, or is still in use        5 --yes is needed: nobody can be asked\n  \
                  6 the check says no"
)]
struct Cli {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command has.
#[derive(Debug, Args)]
struct GlobalOptions {
    /// Configuration file [default: ./oauthctl.toml, then the user's, then the machine's]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Database file [default: ./oauthctl.db]; created on first use
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    database: Option<PathBuf>,
    /// How data is printed
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    output: OutputFormat,
    /// Print data and errors only
    #[arg(short, long, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Never ask, also on a terminal: what is missing is an error
    #[arg(long, global = true, help_heading = "Global options")]
    no_input: bool,
    /// When to use colour (the variable `NO_COLOR` is respected)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    color: ColorChoice,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether what goes to a stream is coloured.
    fn applies_to(self, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Applications that ask for authorization
    #[command(subcommand)]
    Client(client::Command),
    /// What clients may ask for, and what it opens
    #[command(subcommand)]
    Scope(scope::Command),
    /// Resource owners: the people who approve or deny
    #[command(subcommand)]
    Owner(owner::Command),
    /// Who may introspect tokens
    #[command(subcommand)]
    ResourceServer(resource_server::Command),
    /// Approvals: one by one resource owner for one client, with all that came of it
    #[command(subcommand)]
    Grant(grant::Command),
    /// Access tokens and refresh tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Whether a client, a resource owner or a token may do something, and why; and who can reach what
    #[command(subcommand)]
    Access(access::Command),
    /// Make scopes, clients and resource servers as a file declares them
    Apply(apply::Opts),
    /// Print scopes, clients and resource servers as such a file, without their secrets
    #[command(after_help = export::EXAMPLES)]
    Export,
    /// The server
    Serve(serve::Opts),
    /// Get tokens from the terminal, as a client of this server or of any other
    Login(Box<login::Opts>),
    /// Run a command, such as a test suite, with a server of its own
    Run(run::Opts),
    /// What the server makes of an authorization URL, what became of a token, what was the matter with a request
    Explain(explain::Opts),
    /// Time and trouble on demand, at a server that was started with `serve --dev`
    #[command(subcommand)]
    Dev(dev::Command),
    /// Plays a whole authorization over HTTP on a scratch database, and shows each stage
    Demo(demo::Opts),
    /// Who did what, to what, when and from where
    #[command(subcommand)]
    Audit(audit::Command),
    /// Copy the database to a file, also while the server runs
    Backup(backup::Opts),
    /// Look for what is wrong or unwise, and say what mends it
    Doctor(doctor::Opts),
    /// The settings in force, and where they come from
    #[command(subcommand)]
    Config(configuration::Command),
    /// The pages that resource owners see: write the built-in ones to change them, and try the changed ones
    #[command(subcommand)]
    Pages(pages::Command),
    /// Ready files: the housekeeping of every night, proxies that protect a service, and clients
    #[command(subcommand)]
    Example(example::Command),
    /// Print what makes a shell complete commands, options and what is in the database
    Completions(completions::Opts),
    /// Print the manual page, or write one for each command
    Man(man::Opts),
}

impl Command {
    /// Whether it can do its work where the settings are refused.
    fn bears_refused_settings(&self) -> bool {
        matches!(
            self,
            Self::Doctor(_)
                | Self::Config(configuration::Command::Check)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }
}

/// Whether an argument is, or begins like, one of the values that open a door.
fn is_secret(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    let kinds = [
        TokenKind::AuthorizationCode,
        TokenKind::AccessToken,
        TokenKind::RefreshToken,
    ];
    let prefixes = kinds
        .map(TokenKind::prefix)
        .into_iter()
        .chain([CLIENT_SECRET_PREFIX]);
    text.len() > 16 && prefixes.into_iter().any(|prefix| text.starts_with(prefix))
}

/// Runs the program with the arguments, the environment and the streams of the process.
pub fn main() -> ExitCode {
    if let Some(code) = complete::answer() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && std::env::args_os().any(|arg| is_secret(&arg)) => {
            // The library would print the argument, and so a secret into a log. Where stderr is closed, the code tells.
            let _ = writeln!(
                io::stderr(),
                "error: a token or a secret stands among the arguments, where other users of this machine can see it; \
                 revoke it, and give tokens on stdin: `oauthctl token revoke -`"
            );
            return ExitCode::from(2);
        }
        Err(error) => {
            // Help goes to stdout, errors to stderr; where the stream is closed there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let terminals = Terminals {
        stdin: io::stdin().is_terminal(),
        stdout: io::stdout().is_terminal(),
        stderr: io::stderr().is_terminal(),
    };
    let color = cli.global.color;
    let colored = Colored {
        stdout: color.applies_to(terminals.stdout),
        stderr: color.applies_to(terminals.stderr),
    };
    match run(cli, terminals, colored) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, colored.stderr, &mut io::stderr()),
    }
}

fn run(cli: Cli, terminals: Terminals, colored: Colored) -> Result<(), CliError> {
    let Cli { global, command } = cli;
    let mut command_line = CommandLine {
        config: global.config,
        database: global.database,
        listen: None,
        issuer: None,
    };
    if let Command::Serve(opts) = &command {
        command_line.listen = opts.listen;
        command_line.issuer.clone_from(&opts.issuer);
    }
    if let (Command::Run(_), Some(database)) = (&command, &command_line.database) {
        return Err(CliError::Usage(format!(
            "`run` starts its server on a database of its own, which goes away with it, and does nothing to {}; leave \
             --database out, or start `oauthctl serve --dev --database FILE` and run the command beside it",
            database.display()
        )));
    }
    let settings = load_settings(command_line.clone())?;
    let (loaded, refusal) = match settings {
        Ok(loaded) => (loaded, None),
        Err(refusal) if command.bears_refused_settings() => (Loaded::default(), Some(refusal)),
        Err(refusal) => return Err(refusal.into()),
    };
    let database = loaded.settings.database.path.clone();
    let mut stdout = io::stdout().lock();
    let mut stderr = io::stderr();
    let mut context = Context {
        settings: loaded.settings.clone(),
        is_new_database: !database.exists(),
        has_opened_database: Cell::new(false),
        output: global.output,
        quiet: global.quiet,
        may_ask: !global.no_input && terminals.stdin && terminals.stderr,
        terminals,
        colored,
        stdout: &mut stdout,
        stderr: &mut stderr,
    };
    let result = match command {
        Command::Client(command) => client::run(command, &mut context),
        Command::Scope(command) => scope::run(command, &mut context),
        Command::Owner(command) => owner::run(command, &mut context),
        Command::ResourceServer(command) => resource_server::run(command, &mut context),
        Command::Grant(command) => grant::run(command, &mut context),
        Command::Token(command) => token::run(command, &mut context),
        Command::Access(command) => access::run(command, &mut context),
        Command::Apply(opts) => apply::run(&opts, &mut context),
        Command::Export => export::run(&mut context),
        Command::Login(opts) => login::run(&opts, &mut context),
        Command::Run(opts) => run::run(&opts, &mut context),
        Command::Dev(command) => dev::run(command, &mut context),
        Command::Serve(opts) => serve::run(
            opts.dev.as_ref(),
            move || load_settings(command_line.clone()),
            &loaded,
            &mut context,
        ),
        Command::Demo(opts) => demo::run(&opts, &mut context),
        Command::Explain(opts) => explain::run(&opts, &mut context),
        Command::Audit(command) => audit::run(command, &mut context),
        Command::Backup(opts) => backup::run(&opts, &mut context),
        Command::Doctor(_) => doctor::run(&loaded, refusal.as_ref(), &mut context),
        Command::Config(command) => configuration::run(&command, &loaded, refusal.as_ref(), &mut context),
        Command::Pages(command) => pages::run(&command, &mut context),
        Command::Example(command) => example::run(&command, &loaded, &mut context),
        Command::Completions(opts) => completions::run(&opts, &mut context),
        Command::Man(opts) => man::run(&opts, &mut context),
    };
    let (options, is_new) = (context.store_options(), context.is_new_database);
    match result.and_then(|()| stdout.flush().map_err(CliError::io("write to stdout"))) {
        // Whoever read the output has had enough of it.
        Err(CliError::Io { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| {
            error
                .of_ended_server(&database)
                .of_database(&database)
                .looked_for_in(&options, is_new)
        }),
    }
}

/// Reads the settings from where this process has them. The outer error is of the process, the inner of the settings.
fn load_settings(command_line: CommandLine) -> Result<Result<Loaded, ConfigError>, CliError> {
    Ok(config::load(&Sources {
        command_line,
        environment: std::env::vars_os().collect(),
        working_directory: std::env::current_dir().map_err(CliError::io("find the working directory"))?,
        system_file: Some(config::SYSTEM_FILE.into()),
    }))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        super::Cli::command().debug_assert();
    }
}
