//! Grants: one approval by one resource owner for one client, with all codes and tokens that came of it.

use crate::clock::Timestamp;
use crate::domain::client::ClientKey;
use crate::domain::identifier::Identifier;
use crate::domain::owner::OwnerKey;
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
}

impl EndCause {
    /// Every cause, for reading rows.
    pub const ALL: [Self; 4] = [
        Self::RefreshTokenRevoked,
        Self::CodeReplayed,
        Self::RefreshTokenReused,
        Self::TakenBack,
    ];

    /// The name under which it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::RefreshTokenRevoked => "refresh_token_revoked",
            Self::CodeReplayed => "code_replayed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::TakenBack => "taken_back",
        }
    }
}
