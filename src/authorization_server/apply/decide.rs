//! What is to be done, and whether it can be.

use super::ApplyError;
use crate::authorization_server::define_scope::check_coverage;
use crate::authorization_server::register_client::check_settings;
use crate::authorization_server::update_resource_server::refuse_shared;
use crate::authorization_server::{AdministrationError, Noun};
use crate::domain::client::ClientId;
use crate::domain::declaration::{
    Change, Declaration, DeclaredClient, DeclaredResourceServer, DeclaredScope, Thing, changes,
};
use crate::domain::text::Name;
use crate::store::{ReadTransaction, StoreError};

/// How many grants, codes and tokens may go with the clients that are removed, for that is done in one transaction:
/// with more it would hold the server up.
pub(super) const MOST_REMOVED: usize = 10_000;

/// Everything as it is, in the form of a declaration.
pub(super) fn current(tx: &ReadTransaction<'_>) -> Result<Declaration, StoreError> {
    let scopes = tx.scopes()?.into_iter().map(|scope| {
        let declared = DeclaredScope {
            description: scope.description,
            coverage: scope.coverage,
        };
        (scope.token, declared)
    });
    let clients = tx.clients()?.into_iter().map(|client| {
        let declared = DeclaredClient {
            settings: client.settings,
            enabled: client.enabled,
        };
        (client.id, declared)
    });
    let servers = tx.resource_servers()?.into_iter().map(|server| {
        let declared = DeclaredResourceServer {
            resource: server.resource,
        };
        (server.name, declared)
    });
    Ok(Declaration {
        scopes: scopes.collect(),
        clients: clients.collect(),
        resource_servers: servers.collect(),
    })
}

/// What leads from everything as it is to what is wanted.
pub(super) fn decide(
    tx: &ReadTransaction<'_>,
    wanted: &Declaration,
    prune: bool,
) -> Result<Vec<Change>, ApplyError> {
    let current = current(tx)?;
    for (name, scope) in &wanted.scopes {
        check_coverage(name, &scope.coverage).map_err(ApplyError::about(Thing::Scope(name.clone())))?;
    }
    for (id, client) in &wanted.clients {
        check_client(client, &current, wanted, prune)
            .map_err(ApplyError::about(Thing::Client(id.clone())))?;
    }
    check_resources(&current, wanted, prune)?;
    let changes = changes(&current, wanted, prune);
    check_identifiers(tx, &changes)?;
    check_removals(tx, &changes)?;
    Ok(changes)
}

fn check_client(
    client: &DeclaredClient,
    current: &Declaration,
    wanted: &Declaration,
    prune: bool,
) -> Result<(), AdministrationError> {
    check_settings(&client.settings)?;
    let undeclared = client
        .settings
        .scopes
        .iter()
        .filter(|scope| !wanted.scopes.contains_key(scope));
    for scope in undeclared {
        if !current.scopes.contains_key(scope) {
            let known = wanted.scopes.keys().chain(current.scopes.keys());
            let known = known.map(ToString::to_string);
            return Err(AdministrationError::not_found(Noun::Scope, scope.as_str(), known));
        }
        if prune {
            return Err(AdministrationError::InUse {
                noun: Noun::Scope,
                name: scope.to_string(),
                users: vec!["this client, and --prune would delete it; declare it too".to_owned()],
            });
        }
    }
    Ok(())
}

/// A resource is served by one resource server: of those that there are to be in the end.
fn check_resources(current: &Declaration, wanted: &Declaration, prune: bool) -> Result<(), ApplyError> {
    let kept = current
        .resource_servers
        .iter()
        .filter(|(name, _)| !prune && !wanted.resource_servers.contains_key(*name));
    let mut others: Vec<(&Name, &DeclaredResourceServer)> = kept.collect();
    for (name, server) in &wanted.resource_servers {
        if let Some(resource) = &server.resource {
            for (other, served) in &others {
                refuse_shared(resource, other, served.resource.as_ref())
                    .map_err(ApplyError::about(Thing::ResourceServer(name.clone())))?;
            }
        }
        others.push((name, server));
    }
    Ok(())
}

/// Clients and resource servers authenticate at the same endpoints, so they share one name space. A resource server
/// that is removed makes room.
fn check_identifiers(tx: &ReadTransaction<'_>, changes: &[Change]) -> Result<(), ApplyError> {
    let removed = |name: &Name| {
        changes.iter().any(
            |change| matches!(change, Change::Removed(Thing::ResourceServer(removed)) if removed == name),
        )
    };
    for change in changes {
        let Change::Added(thing @ Thing::Client(id)) = change else {
            continue;
        };
        if let Some(server) = tx.resource_server(id)?
            && !removed(&server.name)
        {
            return Err(ApplyError::Thing {
                thing: thing.clone(),
                cause: AdministrationError::Exists {
                    noun: Noun::ResourceServer,
                    name: id.to_string(),
                },
            });
        }
    }
    Ok(())
}

fn check_removals(tx: &ReadTransaction<'_>, changes: &[Change]) -> Result<(), ApplyError> {
    let mut room = MOST_REMOVED;
    for change in changes {
        let Change::Removed(thing @ Thing::Client(id)) = change else {
            continue;
        };
        let holdings = holdings(tx, id, room + 1)?;
        if holdings > room {
            let what = format!(
                "more than {MOST_REMOVED} grants and tokens, too many to remove in one step; begin with `oauthctl \
                 client delete`"
            );
            return Err(ApplyError::Thing {
                thing: thing.clone(),
                cause: AdministrationError::InUse {
                    noun: Noun::Client,
                    name: id.to_string(),
                    users: vec![what],
                },
            });
        }
        room -= holdings;
    }
    Ok(())
}

fn holdings(tx: &ReadTransaction<'_>, id: &ClientId, most: usize) -> Result<usize, StoreError> {
    match tx.client(id)? {
        Some(client) => tx.holdings_of_client(client.key, most),
        None => Ok(0),
    }
}
