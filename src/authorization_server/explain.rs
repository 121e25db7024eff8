//! `access check`: the decision of stage 8, with what led to it.
//!
//! Each question is answered from one snapshot. To look is not to use: no token counts as used by it.

use std::collections::BTreeMap;

use super::check::access_record;
use super::update_client::find as find_client;
use super::update_owner::find as find_owner;
use super::{AdministrationError, AuthorizationServer};
use crate::clock::Timestamp;
use crate::domain::client::{Client, ClientId};
use crate::domain::grant::GrantState;
use crate::domain::identifier::Identifier;
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::resource::Resource;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::token::{TokenKind, TokenValue};
use crate::domain::token_state::TokenState;
use crate::protocol::check_request::Asked;
use crate::protocol::explanation::{Case, Condition, Explanation, Holder, Step, explain};
use crate::protocol::liveness::{AccessRecord, Inactive};
use crate::store::{GrantSelector, ReadTransaction, StoreError};

/// How many grants are read at a time.
const READ_AT_ONCE: u32 = 1000;

/// What a client, or one token, may do.
#[derive(Debug)]
pub struct Explained {
    /// The client.
    pub client: ClientId,
    /// Who approved, where a token is asked about.
    pub owner: Option<Username>,
    /// The approval, where a token is asked about.
    pub grant: Option<Identifier>,
    /// What the client may have; what is in force of the token's scope.
    pub scopes: ScopeSet,
    /// The verdict and why.
    pub explanation: Explanation,
    /// How many other clients have each scope that a remedy would widen.
    pub sharers: Sharers,
}

/// How many other clients have a scope.
pub type Sharers = BTreeMap<String, usize>;

/// What tokens of approvals may do.
#[derive(Debug)]
pub struct ExplainedOwner {
    /// The resource owner.
    pub owner: Username,
    /// Whether they are enabled.
    pub enabled: bool,
    /// The approvals that can still be used, by client and scope.
    pub grants: Vec<ExplainedGrants>,
    /// The client that was asked about, where it has no such approval: what it could be given.
    pub without_approval: Option<Explained>,
}

/// Approvals by one resource owner for one client, of one scope.
#[derive(Debug)]
pub struct ExplainedGrants {
    /// The newest of them.
    pub newest: Identifier,
    /// How many there are.
    pub count: usize,
    /// What was approved.
    pub approved: ScopeSet,
    /// What their tokens may do.
    pub explained: Explained,
}

impl AuthorizationServer {
    /// What any token of a client could do, and why.
    pub fn explain_client(&self, id: &ClientId, asked: &Asked) -> Result<Explained, AdministrationError> {
        self.store.read(|tx| {
            let client = find_client(tx, id)?;
            Ok(of_client(tx, &client, &tx.scopes()?, asked)?)
        })
    }

    /// What an access token can do, and why; `None` where it is none of ours. `resource` is where it is shown, where that
    /// is known.
    pub fn explain_token(
        &self,
        resource: Option<&Resource>,
        token: &str,
        asked: &Asked,
    ) -> Result<Option<Explained>, StoreError> {
        let now = self.now();
        let Some(value) = TokenValue::parse_as(TokenKind::AccessToken, token) else {
            return Ok(None);
        };
        self.store.read(|tx| {
            let Some(record) = access_record(tx, &value)? else {
                return Ok(None);
            };
            let liveness = record.liveness(&value.secret().hash(), now);
            let inactive = liveness.and_then(|()| record.good_at(resource)).err();
            if inactive == Some(Inactive::Unknown) {
                return Ok(None);
            }
            let case = Case {
                asked,
                holder: Holder::Issued,
                scope: &record.token.scope,
                client: &record.client,
                defined: &tx.scopes()?,
                inactive,
            };
            let explanation = explain(&case, conditions_of_token(&record, resource, now));
            Ok(Some(Explained {
                sharers: sharers(tx, &record.client.id, &explanation)?,
                scopes: record.scope_in_force(),
                client: record.client.id.clone(),
                owner: Some(record.owner),
                grant: Some(record.token.grant),
                explanation,
            }))
        })
    }

    /// What tokens of a resource owner's approvals can do, client by client or for one of them, and why.
    pub fn explain_owner(
        &self,
        username: &Username,
        client: Option<&ClientId>,
        asked: &Asked,
    ) -> Result<ExplainedOwner, AdministrationError> {
        let now = self.now();
        self.store.read(|tx| {
            let owner = find_owner(tx, username)?;
            let asked_client = client.map(|id| find_client(tx, id)).transpose()?;
            let defined = tx.scopes()?;
            let mut clients: BTreeMap<ClientId, Client> = BTreeMap::new();
            let mut grants = Vec::new();
            for ((id, _), live) in live_grants(tx, username, client, now)? {
                if !clients.contains_key(&id) {
                    clients.insert(id.clone(), find_client(tx, &id)?);
                }
                let Some(client) = clients.get(&id) else { continue };
                grants.push(ExplainedGrants {
                    newest: live.newest,
                    count: live.count,
                    explained: of_grant(tx, client, &owner, &live, &defined, asked)?,
                    approved: live.approved,
                });
            }
            let without_approval = match asked_client {
                Some(client) if grants.is_empty() => Some(of_client(tx, &client, &defined, asked)?),
                _ => None,
            };
            Ok(ExplainedOwner {
                owner: owner.username,
                enabled: owner.enabled,
                grants,
                without_approval,
            })
        })
    }
}

