//! Resource owners.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::owner::{OwnerKey, ResourceOwner, Username};
use crate::domain::password::PasswordHash;

const SELECT: &str = "SELECT owner_key, username, password_hash, enabled, created_at FROM resource_owners";

fn read(row: &Row<'_, '_>) -> Result<ResourceOwner, StoreError> {
    Ok(ResourceOwner {
        key: OwnerKey(row.get("owner_key")?),
        username: row.parse("username")?,
        password_hash: PasswordHash::from_stored(row.get("password_hash")?),
        enabled: row.get("enabled")?,
        created_at: row.timestamp("created_at")?,
    })
}

impl ReadTransaction<'_> {
    /// A resource owner by username.
    pub fn owner(&self, username: &Username) -> Result<Option<ResourceOwner>, StoreError> {
        Ok(one!(
            self,
            "resource_owners",
            &format!("{SELECT} WHERE username = ?1"),
            [username.as_str()],
            read
        ))
    }

    /// A resource owner by key.
    pub fn owner_by_key(&self, key: OwnerKey) -> Result<Option<ResourceOwner>, StoreError> {
        Ok(one!(
            self,
            "resource_owners",
            &format!("{SELECT} WHERE owner_key = ?1"),
            [key.0],
            read
        ))
    }

    /// All resource owners, by username.
    pub fn owners(&self) -> Result<Vec<ResourceOwner>, StoreError> {
        Ok(all!(
            self,
            "resource_owners",
            &format!("{SELECT} ORDER BY username"),
            [],
            read
        ))
    }
}

impl WriteTransaction<'_> {
    /// Adds a resource owner who is enabled. The username must be new.
    pub fn insert_owner(
        &self,
        username: &Username,
        password_hash: &PasswordHash,
        created_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO resource_owners (username, password_hash, enabled, created_at) VALUES (?1, ?2, 1, ?3)",
        )?;
        statement.execute(params![
            username.as_str(),
            password_hash.as_str(),
            created_at.as_millis()
        ])?;
        Ok(())
    }

    /// Sets the password of a resource owner.
    pub fn set_password(&self, owner: OwnerKey, password_hash: &PasswordHash) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE resource_owners SET password_hash = ?2 WHERE owner_key = ?1")?;
        statement.execute(params![owner.0, password_hash.as_str()])?;
        Ok(())
    }

    /// Enables or disables a resource owner.
    pub fn set_owner_enabled(&self, owner: OwnerKey, enabled: bool) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE resource_owners SET enabled = ?2 WHERE owner_key = ?1")?;
        statement.execute(params![owner.0, enabled])?;
        Ok(())
    }

    /// Removes a resource owner who has no grants any more, with their sessions.
    pub fn delete_owner(&self, owner: OwnerKey) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM resource_owners WHERE owner_key = ?1")?;
        statement.execute([owner.0])?;
        Ok(())
    }
}
