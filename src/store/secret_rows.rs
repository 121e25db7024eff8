//! Secrets of clients and of resource servers.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::client::{ClientKey, StoredSecret};
use crate::domain::identifier::Identifier;
use crate::domain::resource_server::ResourceServerKey;

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretHolder {
    /// A client's.
    Client(ClientKey),
    /// A resource server's.
    ResourceServer(ResourceServerKey),
}

fn read(row: &Row<'_, '_>) -> Result<StoredSecret, StoreError> {
    Ok(StoredSecret {
        identifier: row.identifier("secret_key")?,
        hash: row.secret_hash("secret_hash")?,
        created_at: row.timestamp("created_at")?,
        expires_at: row.optional_timestamp("expires_at")?,
        last_used_at: row.optional_timestamp("last_used_at")?,
    })
}

impl ReadTransaction<'_> {
    /// The secrets of a client or resource server, the oldest first; also those that have ended.
    pub fn secrets(&self, holder: SecretHolder) -> Result<Vec<StoredSecret>, StoreError> {
        Ok(match holder {
            SecretHolder::Client(ClientKey(key)) => {
                let sql = "SELECT secret_key, secret_hash, created_at, expires_at, last_used_at FROM client_secrets \
                           WHERE client_key = ?1 ORDER BY secret_key";
                all!(self, "client_secrets", sql, [key], read)
            }
            SecretHolder::ResourceServer(ResourceServerKey(key)) => {
                let sql = "SELECT secret_key, secret_hash, created_at, expires_at, last_used_at FROM resource_server_secrets \
                           WHERE resource_server_key = ?1 ORDER BY secret_key";
                all!(self, "resource_server_secrets", sql, [key], read)
            }
        })
    }
}

impl WriteTransaction<'_> {
    /// Adds a secret.
    pub fn insert_secret(&self, holder: SecretHolder, secret: &StoredSecret) -> Result<(), StoreError> {
        let (sql, key) = match holder {
            SecretHolder::Client(ClientKey(key)) => (
                "INSERT INTO client_secrets (secret_key, client_key, secret_hash, created_at, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                key,
            ),
            SecretHolder::ResourceServer(ResourceServerKey(key)) => (
                "INSERT INTO resource_server_secrets (secret_key, resource_server_key, secret_hash, created_at, \
                 expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                key,
            ),
        };
        self.connection().prepare_cached(sql)?.execute(params![
            secret.identifier.as_i64(),
            key,
            secret.hash.as_bytes(),
            secret.created_at.as_millis(),
            secret.expires_at.map(Timestamp::as_millis),
        ])?;
        Ok(())
    }

    /// Sets when a secret ends.
    pub fn set_secret_end(
        &self,
        holder: SecretHolder,
        secret: Identifier,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = match holder {
            SecretHolder::Client(_) => "UPDATE client_secrets SET expires_at = ?2 WHERE secret_key = ?1",
            SecretHolder::ResourceServer(_) => {
                "UPDATE resource_server_secrets SET expires_at = ?2 WHERE secret_key = ?1"
            }
        };
        self.connection()
            .prepare_cached(sql)?
            .execute(params![secret.as_i64(), end.as_millis()])?;
        Ok(())
    }

    /// Records when a secret was last used. An earlier instant does not replace a later one.
    pub fn set_secret_use(&self, secret: Identifier, at: Timestamp) -> Result<(), StoreError> {
        for sql in [
            "UPDATE client_secrets SET last_used_at = ?2 \
             WHERE secret_key = ?1 AND coalesce(last_used_at, 0) < ?2",
            "UPDATE resource_server_secrets SET last_used_at = ?2 \
             WHERE secret_key = ?1 AND coalesce(last_used_at, 0) < ?2",
        ] {
            self.connection()
                .prepare_cached(sql)?
                .execute(params![secret.as_i64(), at.as_millis()])?;
        }
        Ok(())
    }
}
