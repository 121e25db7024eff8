//! The one table from errors to exit codes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::bareness::{ANOTHER, Bareness};
use super::scratch_directory::{self, Purpose};
use crate::authorization_server::{AdministrationError, Failure, Noun};
use crate::config::ConfigError;
use crate::http::tls::PairError;
use crate::store::{BackupError, StoreError, StoreOptions};

/// Something failed.
const FAILURE: u8 = 1;
/// Wrong usage, or a value that is refused.
const USAGE: u8 = 2;
/// The named thing does not exist.
const NOT_FOUND: u8 = 3;
/// It exists already.
const EXISTS: u8 = 4;
/// Confirmation is needed, and nobody is there to give it.
const NOT_CONFIRMED: u8 = 5;
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
    /// The certificate or its private key cannot be used.
    #[error(transparent)]
    Tls(#[from] PairError),
    /// A use case refused.
    #[error(transparent)]
    Administration(#[from] AdministrationError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that must be new is there already.
    #[error("{} exists already, and a secret is never written over a file; name another one", .0.display())]
    FileExists(PathBuf),
    /// A page that would be written over is there already.
    #[error("{} exists already; nothing was written", .0.display())]
    PageExists(PathBuf),
    /// Something was registered, and then its secret had no place to go.
    #[error("`{id}` is registered, but its secret could not be handed over and is lost: {cause}")]
    SecretLost {
        /// What was registered.
        id: String,
        /// What went wrong.
        cause: Box<CliError>,
    },
    /// The store failed, in words that do not say which file.
    #[error("{}: {error}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: StoreError,
    },
    /// The named thing does not exist, and next to nothing does: perhaps another database is meant.
    #[error("{error} in {}, which {bareness}", path.display())]
    NotThere {
        /// What is missing.
        error: AdministrationError,
        /// Where it was looked for.
        path: PathBuf,
        /// How little there is.
        bareness: Bareness,
    },
    /// There is no database to look into, and looking makes none.
    #[error("there is no database {}", .0.display())]
    NoDatabase(PathBuf),
    /// The database went away with the server that had it to itself.
    #[error("{} with the database {} has ended, and took it along", ended.server(), path.display())]
    Gone {
        /// The database.
        path: PathBuf,
        /// What it was there for.
        ended: Purpose,
    },
    /// What somebody declared in a file cannot be done.
    #[error("{place}: {error}")]
    Declared {
        /// The file and the line.
        place: String,
        /// Why not.
        error: AdministrationError,
    },
    /// A development server knows nothing of that name.
    #[error("{0}")]
    NotRemembered(String),
    /// Confirmation is needed, and nobody is there to give it.
    #[error("{0} Give --yes to say so; nothing was changed")]
    NotConfirmed(String),
    /// Somebody was asked, and said no.
    #[error("nothing was changed")]
    Declined,
    /// A command was run, and its exit code is this one; whatever there is to say, it has said.
    #[error("the command ended with {0}")]
    Ended(u8),
    /// A command could not be run.
    #[error("cannot run {program}: {error}")]
    NotRun {
        /// Its name.
        program: String,
        /// What a shell would end with.
        code: u8,
        /// What the system said.
        error: io::Error,
    },
    /// The check says no; it has said why.
    #[error("denied")]
    Denied,
    /// The check says no, in these words.
    #[error("{0}")]
    CheckFailed(String),
    /// A backup cannot be made.
    #[error(transparent)]
    Backup(#[from] BackupError),
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

    /// `-o id` prints no secret, and one that is made has to go somewhere.
    pub(super) fn id_loses_secret() -> Self {
        Self::Usage("-o id would lose the secret; add --secret-file FILE to keep it".to_owned())
    }

    /// This error, where it also means that the secret of `id` is lost.
    pub(super) fn loses_secret_of(self, id: &str) -> Self {
        Self::SecretLost {
            id: id.to_owned(),
            cause: Box::new(self),
        }
    }

    /// This error with the file in it, where the store failed and did not name it.
    pub(super) fn of_database(self, path: &Path) -> Self {
        match self {
            Self::Store(error)
            | Self::Backup(BackupError::Database(error))
            | Self::Administration(AdministrationError::Failed(Failure::Store(error)))
                if !error.names_file() =>
            {
                Self::Database {
                    path: path.to_owned(),
                    error,
                }
            }
            other => other,
        }
    }

    /// This error with the database in it, where a thing was not found because next to nothing is there.
    pub(super) fn looked_for_in(self, options: &StoreOptions, is_new: bool) -> Self {
        let Self::Administration(error @ AdministrationError::NotFound { nearest: None, .. }) = self else {
            return self;
        };
        match Bareness::of(options, is_new) {
            Some(bareness) => Self::NotThere {
                error,
                path: options.path.clone(),
                bareness,
            },
            None => Self::Administration(error),
        }
    }

    /// This error, where its reason is that the server of a scratch database has ended: a shell has its variables still.
    pub(super) fn of_ended_server(self, database: &Path) -> Self {
        match (&self, scratch_directory::ended(database)) {
            (Self::Store(StoreError::NoDirectory(..)) | Self::NoDatabase(_), Some(ended)) => Self::Gone {
                path: database.to_owned(),
                ended,
            },
            _ => self,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Administration(error) | Self::Declared { error, .. } => match error {
                AdministrationError::Refused(_) => USAGE,
                AdministrationError::NotFound { .. } => NOT_FOUND,
                AdministrationError::Exists { .. } | AdministrationError::InUse { .. } => EXISTS,
                AdministrationError::Failed(_) => FAILURE,
            },
            Self::Usage(_) | Self::Config(_) | Self::Tls(_) => USAGE,
            Self::FileExists(_) | Self::PageExists(_) | Self::Backup(BackupError::Exists(_)) => EXISTS,
            Self::NotRemembered(_) | Self::NotThere { .. } | Self::NoDatabase(_) => NOT_FOUND,
            Self::NotConfirmed(_) => NOT_CONFIRMED,
            Self::Ended(code) | Self::NotRun { code, .. } => *code,
            Self::Denied | Self::CheckFailed(_) => DENIED,
            Self::Declined
            | Self::Store(_)
            | Self::Database { .. }
            | Self::Backup(_)
            | Self::SecretLost { .. }
            | Self::Gone { .. }
            | Self::Io { .. }
            | Self::Failed(_) => FAILURE,
        }
    }

    /// What to type next, where that is known.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Administration(AdministrationError::NotFound {
                noun, nearest: None, ..
            })
            | Self::Declared {
                error:
                    AdministrationError::NotFound {
                        noun, nearest: None, ..
                    },
                ..
            } => Some(match noun {
                Noun::Scope => {
                    "`oauthctl scope list` shows those that are defined, `oauthctl scope define` defines another"
                }
                Noun::Client => "`oauthctl client list` shows those that are registered",
                Noun::Owner => "`oauthctl owner list` shows those that were added",
                Noun::Resource | Noun::ResourceServer => {
                    "`oauthctl resource-server list` shows those that are registered"
                }
                Noun::Secret | Noun::RedirectUri => "`oauthctl client show` shows those that there are",
                Noun::Opening => "`oauthctl scope show` shows those that there are",
                Noun::Grant => "`oauthctl grant list` shows those that there are",
                Noun::Token => "`oauthctl token list` shows those that there are",
            }),
            Self::Administration(AdministrationError::Exists { noun, .. }) => Some(match noun {
                Noun::Client => "give another --client-id, or --if-not-exists to leave it as it is",
                Noun::Scope => "`oauthctl scope show` shows what it opens; give the new one another name",
                Noun::Owner => "give the new one another username",
                Noun::Resource => {
                    "`oauthctl resource-server list` shows which; `resource-server update --no-resource` takes it away"
                }
                _ => "give the new one another name or ID",
            }),
            Self::NotThere { .. } | Self::NoDatabase(_) => Some(ANOTHER),
            Self::Gone { ended, .. } => Some(ended.next()),
            Self::PageExists(_) => {
                Some("name another directory, or give --force to write over what is there")
            }
            Self::Io { error, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some("another program listens there; `--listen 127.0.0.1:0` takes a free port")
            }
            _ => None,
        }
    }
}

/// Prints an error once, on stderr, and gives its exit code.
pub(super) fn report(error: &CliError, colored: bool, stderr: &mut dyn Write) -> ExitCode {
    if !matches!(error, CliError::Denied | CliError::Ended(_)) {
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
