//! `run`: a command with a server of its own, which lasts as long as the command.

pub(in crate::cli) mod environment;
mod ignored;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};

use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;

use self::ignored::Ignored;
use super::context::Context;
use super::dev::scratch::Scratch;
use super::dev::seed::Seed;
use super::exit::CliError;
use super::log;
use crate::domain::excerpt::excerpt;

/// What a shell says of a command that it does not find.
const NOT_FOUND: u8 = 127;
/// What a shell says of a command that it cannot start.
const NOT_STARTED: u8 = 126;

#[derive(Debug, Args)]
#[command(override_usage = "oauthctl run [OPTIONS] -- <COMMAND>...")]
#[command(after_help = "Examples:\n  oauthctl run -- npm test\n  \
    oauthctl run --seed seed.toml -- pytest -q\n  \
    oauthctl run -- sh -c 'curl -s \"$OAUTH_METADATA_URL\"; oauthctl token list'\n  \
    oauthctl run -- sh -c './get-token; oauthctl dev clock advance 2h; ./use-token'\n\n\
    The command is told in variables of the environment\n  \
    of the server            OAUTH_ISSUER, OAUTH_METADATA_URL, OAUTH_AUTHORIZATION_ENDPOINT,\n                           \
    OAUTH_TOKEN_ENDPOINT, OAUTH_REVOCATION_ENDPOINT,\n                           \
    OAUTH_INTROSPECTION_ENDPOINT, OAUTH_CHECK_ENDPOINT\n  \
    of a client              OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAUTH_REDIRECT_URI, OAUTH_SCOPE\n  \
    to open in a browser     OAUTH_AUTHORIZE_URL; its code is exchanged with OAUTH_CODE_VERIFIER\n  \
    of a resource owner      OAUTH_USERNAME, OAUTH_PASSWORD\n  \
    of a resource server     OAUTH_RESOURCE_SERVER_ID, OAUTH_RESOURCE_SERVER_SECRET\n\
    and `oauthctl` in it means this server, by OAUTHCTL_DATABASE and OAUTHCTL_SERVER_ISSUER; also\n\
    `oauthctl dev`, which moves its clock and has its answers fail.\n\n\
    The server has a free port and a database of its own, which goes away with it, so that\n\
    runs at the same time do not meet. The exit code is the command's: 128 and the number of\n\
    the signal that ended it; 127 where there is no such command, 126 where it cannot be started.")]
pub(super) struct Opts {
    /// What the server begins with: a file as `apply` reads it, with resource owners [default: an example]
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// A command without `--` before it; only in order to say so
    #[arg(hide = true, num_args = 0.., allow_hyphen_values = true)]
    misplaced: Vec<OsString>,
    /// The command and its arguments
    #[arg(last = true, num_args = 1.., value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    if let Some(first) = opts.misplaced.first() {
        return Err(CliError::Usage(format!(
            "{} stands where options do; put `--` before the command: `oauthctl run -- COMMAND`",
            excerpt(&first.to_string_lossy())
        )));
    }
    if opts.command.is_empty() {
        return Err(CliError::Usage(
            "there is no command to run; it stands behind `--`: `oauthctl run -- COMMAND`".to_owned(),
        ));
    }
    let _log = log::start_quietly(context)?;
    let tokens = &context.settings.tokens;
    let seed = match &opts.seed {
        Some(path) => Seed::read(path, tokens)?,
        None => Seed::example(tokens)?,
    };
    // From here on a signal does not leave a database behind. One that is ignored does not, and stays ignored.
    let ignored = Ignored::at_start();
    let heard = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2].into_iter();
    let heard = heard.filter(|&signal| !ignored.contains(signal)).chain([SIGCHLD]);
    let mut signals = SignalsInfo::<WithOrigin>::new(heard).map_err(CliError::io("wait for signals"))?;
    let scratch = Scratch::start(seed)?;
    let played = scratch.open_control().and_then(|control| {
        let played = play(opts, &scratch, &mut signals);
        drop(control);
        played
    });
    let doing = format!("remove {}", scratch.database.display());
    let removed = scratch.remove().map_err(CliError::io(doing));
    let status = played?;
    removed?;
    match code(status) {
        0 => Ok(()),
        code => Err(CliError::Ended(code)),
    }
}

fn play(
    opts: &Opts,
    scratch: &Scratch,
    signals: &mut SignalsInfo<WithOrigin>,
) -> Result<ExitStatus, CliError> {
    let Some((program, arguments)) = opts.command.split_first() else {
        return Err(CliError::Usage("there is no command to run".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if environment::is_of_a_server(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.envs(environment::of(scratch)?);
    // Who ends this while the server starts means the command too, which has not heard it.
    if let Some(signal) = signals
        .pending()
        .map(|origin| origin.signal)
        .find(|&signal| ends(signal))
    {
        return Ok(ExitStatus::from_raw(signal));
    }
    let mut child = command.spawn().map_err(|error| CliError::NotRun {
        program: program.to_string_lossy().into_owned(),
        code: match error.kind() {
            io::ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_STARTED,
        },
        error,
    })?;
    wait(&mut child, signals).map_err(CliError::io("wait for the command"))
}

/// Whether a signal ends whoever does not handle it, as a user or a supervisor asks.
fn ends(signal: i32) -> bool {
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM].contains(&signal)
}

/// Whether the command has to be told of a signal. What is typed at the terminal, it is told by the terminal too; of a
/// hangup only the leader of the session is.
fn is_passed_on(signal: i32, is_by_process: bool) -> bool {
    signal != SIGCHLD && (is_by_process || signal == SIGHUP)
}

/// Waits for the end of the command, and passes signals on to it until then.
fn wait(child: &mut Child, signals: &mut SignalsInfo<WithOrigin>) -> io::Result<ExitStatus> {
    loop {
        // Nobody else waits for it, so until this has a status the number is the child's and no other process's.
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        for origin in signals.wait() {
            if !is_passed_on(origin.signal, origin.process.is_some()) {
                continue;
            }
            if let (Ok(signal), Ok(pid)) = (Signal::try_from(origin.signal), i32::try_from(child.id())) {
                // One that has ended is found above.
                let _ = kill(Pid::from_raw(pid), signal);
            }
        }
    }
}

/// The exit code, as a shell tells it.
fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn whoever_ends_it_before_the_command_is_run_has_nothing_run() {
        let mut signals = SignalsInfo::<WithOrigin>::new([SIGCHLD, SIGHUP]).unwrap();
        let scratch = Scratch::start(Seed::example(&Settings::default().tokens).unwrap()).unwrap();
        let opts = Opts {
            seed: None,
            misplaced: Vec::new(),
            command: vec!["true".into()],
        };
        assert_eq!(code(play(&opts, &scratch, &mut signals).unwrap()), 0);
        nix::sys::signal::raise(Signal::SIGHUP).unwrap();
        assert_eq!(code(play(&opts, &scratch, &mut signals).unwrap()), 129);
    }

    #[test]
    fn a_signal_reaches_the_command_once() {
        for (signal, is_by_process, expected) in [
            (SIGTERM, true, true),
            (SIGINT, true, true),
            (SIGINT, false, false),
            (SIGHUP, false, true),
            (SIGCHLD, true, false),
        ] {
            assert_eq!(is_passed_on(signal, is_by_process), expected, "{signal}");
        }
    }

    #[test]
    fn the_exit_code_is_the_one_of_a_shell() {
        for (status, expected) in [(0, 0), (7 << 8, 7), (255 << 8, 255), (15, 143), (9, 137)] {
            assert_eq!(code(ExitStatus::from_raw(status)), expected);
        }
    }
}
