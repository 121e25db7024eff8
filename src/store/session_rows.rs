//! Sessions of browsers.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::domain::identifier::Identifier;
use crate::domain::owner::OwnerKey;
use crate::domain::session::Session;

fn read(row: &Row<'_, '_>) -> Result<Session, StoreError> {
    Ok(Session {
        identifier: row.identifier("session_key")?,
        secret_hash: row.secret_hash("secret_hash")?,
        owner: OwnerKey(row.get("owner_key")?),
        signed_in_at: row.timestamp("signed_in_at")?,
        expires_at: row.timestamp("expires_at")?,
    })
}

impl ReadTransaction<'_> {
    /// A session by its key; also one that has expired.
    pub fn session(&self, identifier: Identifier) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT session_key, secret_hash, owner_key, signed_in_at, expires_at FROM sessions \
             WHERE session_key = ?1";
        Ok(one!(self, "sessions", sql, [identifier.as_i64()], read))
    }
}

impl WriteTransaction<'_> {
    /// Adds a session.
    pub fn insert_session(&self, session: &Session) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO sessions (session_key, secret_hash, owner_key, signed_in_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute(params![
            session.identifier.as_i64(),
            session.secret_hash.as_bytes(),
            session.owner.0,
            session.signed_in_at.as_millis(),
            session.expires_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Ends a session, if it is there.
    pub fn delete_session(&self, identifier: Identifier) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM sessions WHERE session_key = ?1")?;
        statement.execute([identifier.as_i64()])?;
        Ok(())
    }

    /// Ends every session of a resource owner but one. How many there were.
    pub fn delete_other_sessions_of(&self, owner: OwnerKey, kept: Identifier) -> Result<usize, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM sessions WHERE owner_key = ?1 AND session_key <> ?2")?;
        Ok(statement.execute(params![owner.0, kept.as_i64()])?)
    }

    /// Ends every session of a resource owner. How many there were.
    pub fn delete_sessions_of(&self, owner: OwnerKey) -> Result<usize, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM sessions WHERE owner_key = ?1")?;
        Ok(statement.execute([owner.0])?)
    }
}
