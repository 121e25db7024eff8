//! Completion of a command line, also by what is in the database.
//!
//! A shell runs the program with the variable `COMPLETE` and the words so far after `--`. Whatever goes wrong then is
//! nobody's business but ours: nothing is completed, nothing is printed on stderr, and nothing is made or migrated.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{self as shells, EnvCompleter, Shells};

use super::context::authorization_server;
use super::shell::is_plain;
use crate::config::{self, CommandLine, Sources};
pub(super) use crate::store::NameKind as Kind;
use crate::store::{self, Store, StoreOptions};

/// The variable that asks for completions, with the name of the shell.
const VARIABLE: &str = "COMPLETE";

/// Whoever presses a key does not wait longer for somebody else's lock.
const PATIENCE: Duration = Duration::from_millis(200);

/// More than that on one screen help nobody.
const MOST: u32 = 200;

const SHELLS: Shells<'static> = Shells(&[
    &Bash,
    &shells::Zsh,
    &shells::Fish,
    &shells::Elvish,
    &shells::Powershell,
]);

/// Answers a shell that asks; `None` where none does, and the program is to do its work.
pub(super) fn answer() -> Option<ExitCode> {
    let shell = env::var_os(VARIABLE)?;
    let is_known = shell
        .to_str()
        .is_some_and(|name| SHELLS.completer(name).is_some());
    // A variable of that name that somebody else left in the environment is no reason not to serve.
    let is_asked = env::args_os().nth(1).is_some_and(|word| word == "--");
    if !(is_known && is_asked) {
        return None;
    }
    let answered = CompleteEnv::with_factory(super::Cli::command)
        .shells(SHELLS)
        .try_complete(env::args_os(), env::current_dir().ok().as_deref());
    Some(match answered {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// What a shell has to read; asks the program where it is started from now.
pub(super) fn script(shell: &str) -> io::Result<String> {
    let Some(shell) = SHELLS.completer(shell) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let called = PathBuf::from(env::args_os().next().unwrap_or_else(|| "oauthctl".into()));
    // A bare name is looked for in PATH, then too.
    let program = if called.components().count() > 1 {
        env::current_dir()?.join(called)
    } else {
        called
    };
    let mut script = Vec::new();
    shell.write_registration(
        VARIABLE,
        "oauthctl",
        "oauthctl",
        &program.to_string_lossy(),
        &mut script,
    )?;
    Ok(String::from_utf8_lossy(&script).trim_start().to_owned())
}

/// Completes an argument by the names of what there is of these kinds.
pub(super) fn any_of(kinds: &'static [Kind]) -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| kinds.iter().flat_map(|kind| names(*kind, typed)).collect())
}

fn names(kind: Kind, typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let found = look_up(kind, typed).unwrap_or_default();
    // What a shell would take for more than a word is not put into somebody's command line.
    found
        .into_iter()
        .filter(|(name, _)| is_plain(name))
        .map(|(name, about)| {
            let candidate = CompletionCandidate::new(name);
            candidate.help((!about.is_empty()).then(|| about.into()))
        })
        .collect()
}

fn look_up(kind: Kind, typed: &str) -> Option<Vec<(String, String)>> {
    let words: Vec<OsString> = env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let loaded = config::load(&Sources {
        command_line: CommandLine {
            config: option(&words, "--config"),
            database: option(&words, "--database"),
            ..CommandLine::default()
        },
        environment: env::vars_os().collect(),
        working_directory: env::current_dir().ok()?,
        system_file: Some(config::SYSTEM_FILE.into()),
    })
    .ok()?;
    let options = StoreOptions {
        path: loaded.settings.database.path.clone(),
        busy_timeout: PATIENCE,
        readers: 1,
        waiting_writes: 256,
    };
    if !store::is_up_to_date(&options).ok()? {
        return None;
    }
    let issuer = loaded.settings.issuer_at(loaded.settings.server.listen).ok()?;
    let server = authorization_server(Store::open(options).ok()?, issuer, &loaded.settings);
    server.names_beginning(kind, typed, MOST).ok()
}

/// The value of an option among words that need not be a whole command line yet.
fn option(words: &[OsString], name: &str) -> Option<PathBuf> {
    let separate = words.windows(2).find_map(|pair| match pair {
        [option, value] if option == name => Some(value.as_os_str()),
        _ => None,
    });
    let joined = words.iter().find_map(|word| {
        let value = word.to_str()?.strip_prefix(name)?.strip_prefix('=')?;
        Some(OsStr::new(value))
    });
    // A shell passes what was typed, and the tilde is only expanded when the line is run.
    separate.or(joined).map(expand_home)
}

fn expand_home(path: &OsStr) -> PathBuf {
    match (Path::new(path).strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Bash, which takes `orders:read` and `--client=x` for three words each; here each is one again.
struct Bash;

const BASH: &str = include_str!("complete.bash");

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        shells::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        shells::Bash.is(name)
    }

    fn write_registration(
        &self,
        _var: &str,
        _name: &str,
        _bin: &str,
        completer: &str,
        buf: &mut dyn io::Write,
    ) -> io::Result<()> {
        let program = super::shell::word(completer);
        buf.write_all(BASH.replace("@PROGRAM@", &program).as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn io::Write,
    ) -> io::Result<()> {
        shells::Bash.write_complete(cmd, args, current_dir, buf)
    }
}
