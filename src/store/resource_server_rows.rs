//! Resource servers.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::resource_server::{ResourceServer, ResourceServerKey};
use crate::domain::text::Name;

const SELECT: &str = "SELECT resource_server_key, resource_server_id, name, created_at FROM resource_servers";

fn read(row: &Row<'_, '_>) -> Result<ResourceServer, StoreError> {
    Ok(ResourceServer {
        key: ResourceServerKey(row.get("resource_server_key")?),
        id: row.parse("resource_server_id")?,
        name: row.parse("name")?,
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
    /// Adds a resource server. Its identifier and name must be new.
    pub fn insert_resource_server(
        &self,
        id: &ClientId,
        name: &Name,
        created_at: Timestamp,
    ) -> Result<ResourceServerKey, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO resource_servers (resource_server_id, name, created_at) VALUES (?1, ?2, ?3) \
             RETURNING resource_server_key",
        )?;
        let parameters = params![id.as_str(), name.as_str(), created_at.as_millis()];
        Ok(ResourceServerKey(
            statement.query_row(parameters, |row| row.get(0))?,
        ))
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
