//! Grants: one approval by one resource owner for one client, with all codes and tokens that came of it.

use crate::clock::Timestamp;
use crate::domain::client::ClientKey;
use crate::domain::identifier::Identifier;
use crate::domain::owner::OwnerKey;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;

/// An approval (the authorization grant of RFC 6749 §1.3).
#[derive(Debug, Clone)]
pub struct Grant {
    /// Key of the row.
    pub identifier: Identifier,
    /// The client that may act.
    pub client: ClientKey,
    /// The resource owner who approved.
    pub owner: OwnerKey,
    /// What was approved.
    pub scope: ScopeSet,
    /// Where its tokens may be used (RFC 8707).
    pub resources: ResourceSet,
    /// When it was approved.
    pub created_at: Timestamp,
    /// How often it was refreshed; repeated answers count once.
    pub refreshes: u32,
    /// Until when it may be refreshed; set when its code is exchanged by a client that may refresh.
    pub refresh_ends_at: Option<Timestamp>,
    /// Why and when it ended before its time, if it did.
    pub ended: Option<GrantEnd>,
}

/// The end of a grant before its time. All its tokens end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: EndCause,
}

/// What has become of a grant, as people ask about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// Its client can still act.
    Active,
    /// All that came of it has ended by itself.
    Expired,
    /// It ended before its time.
    Revoked,
}

impl GrantState {
    /// As options and JSON name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// The text is not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`active`, `expired` or `revoked` is expected")]
pub struct NotAGrantState;

impl std::str::FromStr for GrantState {
    type Err = NotAGrantState;

    fn from_str(text: &str) -> Result<Self, NotAGrantState> {
        let all = [Self::Active, Self::Expired, Self::Revoked];
        all.into_iter()
            .find(|state| state.name() == text)
            .ok_or(NotAGrantState)
    }
}

/// Why a grant ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// The client revoked its refresh token (RFC 7009 §2.1).
    RefreshTokenRevoked,
    /// Its code was exchanged a second time (RFC 6749 §4.1.2).
    CodeReplayed,
    /// A refresh token was used after its successor had been (RFC 9700 §4.14.2).
    RefreshTokenReused,
    /// The resource owner took it back.
    TakenBack,
    /// An administrator revoked it, or its refresh token.
    Administration,
}

impl EndCause {
    /// Every cause, for reading rows.
    pub const ALL: [Self; 5] = [
        Self::RefreshTokenRevoked,
        Self::CodeReplayed,
        Self::RefreshTokenReused,
        Self::TakenBack,
        Self::Administration,
    ];

    /// The name under which it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::RefreshTokenRevoked => "refresh_token_revoked",
            Self::CodeReplayed => "code_replayed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::TakenBack => "taken_back",
            Self::Administration => "administration",
        }
    }
}
