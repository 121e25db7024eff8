//! The audit trail: who did what, to what, when and from where. Never a secret.
//!
//! Entries are chained: each holds a SHA-256 over itself and the hash of the entry before it. Whoever changes or removes
//! an entry has to write every later one anew.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user of the machine, at the command line.
    Operator(String),
    /// A resource owner, by username.
    Owner(String),
    /// A client, by identifier. Where its secret was wrong, whoever claimed to be it.
    Client(String),
    /// A resource server, by identifier. Where its secret was wrong, whoever claimed to be it.
    ResourceServer(String),
    /// The program itself.
    Program,
}

impl Actor {
    /// The kind, as it is stored and shown.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Operator(_) => "operator",
            Self::Owner(_) => "owner",
            Self::Client(_) => "client",
            Self::ResourceServer(_) => "resource_server",
            Self::Program => "program",
        }
    }

    /// The name within its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Operator(name) | Self::Owner(name) | Self::Client(name) | Self::ResourceServer(name) => {
                name
            }
            Self::Program => "oauthctl",
        }
    }
}

/// From where something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The command line of this machine.
    CommandLine,
    /// A connection from this address.
    Address(IpAddr),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// What was done or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `client register`.
    ClientRegistered,
    /// `client update`.
    ClientUpdated,
    /// `client enable`.
    ClientEnabled,
    /// `client disable`.
    ClientDisabled,
    /// `client delete`.
    ClientDeleted,
    /// A new secret of a client or a resource server.
    SecretRotated,
    /// A secret that was ended at once.
    SecretRetired,
    /// `scope define`.
    ScopeDefined,
    /// `scope update`.
    ScopeUpdated,
    /// `scope delete`.
    ScopeDeleted,
    /// `owner add`.
    OwnerAdded,
    /// `owner set-password`.
    PasswordSet,
    /// A resource owner changed their own password.
    PasswordChanged,
    /// `owner enable`.
    OwnerEnabled,
    /// `owner disable`.
    OwnerDisabled,
    /// `owner delete`.
    OwnerDeleted,
    /// `resource-server register`.
    ResourceServerRegistered,
    /// `resource-server update`.
    ResourceServerUpdated,
    /// `resource-server delete`.
    ResourceServerDeleted,
    /// A resource owner signed in.
    SignedIn,
    /// A resource owner signed out of every browser at once.
    SignedOutEverywhere,
    /// A resource owner wants to be asked again.
    ApprovalForgotten,
    /// A resource owner approved, or had done so and wanted it remembered.
    Approved,
    /// A resource owner denied.
    Denied,
    /// A grant ended before its time: taken back, or revoked.
    GrantRevoked,
    /// `dev expire`: what came of a grant was made to expire.
    GrantExpired,
    /// `dev rotate`: the refresh token of a grant was used up, as if by somebody else.
    GrantRotated,
    /// `dev clock`: the clock of a development server was moved, and with it the instants of later entries.
    ClockMoved,
    /// `serve --dev` made the database: the first entry of every database that it may have.
    DevelopmentBegun,
    /// Tokens were revoked.
    TokenRevoked,
    /// Ended tokens were removed.
    TokensPruned,
    /// A code was exchanged a second time; its grant ended.
    CodeReplayed,
    /// A refresh token was used after its successor; its grant ended.
    RefreshTokenReused,
    /// A wrong secret for a client or a resource server that exists.
    WrongSecret,
    /// A wrong password for a resource owner who exists.
    WrongPassword,
    /// So many failures that the name has to wait at that address.
    Throttled,
}

