//! Grants by selector, as administrators see them.

use rusqlite::types::Value;

use super::StoreError;
use super::row::Row;
use super::statement::Statement;
use super::transaction::ReadTransaction;
use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::grant::GrantState;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::{ScopeSet, ScopeToken};

/// Which grants. All conditions that are given must hold; none at all means every grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantSelector {
    /// This one.
    pub identifier: Option<Identifier>,
    /// Of this client.
    pub client: Option<ClientId>,
    /// Approved by this resource owner.
    pub owner: Option<Username>,
    /// With this scope.
    pub scope: Option<ScopeToken>,
    /// In this state.
    pub state: Option<GrantState>,
}

/// A grant as an administrator sees it.
#[derive(Debug, Clone)]
pub struct GrantListing {
    /// Key of the row.
    pub identifier: Identifier,
    /// The client that may act.
    pub client: ClientId,
    /// Who approved.
    pub owner: Username,
    /// What was approved.
    pub scope: ScopeSet,
    /// The resources that its tokens are bound to.
    pub resources: ResourceSet,
    /// When.
    pub created_at: Timestamp,
    /// How often it was refreshed.
    pub refreshes: u32,
    /// What has become of it.
    pub state: GrantState,
    /// When it ended before its time, if it did.
    pub ended_at: Option<Timestamp>,
    /// Why it ended before its time, if it did.
    pub end_cause: Option<String>,
}

fn statement(
    selector: &GrantSelector,
    after: Option<Identifier>,
    limit: u32,
    now: Timestamp,
) -> (String, Vec<Value>) {
    let mut statement = Statement::default();
    let now = statement.bind(now.as_millis());
    let state = format!(
        "CASE WHEN g.ended_at IS NOT NULL THEN 'revoked' \
         WHEN EXISTS (SELECT 1 FROM tokens t WHERE t.grant_key = g.grant_key AND t.revoked_at IS NULL \
                      AND t.rotated_at IS NULL AND t.expires_at > {now}) THEN 'active' \
         WHEN EXISTS (SELECT 1 FROM authorization_codes a WHERE a.grant_key = g.grant_key \
                      AND a.exchanged_at IS NULL AND a.expires_at > {now}) THEN 'active' \
         ELSE 'expired' END"
    );
    // The index that answers best; the other conditions filter what it finds, in the order of approval.
    let tables = if selector.owner.is_some() {
        "grants g INDEXED BY grants_by_owner"
    } else if selector.client.is_some() {
        "grants g INDEXED BY grants_by_client"
    } else if selector.scope.is_some() {
        "grant_scopes s CROSS JOIN grants g ON g.grant_key = s.grant_key"
    } else {
        "grants g"
    };
    let is_by_scope = tables.starts_with("grant_scopes");
    let key = if is_by_scope { "s.grant_key" } else { "g.grant_key" };
    if let Some(identifier) = selector.identifier {
        let identifier = statement.bind(identifier.as_i64());
        statement.require(format!("g.grant_key = {identifier}"));
    }
    statement.require_holders(selector.client.as_ref(), selector.owner.as_ref());
    if let Some(scope) = &selector.scope {
        let scope = statement.bind(scope.as_str().to_owned());
        statement.require(if is_by_scope {
            format!("s.scope = {scope}")
        } else {
            format!("instr(' ' || g.scope || ' ', ' ' || {scope} || ' ') > 0")
        });
    }
    if let Some(wanted) = selector.state {
        statement.require(format!("{state} = '{}'", wanted.name()));
    }
    if let Some(after) = after {
        let after = statement.bind(after.as_i64());
        statement.require(format!("{key} > {after}"));
    }
    let limit = statement.bind(i64::from(limit));
    let sql = format!(
        "SELECT g.grant_key, g.scope, g.resources, g.created_at, g.refreshes, g.ended_at, g.end_cause, {state} AS state, \
         (SELECT client_id FROM clients c WHERE c.client_key = g.client_key) AS client_id, \
         (SELECT username FROM resource_owners o WHERE o.owner_key = g.owner_key) AS username \
         FROM {tables} WHERE {conditions} ORDER BY {key} LIMIT {limit}",
        conditions = statement.conditions(),
    );
    (sql, statement.into_parameters())
}

fn read(row: &Row<'_, '_>) -> Result<GrantListing, StoreError> {
    Ok(GrantListing {
        identifier: row.identifier("grant_key")?,
        client: row.parse("client_id")?,
        owner: row.parse("username")?,
        scope: row.parse("scope")?,
        resources: row.parse("resources")?,
        created_at: row.timestamp("created_at")?,
        refreshes: row.get("refreshes")?,
        state: row.parse("state")?,
        ended_at: row.optional_timestamp("ended_at")?,
        end_cause: row.get("end_cause")?,
    })
}

impl ReadTransaction<'_> {
    /// A page of the grants that a selector means, in the order of approval: at most `limit`, after `after`.
    pub fn grants(
        &self,
        selector: &GrantSelector,
        after: Option<Identifier>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<GrantListing>, StoreError> {
        let (sql, parameters) = statement(selector, after, limit, now);
        let mut prepared = self.connection().prepare_cached(&sql)?;
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&Row::of("grants", row))?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn no_selector_scans_or_sorts() {
        let connection = Connection::open_in_memory().unwrap();
        for step in super::super::migrations::steps() {
            connection.execute_batch(step).unwrap();
        }
        let now = Timestamp::from_millis(5);
        let identifier = Some(Identifier::at(now, 1));
        let (client, owner, scope) = ("c".parse().ok(), "o".parse().ok(), "s".parse().ok());
        let none = GrantSelector::default;
        let cases = [
            ("none", none()),
            ("id", GrantSelector { identifier, ..none() }),
            (
                "client",
                GrantSelector {
                    client: client.clone(),
                    ..none()
                },
            ),
            (
                "owner",
                GrantSelector {
                    owner: owner.clone(),
                    ..none()
                },
            ),
            (
                "scope",
                GrantSelector {
                    scope: scope.clone(),
                    ..none()
                },
            ),
            (
                "state",
                GrantSelector {
                    state: Some(GrantState::Active),
                    ..none()
                },
            ),
            (
                "client and owner",
                GrantSelector {
                    client: client.clone(),
                    owner,
                    ..none()
                },
            ),
            (
                "client and scope",
                GrantSelector {
                    client,
                    scope,
                    ..none()
                },
            ),
        ];
        for (name, selector) in cases {
            for after in [None, identifier] {
                let (sql, parameters) = statement(&selector, after, 50, now);
                let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let lines = explain.query_map(rusqlite::params_from_iter(parameters), |row| {
                    row.get::<_, String>("detail")
                });
                let plan: Vec<String> = lines.unwrap().map(Result::unwrap).collect();
                let sorts = plan.iter().any(|line| line.contains("USE TEMP B-TREE"));
                // A walk along the key, in the order that is asked for, ends with the page.
                let walks = matches!(name, "none" | "state");
                let scans = plan
                    .iter()
                    .any(|line| line.starts_with("SCAN") && !(walks && line == "SCAN g"));
                assert!(!sorts && !scans, "{name}: {plan:#?}");
            }
        }
    }
}
