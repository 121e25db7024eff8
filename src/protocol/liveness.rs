//! Whether an access token is active at this moment (RFC 7662 §2.2).

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::domain::grant::GrantEnd;
use crate::domain::owner::Username;
use crate::domain::registration::ClientRecord;
use crate::domain::resource::Resource;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::SecretHash;
use crate::domain::token::AccessToken;

/// An access token with all that its life hangs on, from one snapshot.
#[derive(Debug, Clone)]
pub struct AccessRecord {
    /// The token.
    pub token: AccessToken,
    /// The end of the grant that it came of, where that came before its time.
    pub grant_end: Option<GrantEnd>,
    /// Who holds it.
    pub client: Arc<ClientRecord>,
    /// Who approved.
    pub owner: Username,
    /// Whether the resource owner may do anything at all.
    pub owner_enabled: bool,
}

/// Why a token is not active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inactive {
    /// No such token, or not the right secret.
    #[error("the access token is not one of ours")]
    Unknown,
    /// Its life has ended.
    #[error("the access token has expired")]
    Expired,
    /// It, or the approval behind it, was revoked.
    #[error("the access token has been revoked")]
    Revoked,
    /// Its client is disabled.
    #[error("the client is disabled")]
    ClientDisabled,
    /// Its resource owner is disabled.
    #[error("the resource owner is disabled")]
    OwnerDisabled,
    /// It is bound to other resources than the one at which it is shown (RFC 8707 §2).
    #[error("the access token is for another resource")]
    AnotherResource,
}

impl AccessRecord {
    /// Whether the token with this secret is active.
    pub fn liveness(&self, presented: &SecretHash, now: Timestamp) -> Result<(), Inactive> {
        if !self.token.secret_hash.matches(presented) {
            Err(Inactive::Unknown)
        } else if self.token.revoked_at.is_some() || self.grant_end.is_some() {
            Err(Inactive::Revoked)
        } else if now >= self.token.expires_at {
            Err(Inactive::Expired)
        } else if !self.client.enabled {
            Err(Inactive::ClientDisabled)
        } else if !self.owner_enabled {
            Err(Inactive::OwnerDisabled)
        } else {
            Ok(())
        }
    }

    /// Whether it is good at the resource at which it is shown. Where that is not known, it is.
    pub fn good_at(&self, resource: Option<&Resource>) -> Result<(), Inactive> {
        match resource {
            Some(resource) if !self.token.resources.admits(resource) => Err(Inactive::AnotherResource),
            _ => Ok(()),
        }
    }

    /// What is in force of the token's scope: what its client may still have.
    pub fn scope_in_force(&self) -> ScopeSet {
        self.token.scope.intersection(&self.client.settings.scopes)
    }
}
