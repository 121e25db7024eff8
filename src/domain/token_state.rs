//! What has become of a token, as people ask about it.

use std::fmt;
use std::str::FromStr;

/// The state of a token at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It works, as far as it is for the token to say: its client or resource owner may be disabled.
    Active,
    /// Its life has ended.
    Expired,
    /// It, or its grant, was revoked.
    Revoked,
    /// A refresh token that has been used; its successor took its place.
    Rotated,
}

impl TokenState {
    /// All, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Active, Self::Expired, Self::Revoked, Self::Rotated];

    /// As options and JSON name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Rotated => "rotated",
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`active`, `expired`, `revoked` or `rotated` is expected")]
pub struct NotATokenState;

impl FromStr for TokenState {
    type Err = NotATokenState;

    fn from_str(text: &str) -> Result<Self, NotATokenState> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or(NotATokenState)
    }
}
