//! `scope update|delete`.

use serde_json::Value;

use super::define_scope::{check_coverage, detail_of};
use super::update_client::differences;
use super::{AdministrationError, AuthorizationServer, ListChange, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::coverage::{Folder, Route, ServiceName};
use crate::domain::scope::{Scope, ScopeToken};
use crate::domain::text::Description;
use crate::store::ReadTransaction;

/// What to change about a scope. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ScopeChange {
    /// What the resource owner reads.
    pub description: Option<Description>,
    /// Folders that it opens.
    pub folders: ListChange<Folder>,
    /// Services that it opens.
    pub services: ListChange<ServiceName>,
    /// Routes that it opens.
    pub routes: ListChange<Route>,
}

impl ScopeChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.description.is_none()
            && self.folders.is_empty()
            && self.services.is_empty()
            && self.routes.is_empty()
    }
}

impl AuthorizationServer {
    /// Changes a scope. It works at once, for tokens that are out too.
    pub fn update_scope(&self, token: ScopeToken, change: ScopeChange) -> Result<Scope, AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let mut scope = find(tx, &token)?;
            let before = detail_of(&scope);
            if let Some(description) = change.description {
                scope.description = description;
            }
            let coverage = &mut scope.coverage;
            let folders = coverage.folders.iter().cloned().collect();
            coverage.folders = change
                .folders
                .apply(folders, Noun::Opening)?
                .into_iter()
                .collect();
            let services = coverage.services.iter().cloned().collect();
            coverage.services = change
                .services
                .apply(services, Noun::Opening)?
                .into_iter()
                .collect();
            let routes = coverage.routes.iter().cloned().collect();
            coverage.routes = change.routes.apply(routes, Noun::Opening)?.into_iter().collect();
            check_coverage(&token, coverage)?;
            tx.update_scope(&scope)?;
            let detail = differences(&before, &detail_of(&scope));
            operator.record(tx, Action::ScopeUpdated, Subject::new("scope", &token), detail)?;
            Ok(scope)
        })
    }

    /// Deletes a scope.
    ///
    /// # Errors
    /// `InUse` while a client has it.
    pub fn delete_scope(&self, token: ScopeToken) -> Result<(), AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            find(tx, &token)?;
            let users = tx.clients_with_scope(&token)?;
            if !users.is_empty() {
                return Err(AdministrationError::InUse {
                    noun: Noun::Scope,
                    name: token.to_string(),
                    users: users.iter().map(|id| format!("`{id}`")).collect(),
                });
            }
            tx.delete_scope(&token)?;
            operator.record(
                tx,
                Action::ScopeDeleted,
                Subject::new("scope", &token),
                Value::Null,
            )?;
            Ok(())
        })
    }
}

/// A scope that must be there.
fn find(tx: &ReadTransaction<'_>, token: &ScopeToken) -> Result<Scope, AdministrationError> {
    if let Some(scope) = tx.scope(token)? {
        return Ok(scope);
    }
    let known = tx.scopes()?.into_iter().map(|scope| scope.token.to_string());
    Err(AdministrationError::not_found(Noun::Scope, token.as_str(), known))
}
