//! Scope tokens, sets of them, and what a scope is defined to open.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::domain::coverage::Coverage;
use crate::domain::text::Description;

/// The longest scope token, in bytes.
pub const SCOPE_TOKEN_BYTES: usize = 128;

/// The most scope tokens in one set.
pub const SCOPE_SET_TOKENS: usize = 256;

/// One scope token (RFC 6749 §3.3): printable ASCII without space, `"` and `\`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeToken(String);

impl ScopeToken {
    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScopeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a scope token, or not a set of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A character outside of RFC 6749 §3.3, an empty token or one too long.
    #[error(
        "not a scope token: 1 to {SCOPE_TOKEN_BYTES} printable ASCII characters without space, `\"` and `\\` are expected"
    )]
    Token,
    /// More than [`SCOPE_SET_TOKENS`].
    #[error("more than {SCOPE_SET_TOKENS} scope tokens")]
    TooMany,
}

impl FromStr for ScopeToken {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if (1..=SCOPE_TOKEN_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ScopeError::Token)
        }
    }
}

/// A set of scope tokens, written in alphabetical order with single spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<ScopeToken>);

impl ScopeSet {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `token` is among them.
    pub fn contains(&self, token: &ScopeToken) -> bool {
        self.0.contains(token)
    }

    /// Whether each of these is among `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Those that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The tokens, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &ScopeToken> {
        self.0.iter()
    }
}

impl FromIterator<ScopeToken> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeToken>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl FromStr for ScopeSet {
    type Err = ScopeError;

    /// Reads the `scope` parameter (RFC 6749 §3.3); more than one space between tokens is forgiven.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut tokens = BTreeSet::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            tokens.insert(token.parse()?);
            if tokens.len() > SCOPE_SET_TOKENS {
                return Err(ScopeError::TooMany);
            }
        }
        Ok(Self(tokens))
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token.as_str())?;
        }
        Ok(())
    }
}

/// A scope as an administrator defined it.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Its name, as clients ask for it.
    pub token: ScopeToken,
    /// What the resource owner reads on the approval page.
    pub description: Description,
    /// The folders, services and routes that it opens.
    pub coverage: Coverage,
    /// When it was defined.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_written_in_one_way() {
        let set: ScopeSet = "stock:read  orders stock:read ".parse().unwrap();
        assert_eq!(set.to_string(), "orders stock:read");
        assert!("".parse::<ScopeSet>().unwrap().is_empty());
    }

    #[test]
    fn the_grammar_of_rfc_6749_3_3() {
        for good in ["a", "!", "#[", "]~", "orders:read", &"x".repeat(128)] {
            assert!(good.parse::<ScopeToken>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "\"", "\\", "é", "\t", "\u{7f}", &"x".repeat(129)] {
            assert_eq!(bad.parse::<ScopeToken>(), Err(ScopeError::Token), "{bad:?}");
        }
        assert_eq!("a\tb".parse::<ScopeSet>(), Err(ScopeError::Token));
        let many: Vec<String> = (0..257).map(|n| n.to_string()).collect();
        assert_eq!(many.join(" ").parse::<ScopeSet>(), Err(ScopeError::TooMany));
    }
}
