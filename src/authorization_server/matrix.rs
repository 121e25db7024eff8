//! `access matrix`: which client can reach what.

use std::collections::BTreeSet;

use super::update_client::find as find_client;
use super::{AdministrationError, AuthorizationServer};
use crate::domain::client::ClientId;
use crate::domain::coverage::{Coverage, CoveredBy, Opening, Route};
use crate::domain::scope::{Scope, ScopeToken};

/// What one client can reach.
#[derive(Debug)]
pub struct Reach {
    /// The client.
    pub client: ClientId,
    /// Whether it can do anything at all.
    pub enabled: bool,
    /// What its scopes open, scope by scope.
    pub openings: Vec<ReachedOpening>,
    /// What other scopes name and a route of its own reaches, scope by scope.
    pub by_path: Vec<ReachedByPath>,
    /// What its scopes open, all together.
    pub coverage: Coverage,
}

/// A folder, a service or a route that a scope of the client opens.
#[derive(Debug)]
pub struct ReachedOpening {
    /// The scope.
    pub scope: ScopeToken,
    /// What it opens.
    pub opening: Opening,
    /// What else the client has that covers all of it, in this scope or another one.
    pub within: Option<Opening>,
}

/// A folder or a service that a client reaches by a path, `/invoke/…`, though none of its scopes opens it by name.
#[derive(Debug)]
pub struct ReachedByPath {
    /// The scope of the client.
    pub scope: ScopeToken,
    /// The service, or the folder of which at least one service is reached.
    pub opening: Opening,
    /// The route of that scope.
    pub by: Route,
}

impl AuthorizationServer {
    /// What each client, or one of them, can reach; by identifier.
    pub fn access_matrix(&self, client: Option<&ClientId>) -> Result<Vec<Reach>, AdministrationError> {
        self.store.read(|tx| {
            let clients = match client {
                Some(id) => vec![find_client(tx, id)?],
                None => tx.clients()?,
            };
            let defined = tx.scopes()?;
            let named: BTreeSet<Opening> = defined
                .iter()
                .flat_map(|scope| scope.coverage.openings())
                .filter(|opening| !matches!(opening, CoveredBy::Route(_)))
                .map(Opening::from)
                .collect();
            let reaches = clients.into_iter().map(|client| {
                let scopes = defined
                    .iter()
                    .filter(|scope| client.settings.scopes.contains(&scope.token));
                let mut coverage = Coverage::default();
                for scope in scopes.clone() {
                    scope
                        .coverage
                        .openings()
                        .for_each(|opening| coverage.add(opening.into()));
                }
                let openings = scopes.clone().flat_map(|scope| {
                    scope.coverage.openings().map(|opening| ReachedOpening {
                        scope: scope.token.clone(),
                        opening: opening.into(),
                        within: coverage.covering(opening).map(Opening::from),
                    })
                });
                let openings = openings.collect();
                Reach {
                    client: client.id,
                    enabled: client.enabled,
                    openings,
                    by_path: scopes
                        .flat_map(|scope| by_path(scope, &named, &coverage))
                        .collect(),
                    coverage,
                }
            });
            Ok(reaches.collect())
        })
    }
}

/// What routes of a scope reach and the client has not by name.
fn by_path(scope: &Scope, named: &BTreeSet<Opening>, of_client: &Coverage) -> Vec<ReachedByPath> {
    let by_name = |opening: CoveredBy<'_>| of_client.has(opening) || of_client.covering(opening).is_some();
    let reached = named.iter().filter_map(|opening| {
        let by = scope.coverage.reaches_by_path(opening.as_ref())?;
        (!by_name(opening.as_ref())).then(|| ReachedByPath {
            scope: scope.token.clone(),
            opening: opening.clone(),
            by: by.clone(),
        })
    });
    reached.collect()
}