fn of_client(
    tx: &ReadTransaction<'_>,
    client: &Client,
    defined: &[Scope],
    asked: &Asked,
) -> Result<Explained, StoreError> {
    let case = Case {
        asked,
        holder: Holder::Client,
        scope: &client.settings.scopes,
        client,
        defined,
        inactive: (!client.enabled).then_some(Inactive::ClientDisabled),
    };
    let explanation = explain(&case, vec![condition_of_client(client)]);
    Ok(Explained {
        client: client.id.clone(),
        owner: None,
        grant: None,
        scopes: client.settings.scopes.clone(),
        sharers: sharers(tx, &client.id, &explanation)?,
        explanation,
    })
}

fn of_grant(
    tx: &ReadTransaction<'_>,
    client: &Client,
    owner: &ResourceOwner,
    live: &LiveGrants,
    defined: &[Scope],
    asked: &Asked,
) -> Result<Explained, StoreError> {
    let inactive = match (client.enabled, owner.enabled) {
        (false, _) => Some(Inactive::ClientDisabled),
        (true, false) => Some(Inactive::OwnerDisabled),
        (true, true) => None,
    };
    let case = Case {
        asked,
        holder: Holder::Issued,
        scope: &live.approved,
        client,
        defined,
        inactive,
    };
    let conditions = vec![
        Condition::Grant {
            id: live.newest,
            ended: None,
        },
        condition_of_client(client),
        condition_of_owner(&owner.username, owner.enabled),
    ];
    let explanation = explain(&case, conditions);
    Ok(Explained {
        client: client.id.clone(),
        owner: Some(owner.username.clone()),
        grant: Some(live.newest),
        scopes: live.approved.intersection(&client.settings.scopes),
        sharers: sharers(tx, &client.id, &explanation)?,
        explanation,
    })
}

/// The approvals of one scope for one client that can still be used.
struct LiveGrants {
    newest: Identifier,
    count: usize,
    approved: ScopeSet,
}

/// The approvals of a resource owner that can still be used, by client and scope: one who signs in often has many that
/// are alike.
fn live_grants(
    tx: &ReadTransaction<'_>,
    owner: &Username,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<BTreeMap<(ClientId, String), LiveGrants>, StoreError> {
    let selector = GrantSelector {
        owner: Some(owner.clone()),
        client: client.cloned(),
        state: Some(GrantState::Active),
        ..GrantSelector::default()
    };
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let page = tx.grants(&selector, after, READ_AT_ONCE, now)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.identifier);
        for grant in page {
            let alike = found
                .entry((grant.client, grant.scope.to_string()))
                .or_insert(LiveGrants {
                    newest: grant.identifier,
                    count: 0,
                    approved: grant.scope,
                });
            alike.newest = grant.identifier;
            alike.count += 1;
        }
    }
}

fn conditions_of_token(record: &AccessRecord, resource: Option<&Resource>, now: Timestamp) -> Vec<Condition> {
    let token = &record.token;
    let state = if token.revoked_at.is_some() || record.grant_end.is_some() {
        TokenState::Revoked
    } else if now >= token.expires_at {
        TokenState::Expired
    } else {
        TokenState::Active
    };
    let mut conditions = vec![
        Condition::Token {
            id: token.identifier,
            state,
            expires_at: token.expires_at,
        },
        Condition::Grant {
            id: token.grant,
            ended: record.grant_end,
        },
        condition_of_client(&record.client),
        condition_of_owner(&record.owner, record.owner_enabled),
    ];
    conditions.extend(resource.map(|at| Condition::Resource {
        at: at.clone(),
        bound_to: record.token.resources.clone(),
        is_good: record.good_at(resource).is_ok(),
    }));
    conditions
}

fn condition_of_client(client: &Client) -> Condition {
    Condition::Client {
        id: client.id.clone(),
        enabled: client.enabled,
    }
}

fn condition_of_owner(username: &Username, enabled: bool) -> Condition {
    Condition::Owner {
        username: username.clone(),
        enabled,
    }
}

fn sharers(
    tx: &ReadTransaction<'_>,
    client: &ClientId,
    explanation: &Explanation,
) -> Result<Sharers, StoreError> {
    let mut sharers = Sharers::new();
    for step in explanation.remedies.iter().flat_map(|remedy| &remedy.steps) {
        if let Step::Widen { scope, .. } = step {
            let others = tx.clients_with_scope(scope)?;
            let count = others.iter().filter(|other| *other != client).count();
            sharers.insert(scope.to_string(), count);
        }
    }
    Ok(sharers)
}
