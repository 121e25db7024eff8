//! Resource servers.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::resource::{Resource, ResourceSet};
use crate::domain::resource_server::{ResourceServer, ResourceServerKey};
use crate::domain::text::Name;

const SELECT: &str =
    "SELECT resource_server_key, resource_server_id, name, resource, created_at FROM resource_servers";

fn read(row: &Row<'_, '_>) -> Result<ResourceServer, StoreError> {
    Ok(ResourceServer {
        key: ResourceServerKey(row.get("resource_server_key")?),
        id: row.parse("resource_server_id")?,
        name: row.parse("name")?,
        resource: row.optional("resource")?,
        created_at: row.timestamp("created_at")?,
    })
}

impl ReadTransaction<'_> {
    /// A resource server by its identifier.
    pub fn resource_server(&self, id: &ClientId) -> Result<Option<ResourceServer>, StoreError> {
        let sql = format!("{SELECT} WHERE resource_server_id = ?1");
        Ok(one!(self, "resource_servers", &sql, [id.as_str()], read))
    }

    /// A resource server by its name.
    pub fn resource_server_by_name(&self, name: &Name) -> Result<Option<ResourceServer>, StoreError> {
        Ok(one!(
            self,
            "resource_servers",
            &format!("{SELECT} WHERE name = ?1"),
            [name.as_str()],
            read
        ))
    }

    /// The resource server that serves a resource.
    pub fn resource_server_of(&self, resource: &Resource) -> Result<Option<ResourceServer>, StoreError> {
        let sql = format!("{SELECT} WHERE resource = ?1");
        Ok(one!(self, "resource_servers", &sql, [resource.as_str()], read))
    }

    /// Those of the resources that some resource server serves.
    pub fn registered_among(&self, resources: &ResourceSet) -> Result<ResourceSet, StoreError> {
        resources.filtered(|resource| Ok(self.resource_server_of(resource)?.is_some()))
    }

    /// All resource servers, by name.
    pub fn resource_servers(&self) -> Result<Vec<ResourceServer>, StoreError> {
        Ok(all!(
            self,
            "resource_servers",
            &format!("{SELECT} ORDER BY name"),
            [],
            read
        ))
    }
}

impl WriteTransaction<'_> {
    /// Adds a resource server. Its identifier, its name and its resource must be new.
    pub fn insert_resource_server(
        &self,
        id: &ClientId,
        name: &Name,
        resource: Option<&Resource>,
        created_at: Timestamp,
    ) -> Result<ResourceServerKey, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO resource_servers (resource_server_id, name, resource, created_at) VALUES (?1, ?2, ?3, ?4) \
             RETURNING resource_server_key",
        )?;
        let resource = resource.map(Resource::as_str);
        let parameters = params![id.as_str(), name.as_str(), resource, created_at.as_millis()];
        Ok(ResourceServerKey(
            statement.query_row(parameters, |row| row.get(0))?,
        ))
    }

    /// Sets the resource that a resource server serves, which must be new.
    pub fn set_resource(
        &self,
        key: ResourceServerKey,
        resource: Option<&Resource>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE resource_servers SET resource = ?2 WHERE resource_server_key = ?1")?;
        statement.execute(params![key.0, resource.map(Resource::as_str)])?;
        Ok(())
    }

    /// Removes a resource server with its secrets.
    pub fn delete_resource_server(&self, key: ResourceServerKey) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM resource_servers WHERE resource_server_key = ?1")?;
        statement.execute([key.0])?;
        Ok(())
    }
}
