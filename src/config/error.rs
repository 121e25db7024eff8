//! Why settings are refused.

use std::io;
use std::path::PathBuf;

use super::Origin;

/// Why there are no settings. The message is one line that names the place, what is wrong and what is
/// accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that somebody named is not there.
    #[error("{path}: no such configuration file; {by} names it", path = path.display())]
    Missing {
        /// The file, as it was named.
        path: PathBuf,
        /// What named it: `--config` or `OAUTHCTL_CONFIG`.
        by: &'static str,
    },
    /// A configuration file that is there cannot be read.
    #[error("{path}: the configuration file cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file, as it was named.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{path}: the configuration file is larger than 1 MiB", path = path.display())]
    TooLarge {
        /// The file, as it was named.
        path: PathBuf,
    },
    /// The file is not text.
    #[error("{path}:{line}: the configuration file is not text in UTF-8", path = path.display())]
    NotText {
        /// The file, as it was named.
        path: PathBuf,
        /// The line of the first byte that is not UTF-8, from 1.
        line: usize,
    },
    /// The file is not TOML.
    #[error("{path}:{line}:{column}: {reason}", path = path.display())]
    Syntax {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// A section or a key that does not exist, or does not stand where it belongs.
    #[error("{origin}: {reason}")]
    Unknown {
        /// Where it stands.
        origin: Origin,
        /// What is wrong, and the nearest that is right.
        reason: String,
    },
    /// A value that is refused.
    #[error("{origin}: `{key}`: {reason}")]
    Value {
        /// Where it stands.
        origin: Origin,
        /// The key, such as `tokens.code_lifetime`.
        key: String,
        /// The value, and what is accepted.
        reason: String,
    },
    /// Two variables of the environment set the same.
    #[error("`{0}` and `{1}` both set `database.path`; leave one of them out")]
    Twice(&'static str, &'static str),
}
