//! `list` and `show` of what administrators define.

use super::{AdministrationError, AuthorizationServer, Noun};
use crate::domain::client::{Client, ClientId};
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::resource_server::ResourceServer;
use crate::domain::scope::{Scope, ScopeToken};
use crate::store::StoreError;

impl AuthorizationServer {
    /// All clients, by identifier.
    pub fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.store.read(|tx| tx.clients())
    }

    /// One client.
    pub fn client(&self, id: &ClientId) -> Result<Client, AdministrationError> {
        self.store.read(|tx| {
            if let Some(client) = tx.client(id)? {
                return Ok(client);
            }
            let known = tx.clients()?.into_iter().map(|client| client.id.to_string());
            Err(AdministrationError::not_found(Noun::Client, id.as_str(), known))
        })
    }

    /// All scopes, by name.
    pub fn scopes(&self) -> Result<Vec<Scope>, StoreError> {
        self.store.read(|tx| tx.scopes())
    }

    /// One scope.
    pub fn scope(&self, token: &ScopeToken) -> Result<Scope, AdministrationError> {
        self.store.read(|tx| {
            if let Some(scope) = tx.scope(token)? {
                return Ok(scope);
            }
            let known = tx.scopes()?.into_iter().map(|scope| scope.token.to_string());
            Err(AdministrationError::not_found(Noun::Scope, token.as_str(), known))
        })
    }

    /// All resource owners, by username.
    pub fn owners(&self) -> Result<Vec<ResourceOwner>, StoreError> {
        self.store.read(|tx| tx.owners())
    }

    /// One resource owner.
    pub fn owner(&self, username: &Username) -> Result<ResourceOwner, AdministrationError> {
        self.store.read(|tx| super::update_owner::find(tx, username))
    }

    /// All resource servers, by name.
    pub fn resource_servers(&self) -> Result<Vec<ResourceServer>, StoreError> {
        self.store.read(|tx| tx.resource_servers())
    }
}
