//! The one table from errors to exit codes.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::authorization_server::{AdministrationError, Failure, Noun};
use crate::config::ConfigError;
use crate::store::StoreError;

/// Something failed.
const FAILURE: u8 = 1;
/// Wrong usage, or a value that is refused.
const USAGE: u8 = 2;
/// The named thing does not exist.
const NOT_FOUND: u8 = 3;
/// It exists already.
const EXISTS: u8 = 4;
/// The check says no.
const DENIED: u8 = 6;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// Wrong usage, or a value that is refused.
    #[error("{0}")]
    Usage(String),
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A use case refused.
    #[error(transparent)]
    Administration(#[from] AdministrationError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that must be new is there already.
    #[error("{} exists already, and a secret is never written over a file; name another one", .0.display())]
    FileExists(PathBuf),
    /// The check says no; it has said why.
    #[error("denied")]
    Denied,
    /// The operating system refused.
    #[error("cannot {doing}: {error}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        error: io::Error,
    },
    /// Anything else.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self::Administration(failure.into())
    }
}

impl CliError {
    /// An error of the operating system, with what was tried.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Io { doing, error }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) | Self::Administration(AdministrationError::Refused(_)) => USAGE,
            Self::Administration(AdministrationError::NotFound { .. }) => NOT_FOUND,
            Self::Administration(AdministrationError::Exists { .. }) | Self::FileExists(_) => EXISTS,
            Self::Denied => DENIED,
            Self::Administration(AdministrationError::Failed(_))
            | Self::Store(_)
            | Self::Io { .. }
            | Self::Failed(_) => FAILURE,
        }
    }

    /// What to type next, where that is known.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Administration(AdministrationError::NotFound {
                noun,
                name,
                nearest: None,
            }) => Some(match noun {
                Noun::Scope => format!("define it with `oauthctl scope define {name} --folder …`"),
                Noun::Client => "`oauthctl client list` shows those that are registered".to_owned(),
                Noun::Owner => "`oauthctl owner list` shows those that were added".to_owned(),
                Noun::ResourceServer => {
                    "`oauthctl resource-server list` shows those that are registered".to_owned()
                }
            }),
            Self::Administration(AdministrationError::Exists {
                noun: Noun::Client, ..
            }) => Some("give another --client-id, or --if-not-exists to leave it as it is".to_owned()),
            _ => None,
        }
    }
}

/// Prints an error once, on stderr, and gives its exit code.
pub(super) fn report(error: &CliError, colored: bool, stderr: &mut dyn Write) -> ExitCode {
    if !matches!(error, CliError::Denied) {
        let label = if colored {
            "\x1b[1;31merror:\x1b[0m"
        } else {
            "error:"
        };
        // Where stderr is closed, the exit code still tells.
        let _ = writeln!(stderr, "{label} {error}");
        if let Some(hint) = error.hint() {
            let _ = writeln!(stderr, "{hint}");
        }
    }
    ExitCode::from(error.exit_code())
}
