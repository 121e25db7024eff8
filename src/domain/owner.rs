//! Resource owners: the people who approve or deny (RFC 6749 §1.1).

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::domain::password::PasswordHash;

/// What a resource owner signs in with: 1 to 100 characters without white space or control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// The username as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("1 to 100 characters without white space and control characters are expected")]
pub struct NotAUsername;

impl FromStr for Username {
    type Err = NotAUsername;

    fn from_str(text: &str) -> Result<Self, NotAUsername> {
        // A username is sent back to proxies in a header and compared by people: what `Name` refuses is refused here too.
        let shown: crate::domain::text::Name = text.parse().map_err(|_| NotAUsername)?;
        if shown.as_str() == text && !text.chars().any(char::is_whitespace) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAUsername)
        }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a resource owner's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerKey(pub i64);

/// A resource owner.
#[derive(Debug, Clone)]
pub struct ResourceOwner {
    /// Key of the row.
    pub key: OwnerKey,
    /// What they sign in with.
    pub username: Username,
    /// Hash of the password.
    pub password_hash: PasswordHash,
    /// Whether they may sign in, and their tokens work.
    pub enabled: bool,
    /// When they were added.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        for good in ["alice", "alice@example.org", "ålice", "O'Neil"] {
            assert!(good.parse::<Username>().is_ok(), "{good}");
        }
        for bad in ["", " alice", "al ice", "alice\n", "a\u{202e}b", &"x".repeat(101)] {
            assert_eq!(bad.parse::<Username>(), Err(NotAUsername), "{bad:?}");
        }
    }
}
