//! A grant with all that came of it, and what is written down about that.

use std::collections::BTreeSet;

use super::{AdministrationError, AuthorizationServer, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, AuditEntry, Subject};
use crate::domain::identifier::Identifier;
use crate::domain::scope::{ScopeSet, ScopeToken};
use crate::domain::token::{TokenKind, TokenValue};
use crate::store::{
    AuditSelector, GrantListing, GrantSelector, ReadTransaction, Relative, Relatives, StoreError,
};

/// The most codes and tokens that are told of, the newest.
const MOST: u32 = 500;

/// The most refresh tokens that led to the one asked about and are told of, however old they are.
const MOST_LED: u32 = 100;

/// The most instants for which the audit trail is searched for what was revoked together, and the most entries that are looked
/// at for each, or about each token.
const MOST_SEARCHED: usize = 20;
const MOST_ENTRIES: u32 = 50;

/// A grant and what came of it.
#[derive(Debug)]
pub struct Family {
    /// The grant.
    pub grant: GrantListing,
    /// Codes and tokens in the order in which they were made: the newest 500, the one asked about, the code, and the nearest
    /// 100 refresh tokens that led to the one asked about.
    pub relatives: Vec<Relative>,
    /// How many others there are.
    pub left_out: usize,
    /// The successors that there are, also those that are left out.
    pub successors: BTreeSet<Identifier>,
    /// What stands in the way of all of it at this moment.
    pub standing: Standing,
    /// What the audit trail says about the grant and about tokens of it that were revoked, also together with others; the
    /// oldest first.
    pub events: Vec<AuditEntry>,
    /// At how many instants something was revoked of which the audit trail was not asked who did it.
    pub unsearched: usize,
    /// Which one was asked about.
    pub asked: Identifier,
    /// Whether the secret is that of the one that was asked about: it is not where somebody made the token up.
    pub is_genuine: bool,
    /// The instant for which all this was told.
    pub now: Timestamp,
}

/// What all that came of a grant hangs on, beside itself.
#[derive(Debug)]
pub struct Standing {
    /// Whether the client may do anything at all.
    pub client_enabled: bool,
    /// Whether the resource owner may.
    pub owner_enabled: bool,
    /// Whether the client may refresh the grant once more.
    pub may_refresh: bool,
    /// What is in force of the scope of the one asked about: what its client may still have.
    pub scope_in_force: ScopeSet,
    /// What is not, each with whether it is still defined.
    pub lost: Vec<(ScopeToken, bool)>,
}

impl Standing {
    fn read(tx: &ReadTransaction<'_>, grant: &GrantListing, scope: &ScopeSet) -> Result<Self, StoreError> {
        let client = tx.client(&grant.client)?;
        let owner = tx.owner(&grant.owner)?;
        let settings = client.as_ref().map(|client| &client.settings);
        let scope_in_force =
            settings.map_or_else(ScopeSet::default, |settings| scope.intersection(&settings.scopes));
        let mut lost = Vec::new();
        for token in scope.iter().filter(|token| !scope_in_force.contains(token)) {
            lost.push((token.clone(), tx.scope(token)?.is_some()));
        }
        Ok(Self {
            client_enabled: client.as_ref().is_some_and(|client| client.enabled),
            owner_enabled: owner.is_some_and(|owner| owner.enabled),
            may_refresh: settings.is_some_and(|settings| settings.refresh.allows_another(grant.refreshes)),
            scope_in_force,
            lost,
        })
    }
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
                TokenKind::AuthorizationCode => {
                    tx.code(asked)?.map(|code| (code.grant, code.secret_hash, None))
                }
                TokenKind::AccessToken => tx.access_token(asked)?.map(|issued| {
                    let token = issued.token;
                    (token.grant, token.secret_hash, Some(token.scope))
                }),
                TokenKind::RefreshToken => tx
                    .refresh_token(asked)?
                    .map(|token| (token.grant, token.secret_hash, None)),
            };
            let unknown = || AdministrationError::not_found(Noun::Token, &asked.to_string(), []);
            let (grant, secret_hash, scope) = found.ok_or_else(unknown)?;
            let selector = GrantSelector {
                identifier: Some(grant),
                ..GrantSelector::default()
            };
            let listing = tx.grants(&selector, None, 1, now)?.pop().ok_or_else(unknown)?;
            let standing = Standing::read(tx, &listing, scope.as_ref().unwrap_or(&listing.scope))?;
            let Relatives {
                told: relatives,
                left_out,
                successors,
            } = tx.family(grant, asked, MOST, MOST_LED)?;
            let (events, unsearched) = events(tx, &listing, &relatives, asked)?;
            Ok::<_, AdministrationError>(Family {
                grant: listing,
                relatives,
                left_out,
                successors,
                standing,
                events,
                unsearched,
                asked,
                is_genuine: secret_hash.matches(&presented),
                now,
            })
        })
    }
}

/// What is written down about a grant and those of its tokens that were revoked, the oldest first; and at how many instants
/// something was revoked of which the trail was not asked.
fn events(
    tx: &ReadTransaction<'_>,
    grant: &GrantListing,
    relatives: &[Relative],
    asked: Identifier,
) -> Result<(Vec<AuditEntry>, usize), StoreError> {
    // The one asked about first: of the others, some may have to be left out.
    let mut revoked: Vec<&Relative> = relatives.iter().filter(|one| one.revoked_at.is_some()).collect();
    revoked.sort_by_key(|one| one.identifier != asked);
    let of_token = |one: &&Relative| Subject::new("token", one.identifier);
    let mut events = Vec::new();
    for subject in
        std::iter::once(Subject::new("grant", grant.identifier)).chain(revoked.iter().map(of_token))
    {
        let entries = tx.audit_entries_about(&subject, MOST_ENTRIES)?;
        events.extend(entries.into_iter().map(|stored| stored.entry));
    }
    let mut seen = BTreeSet::new();
    let mut searched = 0;
    let mut unsearched = 0;
    for at in grant
        .ended_at
        .into_iter()
        .chain(revoked.iter().filter_map(|one| one.revoked_at))
    {
        if !seen.insert(at) || events.iter().any(|event| event.at == at) {
            continue;
        }
        if searched == MOST_SEARCHED {
            unsearched += 1;
            continue;
        }
        searched += 1;
        events.extend(revoked_together(tx, at, relatives)?);
    }
    events.sort_by_key(|entry| entry.entry);
    events.dedup_by_key(|entry| entry.entry);
    Ok((events, unsearched))
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
