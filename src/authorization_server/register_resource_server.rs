//! `resource-server register`.

use super::register_client::refuse_taken;
use super::update_resource_server::{detail_of, refuse_served};
use super::{AdministrationError, AuthorizationServer, Failure, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::client::{ClientId, ClientSecret, StoredSecret};
use crate::domain::resource::Resource;
use crate::domain::resource_server::ResourceServer;
use crate::domain::text::Name;
use crate::entropy::random;
use crate::store::SecretHolder;

/// What was registered.
#[derive(Debug)]
pub struct RegisteredResourceServer {
    /// The resource server.
    pub resource_server: ResourceServer,
    /// Its secret, to be shown once.
    pub secret: ClientSecret,
}

impl AuthorizationServer {
    /// Registers a resource server, which may then introspect tokens: those that are good at its resource, and every
    /// one where none is named.
    ///
    /// # Errors
    /// `Exists` where the name is taken, or another one serves the resource.
    pub fn register_resource_server(
        &self,
        name: Name,
        resource: Option<Resource>,
    ) -> Result<RegisteredResourceServer, AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        let secret = ClientSecret::generate(&*self.entropy).map_err(Failure::from)?;
        let id = ClientId::from_name(&name, random(&*self.entropy).map_err(Failure::from)?);
        let identifier = self.new_identifier(now)?;
        self.store.write(move |tx| {
            if tx.resource_server_by_name(&name)?.is_some() {
                return Err(AdministrationError::Exists {
                    noun: Noun::ResourceServer,
                    name: name.to_string(),
                });
            }
            refuse_served(tx, resource.as_ref(), None)?;
            refuse_taken(tx, &id)?;
            let key = tx.insert_resource_server(&id, &name, resource.as_ref(), now)?;
            let stored = StoredSecret::new(identifier, secret.hash(), now);
            tx.insert_secret(SecretHolder::ResourceServer(key), &stored)?;
            let subject = Subject::new("resource_server", &id);
            operator.record(
                tx,
                Action::ResourceServerRegistered,
                subject,
                detail_of(&name, resource.as_ref()),
            )?;
            let resource_server = ResourceServer {
                key,
                id,
                name,
                resource,
                created_at: now,
            };
            Ok(RegisteredResourceServer {
                resource_server,
                secret,
            })
        })
    }
}
