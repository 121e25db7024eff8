//! `access matrix`: which client can reach what.

use super::update_client::find as find_client;
use super::{AdministrationError, AuthorizationServer};
use crate::domain::client::ClientId;
use crate::domain::coverage::{Coverage, Opening};
use crate::domain::scope::ScopeToken;

/// What one client can reach.
#[derive(Debug)]
pub struct Reach {
    /// The client.
    pub client: ClientId,
    /// Whether it can do anything at all.
    pub enabled: bool,
    /// What its scopes open, scope by scope.
    pub openings: Vec<ReachedOpening>,
    /// The same, all scopes together.
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

impl AuthorizationServer {
    /// What each client, or one of them, can reach; by identifier.
    pub fn access_matrix(&self, client: Option<&ClientId>) -> Result<Vec<Reach>, AdministrationError> {
        self.store.read(|tx| {
            let clients = match client {
                Some(id) => vec![find_client(tx, id)?],
                None => tx.clients()?,
            };
            let defined = tx.scopes()?;
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
                let openings = scopes.flat_map(|scope| {
                    scope.coverage.openings().map(|opening| ReachedOpening {
                        scope: scope.token.clone(),
                        opening: opening.into(),
                        within: coverage.covering(opening).map(Opening::from),
                    })
                });
                Reach {
                    client: client.id,
                    enabled: client.enabled,
                    openings: openings.collect(),
                    coverage,
                }
            });
            Ok(reaches.collect())
        })
    }
}
