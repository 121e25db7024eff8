//! A grant with all that came of it, and what is written down about that.

use super::{AdministrationError, AuthorizationServer, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, AuditEntry};
use crate::domain::identifier::Identifier;
use crate::domain::token::{TokenKind, TokenValue};
use crate::store::{AuditSelector, GrantListing, GrantSelector, ReadTransaction, Relative, StoreError};

/// The most codes and tokens that are told of, the newest.
const MOST: u32 = 500;

/// The most tokens about which the audit trail is asked, and the most entries about each.
const MOST_ASKED: usize = 20;
const MOST_ENTRIES: u32 = 50;

/// A grant and what came of it.
#[derive(Debug)]
pub struct Family {
    /// The grant.
    pub grant: GrantListing,
    /// Codes and tokens in the order in which they were issued; the newest 500.
    pub relatives: Vec<Relative>,
    /// What the audit trail says about the grant and about tokens of it that were revoked, also together with others; the
    /// oldest first.
    pub events: Vec<AuditEntry>,
    /// Which one was asked about.
    pub asked: Identifier,
    /// Whether the secret is that of the one that was asked about: it is not where somebody made the token up.
    pub is_genuine: bool,
    /// The instant for which all this was told.
    pub now: Timestamp,
}

impl AuthorizationServer {
    /// The family of a code or token.
    ///
    /// # Errors
    /// `NotFound` where there is none of that identifier: it never was, or it was pruned.
    pub fn family(&self, value: &TokenValue) -> Result<Family, AdministrationError> {
        let now = self.now();
        let (asked, presented) = (value.identifier(), value.secret().hash());
        self.store.read(|tx| {
            let found = match value.kind() {
                TokenKind::AuthorizationCode => tx.code(asked)?.map(|code| (code.grant, code.secret_hash)),
                TokenKind::AccessToken => tx
                    .access_token(asked)?
                    .map(|issued| (issued.token.grant, issued.token.secret_hash)),
                TokenKind::RefreshToken => tx
                    .refresh_token(asked)?
                    .map(|token| (token.grant, token.secret_hash)),
            };
            let unknown = || AdministrationError::not_found(Noun::Token, &asked.to_string(), []);
            let (grant, secret_hash) = found.ok_or_else(unknown)?;
            let selector = GrantSelector {
                identifier: Some(grant),
                ..GrantSelector::default()
            };
            let listing = tx.grants(&selector, None, 1, now)?.pop().ok_or_else(unknown)?;
            let relatives = tx.family(grant, MOST)?;
            let revoked = relatives.iter().filter(|one| one.revoked_at.is_some());
            let about = std::iter::once(grant).chain(revoked.map(|one| one.identifier));
            let mut events = Vec::new();
            for subject in about.take(MOST_ASKED) {
                let selector = AuditSelector {
                    subject: Some(subject.to_string()),
                    ..AuditSelector::default()
                };
                let entries = tx.audit_entries(&selector, 0, MOST_ENTRIES)?;
                events.extend(entries.into_iter().map(|stored| stored.entry));
            }
            let ends = relatives.iter().filter_map(|one| one.revoked_at);
            for at in listing.ended_at.into_iter().chain(ends).take(MOST_ASKED) {
                if !events.iter().any(|event| event.at == at) {
                    events.extend(revoked_together(tx, at, &relatives)?);
                }
            }
            events.sort_by_key(|entry| entry.entry);
            events.dedup_by_key(|entry| entry.entry);
            Ok::<_, AdministrationError>(Family {
                grant: listing,
                relatives,
                events,
                asked,
                is_genuine: secret_hash.matches(&presented),
                now,
            })
        })
    }
}

/// What is written down about tokens that were revoked together at `at`, with one of these among them.
fn revoked_together(
    tx: &ReadTransaction<'_>,
    at: Timestamp,
    relatives: &[Relative],
) -> Result<Option<AuditEntry>, StoreError> {
    let selector = AuditSelector {
        action: Some(Action::TokenRevoked.name().to_owned()),
        since: Some(at),
        ..AuditSelector::default()
    };
    let entries = tx.audit_entries(&selector, 0, MOST_ENTRIES)?.into_iter();
    let mut then = entries.map(|stored| stored.entry).filter(|entry| entry.at == at);
    let is_one = |id: &serde_json::Value| {
        let mut all = relatives.iter();
        all.any(|one| id.as_str() == Some(&one.identifier.to_string()))
    };
    Ok(then.find(|entry| {
        let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap_or_default();
        let is_listed = detail["tokens"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(is_one));
        is_listed || is_one(&serde_json::Value::String(entry.subject.clone()))
    }))
}
