//! A database in which nothing is found because there is nothing in it: perhaps another one is meant.

use std::fmt;

use crate::store::{self, StoreOptions};

/// How another database is named.
pub(super) const ANOTHER: &str = "OAUTHCTL_DATABASE or --database names another database";

/// How little there is in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bareness {
    /// The command made it.
    New,
    /// Nothing was ever put in, or nothing is left.
    Empty,
}

impl Bareness {
    /// Looks, without changing anything. What cannot be looked into is not called bare.
    pub(super) fn of(options: &StoreOptions, is_new: bool) -> Option<Self> {
        if is_new {
            return Some(Self::New);
        }
        matches!(store::is_empty(options), Ok(true)).then_some(Self::Empty)
    }
}

impl fmt::Display for Bareness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "is new",
            Self::Empty => "is empty",
        })
    }
}
