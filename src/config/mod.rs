//! Floor 1: the settings, and where they come from.
//!
//! Strongest first: an option of the command line, a variable of the environment
//! (`OAUTHCTL_<SECTION>_<KEY>`), the configuration file, the default. What is written down is checked even
//! where something stronger replaces it.
//!
//! [`keys::KEYS`] is the one list of what can be set: the file, the environment, the suggestions for a
//! misspelt key, the example file and what is shown to people all follow it.

pub mod declaration;
pub mod error;
pub mod keys;
pub mod settings;
pub mod value;

mod environment;
mod file;
mod nearest;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::domain::issuer::Issuer;

pub use error::ConfigError;
pub use keys::{KEYS, Key};
pub use settings::{LogFormat, LogLevel, Pages, Protection, RefreshRetryWindow, RequestFrom, Settings};
pub use value::Value;

use value::Given;

/// Where the configuration of the whole machine lies.
pub const SYSTEM_FILE: &str = "/etc/oauthctl/oauthctl.toml";

/// What options say about the settings.
#[derive(Debug, Default, Clone)]
pub struct CommandLine {
    /// `--config`: the configuration file, which must then exist.
    pub config: Option<PathBuf>,
    /// `--database`: stands for `database.path`.
    pub database: Option<PathBuf>,
    /// `--listen`: stands for `server.listen`.
    pub listen: Option<SocketAddr>,
    /// `--issuer`: stands for `server.issuer`.
    pub issuer: Option<Issuer>,
}

/// Everything that settings may come from. Nothing is read from the process itself.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    /// The options.
    pub command_line: CommandLine,
    /// The variables of the environment. One that is empty counts as not set.
    pub environment: BTreeMap<OsString, OsString>,
    /// The directory in which `oauthctl.toml` is looked for, and which a relative `--config` starts from.
    pub working_directory: PathBuf,
    /// The file that is read where there is none nearer: [`SYSTEM_FILE`], or none.
    pub system_file: Option<PathBuf>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// An option, such as `--listen`.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Option(name) => f.write_str(name),
        }
    }
}

/// The settings in force, and how they came about.
#[derive(Debug, Default, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
    origins: BTreeMap<(&'static str, &'static str), Origin>,
}

impl Loaded {
    /// Where the value of `key` came from.
    pub fn origin(&self, key: &Key) -> &Origin {
        self.origins
            .get(&(key.section, key.name))
            .unwrap_or(&Origin::Default)
    }

    /// Every key with its value in force and where that came from, in the order of the example file.
    pub fn entries(&self) -> impl Iterator<Item = (&'static Key, Value, &Origin)> {
        KEYS.iter()
            .map(|key| (key, key.value(&self.settings), self.origin(key)))
    }

    fn set(&mut self, key: &'static Key, given: Given<'_>, origin: Origin) -> Result<(), ConfigError> {
        if let Err(reason) = key.set(&mut self.settings, given) {
            return Err(ConfigError::Value {
                origin,
                key: key.to_string(),
                reason,
            });
        }
        self.settle(key.section, key.name, origin);
        Ok(())
    }

    fn set_database(&mut self, path: &Path, origin: Origin) -> Result<(), ConfigError> {
        match value::database_path(path.to_owned()) {
            Ok(path) => self.settings.database.path = path,
            Err(reason) => {
                return Err(ConfigError::Value {
                    origin,
                    key: "database.path".to_owned(),
                    reason,
                });
            }
        }
        self.settle("database", "path", origin);
        Ok(())
    }

    fn settle(&mut self, section: &'static str, name: &'static str, origin: Origin) {
        self.origins.insert((section, name), origin);
    }
}

/// Reads the settings.
///
/// The configuration file is the first of: `--config`, `OAUTHCTL_CONFIG`, `oauthctl.toml` in the working
/// directory, `$XDG_CONFIG_HOME/oauthctl/oauthctl.toml` (`$HOME/.config` without that variable), the file of
/// the system.
///
/// # Errors
/// [`ConfigError`] for a file that was named and is not there, for any file that cannot be read, and for the
/// first key or value that is refused.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut loaded = Loaded::default();
    if let Some(found) = file::find(sources)? {
        file::apply(&mut loaded, &found)?;
        loaded.file = Some(found.path);
    }
    environment::apply(&mut loaded, &sources.environment)?;

    let options = &sources.command_line;
    if let Some(path) = &options.database {
        loaded.set_database(path, Origin::Option("--database"))?;
    }
    if let Some(listen) = options.listen {
        loaded.settings.server.listen = listen;
        loaded.settle("server", "listen", Origin::Option("--listen"));
    }
    if let Some(issuer) = &options.issuer {
        loaded.settings.server.issuer = Some(issuer.clone());
        loaded.settle("server", "issuer", Origin::Option("--issuer"));
    }
    check_together(&loaded)?;
    Ok(loaded)
}

/// The settings that a configuration file with these `bytes` makes by itself. No file is read: `path` is what
/// messages name.
///
/// # Errors
/// [`ConfigError`] as for [`load`].
pub fn of_file(path: &Path, bytes: Vec<u8>) -> Result<Loaded, ConfigError> {
    let mut loaded = Loaded::default();
    let found = file::found(path, bytes)?;
    file::apply(&mut loaded, &found)?;
    loaded.file = Some(found.path);
    check_together(&loaded)?;
    Ok(loaded)
}

/// Refuses values that are accepted each by itself and not together.
fn check_together(loaded: &Loaded) -> Result<(), ConfigError> {
    let settings = &loaded.settings;
    let refuse = |at: (&'static str, &'static str), key: &str, reason: String| ConfigError::Value {
        origin: loaded.origins.get(&at).cloned().unwrap_or(Origin::Default),
        key: key.to_owned(),
        reason,
    };
    let (certificate, private_key) = (("tls", "certificate"), ("tls", "private_key"));
    match (&settings.tls.certificate, &settings.tls.private_key) {
        (Some(_), None) => {
            let reason = "is needed as well: a certificate without its private key is of no use";
            return Err(refuse(certificate, "tls.private_key", reason.to_owned()));
        }
        (None, Some(_)) => {
            let reason = "is needed as well: a private key without its certificate is of no use";
            return Err(refuse(private_key, "tls.certificate", reason.to_owned()));
        }
        _ => {}
    }
    let listen = settings.server.listen;
    let issuer = settings
        .issuer_at(listen)
        .map_err(|refusal| refuse(("server", "listen"), "server.issuer", refusal.to_string()))?;
    // `None` is the business of `serve`: the settings are also read by commands that listen to nobody.
    let by_tls_only = match settings.protection() {
        Some(Protection::Tls) => Some("the server speaks TLS"),
        Some(Protection::Proxy) => Some("other machines reach the server by its proxy"),
        Some(Protection::Loopback) | None => None,
    };
    if let Some(why) = by_tls_only
        && !issuer.is_https()
    {
        let reason =
            format!("`{issuer}` is not `https`, and {why}; write `https://` and the name of the server");
        return Err(refuse(("server", "issuer"), "server.issuer", reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
