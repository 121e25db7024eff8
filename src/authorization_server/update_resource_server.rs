//! `resource-server update`, and what stands in the way of a resource.

use serde_json::{Value, json};

use super::rotate_secret::find_resource_server;
use super::update_client::differences;
use super::{AdministrationError, AuthorizationServer, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::client::ClientId;
use crate::domain::resource::Resource;
use crate::domain::resource_server::{ResourceServer, ResourceServerKey};
use crate::domain::text::Name;
use crate::store::ReadTransaction;

impl AuthorizationServer {
    /// Names the resource that a resource server serves, or none any more. Its identifier or its name is accepted.
    /// Tokens that are bound to the resource stay bound to it.
    ///
    /// # Errors
    /// `NotFound` where there is no such resource server; `Exists` where another one serves the resource.
    pub fn update_resource_server(
        &self,
        id: ClientId,
        resource: Option<Resource>,
    ) -> Result<ResourceServer, AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let mut server = find_resource_server(tx, &id)?;
            refuse_served(tx, resource.as_ref(), Some(server.key))?;
            tx.set_resource(server.key, resource.as_ref())?;
            let before = detail_of(&server.name, server.resource.as_ref());
            server.resource = resource;
            let after = detail_of(&server.name, server.resource.as_ref());
            let subject = Subject::new("resource_server", &server.id);
            let detail = differences(&before, &after);
            operator.record(tx, Action::ResourceServerUpdated, subject, detail)?;
            Ok(server)
        })
    }
}

/// What the audit trail says of a resource server.
pub(super) fn detail_of(name: &Name, resource: Option<&Resource>) -> Value {
    json!({ "name": name.as_str(), "resource": resource.map(Resource::as_str) })
}

/// Refuses a resource that another resource server than `own` serves, or whose metadata would lie where the other's do.
pub(super) fn refuse_served(
    tx: &ReadTransaction<'_>,
    resource: Option<&Resource>,
    own: Option<ResourceServerKey>,
) -> Result<(), AdministrationError> {
    let Some(resource) = resource else { return Ok(()) };
    for other in tx.resource_servers()? {
        if Some(other.key) != own {
            refuse_shared(resource, &other.name, other.resource.as_ref())?;
        }
    }
    Ok(())
}

/// Refuses a resource that does not go with the one that `other` serves.
pub(super) fn refuse_shared(
    resource: &Resource,
    other: &Name,
    served: Option<&Resource>,
) -> Result<(), AdministrationError> {
    match served {
        Some(served) if served == resource => Err(AdministrationError::Exists {
            noun: Noun::Resource,
            name: resource.to_string(),
        }),
        Some(served) if served.shares_metadata_with(resource) => Err(AdministrationError::Refused(format!(
            "the metadata of `{resource}` would lie where those of `{served}` lie, which `{other}` serves"
        ))),
        _ => Ok(()),
    }
}