impl Action {
    /// The name under which it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientRegistered => "client.register",
            Self::ClientUpdated => "client.update",
            Self::ClientEnabled => "client.enable",
            Self::ClientDisabled => "client.disable",
            Self::ClientDeleted => "client.delete",
            Self::SecretRotated => "secret.rotate",
            Self::SecretRetired => "secret.retire",
            Self::ScopeDefined => "scope.define",
            Self::ScopeUpdated => "scope.update",
            Self::ScopeDeleted => "scope.delete",
            Self::OwnerAdded => "owner.add",
            Self::PasswordSet => "owner.set_password",
            Self::PasswordChanged => "owner.change_password",
            Self::OwnerEnabled => "owner.enable",
            Self::OwnerDisabled => "owner.disable",
            Self::OwnerDeleted => "owner.delete",
            Self::ResourceServerRegistered => "resource_server.register",
            Self::ResourceServerUpdated => "resource_server.update",
            Self::ResourceServerDeleted => "resource_server.delete",
            Self::SignedIn => "owner.sign_in",
            Self::SignedOutEverywhere => "owner.sign_out_everywhere",
            Self::ApprovalForgotten => "approval.forget",
            Self::Approved => "grant.approve",
            Self::Denied => "grant.deny",
            Self::GrantRevoked => "grant.revoke",
            Self::GrantExpired => "grant.expire",
            Self::GrantRotated => "grant.rotate",
            Self::ClockMoved => "clock.move",
            Self::DevelopmentBegun => "development.begin",
            Self::TokenRevoked => "token.revoke",
            Self::TokensPruned => "token.prune",
            Self::CodeReplayed => "refused.code_replayed",
            Self::RefreshTokenReused => "refused.refresh_token_reused",
            Self::WrongSecret => "refused.wrong_secret",
            Self::WrongPassword => "refused.wrong_password",
            Self::Throttled => "refused.throttled",
        }
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `client`, `scope`, `owner`, `resource_server`, `grant`, `token`, `store` or `clock`.
    pub kind: &'static str,
    /// Its identifier.
    pub id: String,
}

impl Subject {
    /// A thing of a kind.
    pub fn new(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self {
            kind,
            id: id.to_string(),
        }
    }
}

/// Something that was done or refused, before it has a place in the chain.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// From where.
    pub source: Source,
    /// What.
    pub action: Action,
    /// To what.
    pub subject: Subject,
    /// More, as JSON; never a secret.
    pub detail: serde_json::Map<String, serde_json::Value>,
}

/// An entry as it is stored: the texts that its hash is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the chain, from 1 without gaps.
    pub entry: i64,
    /// When.
    pub at: Timestamp,
    /// [`Actor::kind`].
    pub actor_kind: String,
    /// [`Actor::name`].
    pub actor: String,
    /// [`Source`] as text.
    pub source: String,
    /// [`Action::name`].
    pub action: String,
    /// [`Subject::kind`].
    pub subject_kind: String,
    /// [`Subject::id`].
    pub subject: String,
    /// A JSON object as text.
    pub detail: String,
}

/// The hash before the first entry.
pub const CHAIN_START: [u8; 32] = [0; 32];

impl AuditEntry {
    /// The entry of an event at a place in the chain.
    pub fn new(entry: i64, event: &Event) -> Self {
        Self {
            entry,
            at: event.at,
            actor_kind: event.actor.kind().to_owned(),
            actor: event.actor.name().to_owned(),
            source: event.source.to_string(),
            action: event.action.name().to_owned(),
            subject_kind: event.subject.kind.to_owned(),
            subject: event.subject.id.clone(),
            detail: serde_json::Value::Object(event.detail.clone()).to_string(),
        }
    }

    /// The hash of this entry after one with the hash `previous`: over each field with its length before it.
    pub fn hash_after(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        hasher.update(self.entry.to_be_bytes());
        hasher.update(self.at.as_millis().to_be_bytes());
        for text in [
            &self.actor_kind,
            &self.actor,
            &self.source,
            &self.action,
            &self.subject_kind,
            &self.subject,
            &self.detail,
        ] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> AuditEntry {
        let event = Event {
            at: Timestamp::from_millis(1_700_000_000_000),
            actor: Actor::Operator("root".to_owned()),
            source: Source::CommandLine,
            action: Action::ClientDisabled,
            subject: Subject::new("client", "orders-web"),
            detail: serde_json::Map::new(),
        };
        AuditEntry::new(7, &event)
    }

    #[test]
    fn every_field_and_the_entry_before_it_are_under_the_hash() {
        let hash = entry().hash_after(&CHAIN_START);
        assert_eq!(entry().hash_after(&CHAIN_START), hash);
        assert_ne!(entry().hash_after(&hash), hash);
        let changes: [fn(&mut AuditEntry); 10] = [
            |e| e.entry = 8,
            |e| e.at = Timestamp::from_millis(1),
            |e| e.actor_kind.push('x'),
            |e| e.actor.push('x'),
            |e| e.source.push('x'),
            |e| e.action.push('x'),
            |e| e.subject_kind.push('x'),
            |e| e.subject.push('x'),
            |e| e.detail.push('x'),
            // A character that moves from one field to the next.
            |e| {
                e.subject_kind = "clien".to_owned();
                e.subject = "torders-web".to_owned();
            },
        ];
        for (position, change) in changes.into_iter().enumerate() {
            let mut other = entry();
            change(&mut other);
            assert_ne!(other.hash_after(&CHAIN_START), hash, "change {position}");
        }
    }
}
