//! Who is registered, with all that a request of theirs is decided by.

use std::ops::Deref;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::domain::client::{Client, StoredSecret};
use crate::domain::identifier::Identifier;
use crate::domain::resource_server::ResourceServer;
use crate::domain::scope::Scope;
use crate::domain::secret::SecretHash;

/// Who authenticates with an identifier. Clients and resource servers share one name space.
#[derive(Debug, Clone)]
pub enum Registered {
    /// A client, also one that is disabled.
    Client(Arc<ClientRecord>),
    /// A resource server.
    ResourceServer(Arc<ResourceServerRecord>),
}

/// A client with its secrets and the definitions of the scopes that it may have.
#[derive(Debug)]
pub struct ClientRecord {
    /// The client.
    pub client: Client,
    /// Its secrets, the oldest first; also those that have ended. When they were last used is not kept up here.
    pub secrets: Vec<StoredSecret>,
    /// The scopes that it may have, by name.
    pub scopes: Vec<Scope>,
}

impl Deref for ClientRecord {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl ClientRecord {
    /// The secret that `presented` is the hash of and that has not ended.
    pub fn admitting(&self, presented: &SecretHash, now: Timestamp) -> Option<Identifier> {
        admitting(&self.secrets, presented, now)
    }
}

/// A resource server with its secrets.
#[derive(Debug)]
pub struct ResourceServerRecord {
    /// The resource server.
    pub server: ResourceServer,
    /// Its secrets, the oldest first; also those that have ended. When they were last used is not kept up here.
    pub secrets: Vec<StoredSecret>,
}

impl Deref for ResourceServerRecord {
    type Target = ResourceServer;

    fn deref(&self) -> &ResourceServer {
        &self.server
    }
}

impl ResourceServerRecord {
    /// The secret that `presented` is the hash of and that has not ended.
    pub fn admitting(&self, presented: &SecretHash, now: Timestamp) -> Option<Identifier> {
        admitting(&self.secrets, presented, now)
    }
}

fn admitting(secrets: &[StoredSecret], presented: &SecretHash, now: Timestamp) -> Option<Identifier> {
    let secret = secrets.iter().find(|stored| stored.admits(presented, now))?;
    Some(secret.identifier)
}
