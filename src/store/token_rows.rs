//! Authorization codes, access tokens and refresh tokens.

use rusqlite::params;

use super::StoreError;
use super::grant_rows::read_end;
use super::row::{Row, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::client::ClientKey;
use crate::domain::grant::GrantEnd;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::pkce::CodeChallenge;
use crate::domain::token::{AccessToken, AuthorizationCode, RefreshToken, Rotation};

fn read_code(row: &Row<'_, '_>) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        identifier: row.identifier("code_key")?,
        grant: row.identifier("grant_key")?,
        secret_hash: row.secret_hash("secret_hash")?,
        redirect_uri: row.get("redirect_uri")?,
        redirect_uri_was_sent: row.get("redirect_uri_was_sent")?,
        code_challenge: row
            .get::<Option<[u8; 32]>>("code_challenge")?
            .map(CodeChallenge::from_bytes),
        expires_at: row.timestamp("expires_at")?,
        exchanged_at: row.optional_timestamp("exchanged_at")?,
    })
}

fn read_access_token(row: &Row<'_, '_>) -> Result<AccessToken, StoreError> {
    Ok(AccessToken {
        identifier: row.identifier("token_key")?,
        grant: row.identifier("grant_key")?,
        secret_hash: row.secret_hash("secret_hash")?,
        scope: row.parse("scope")?,
        resources: row.parse("resources")?,
        issued_at: row.timestamp("issued_at")?,
        expires_at: row.timestamp("expires_at")?,
        revoked_at: row.optional_timestamp("revoked_at")?,
    })
}

fn read_refresh_token(row: &Row<'_, '_>) -> Result<RefreshToken, StoreError> {
    let rotation = match row.optional_timestamp("rotated_at")? {
        None => None,
        Some(rotated_at) => Some(Rotation {
            rotated_at,
            successor: row.identifier("successor_key")?,
            successor_salt: row.get("successor_salt")?,
            successor_used: row.get("successor_used")?,
        }),
    };
    Ok(RefreshToken {
        identifier: row.identifier("token_key")?,
        grant: row.identifier("grant_key")?,
        secret_hash: row.secret_hash("secret_hash")?,
        issued_at: row.timestamp("issued_at")?,
        expires_at: row.timestamp("expires_at")?,
        rotation,
    })
}

/// An access token with what of its grant and its resource owner its life hangs on.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: AccessToken,
    /// Who holds it.
    pub client: ClientKey,
    /// The end of its grant, where that came before its time.
    pub grant_end: Option<GrantEnd>,
    /// Who approved.
    pub owner: Username,
    /// Whether the resource owner may do anything at all.
    pub owner_enabled: bool,
}

fn read_issued_token(row: &Row<'_, '_>) -> Result<IssuedToken, StoreError> {
    Ok(IssuedToken {
        token: read_access_token(row)?,
        client: ClientKey(row.get("client_key")?),
        grant_end: read_end(row)?,
        owner: row.parse("username")?,
        owner_enabled: row.get("enabled")?,
    })
}

impl ReadTransaction<'_> {
    /// An authorization code by its key; also one that was exchanged or has expired.
    pub fn code(&self, identifier: Identifier) -> Result<Option<AuthorizationCode>, StoreError> {
        let sql = "SELECT code_key, grant_key, secret_hash, redirect_uri, redirect_uri_was_sent, code_challenge, \
                   expires_at, exchanged_at FROM authorization_codes WHERE code_key = ?1";
        Ok(one!(
            self,
            "authorization_codes",
            sql,
            [identifier.as_i64()],
            read_code
        ))
    }

    /// An access token by its key; also one that was revoked or has expired.
    pub fn access_token(&self, identifier: Identifier) -> Result<Option<IssuedToken>, StoreError> {
        let sql = "SELECT t.token_key, t.grant_key, t.secret_hash, t.scope, t.resources, t.issued_at, t.expires_at, \
                   t.revoked_at, g.client_key, g.ended_at, g.end_cause, o.username, o.enabled \
                   FROM tokens t CROSS JOIN grants g USING (grant_key) CROSS JOIN resource_owners o USING (owner_key) \
                   WHERE t.token_key = ?1 AND t.kind = 'access'";
        Ok(one!(
            self,
            "tokens",
            sql,
            [identifier.as_i64()],
            read_issued_token
        ))
    }

    /// A refresh token by its key; also one that was used or has expired.
    pub fn refresh_token(&self, identifier: Identifier) -> Result<Option<RefreshToken>, StoreError> {
        // A successor that is gone was used, or is too old to matter: its predecessor may not come back.
        let sql = "SELECT t.token_key, t.grant_key, t.secret_hash, t.issued_at, t.expires_at, t.rotated_at, \
                   t.successor_key, t.successor_salt, s.token_key IS NULL OR s.rotated_at IS NOT NULL AS successor_used \
                   FROM tokens t LEFT JOIN tokens s ON s.token_key = t.successor_key \
                   WHERE t.token_key = ?1 AND t.kind = 'refresh'";
        Ok(one!(
            self,
            "tokens",
            sql,
            [identifier.as_i64()],
            read_refresh_token
        ))
    }
}

impl WriteTransaction<'_> {
    /// Adds an authorization code.
    pub fn insert_code(&self, code: &AuthorizationCode) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO authorization_codes (code_key, grant_key, secret_hash, redirect_uri, \
                 redirect_uri_was_sent, code_challenge, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                code.identifier.as_i64(),
                code.grant.as_i64(),
                code.secret_hash.as_bytes(),
                code.redirect_uri,
                code.redirect_uri_was_sent,
                code.code_challenge.as_ref().map(CodeChallenge::as_bytes),
                code.expires_at.as_millis(),
            ])?;
        Ok(())
    }

    /// Uses an authorization code up.
    pub fn set_exchanged(&self, code: Identifier, at: Timestamp) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE authorization_codes SET exchanged_at = ?2 WHERE code_key = ?1")?;
        statement.execute(params![code.as_i64(), at.as_millis()])?;
        Ok(())
    }

    /// Adds an access token.
    pub fn insert_access_token(&self, token: &AccessToken) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, resources, issued_at, expires_at) \
                 VALUES (?1, 'access', ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                token.identifier.as_i64(),
                token.grant.as_i64(),
                token.secret_hash.as_bytes(),
                token.scope.to_string(),
                token.resources.to_string(),
                token.issued_at.as_millis(),
                token.expires_at.as_millis(),
            ])?;
        Ok(())
    }

    /// Revokes one access token, and nothing else. One that was revoked keeps its first instant. Whether
    /// this revoked it.
    pub fn revoke_access_token(&self, token: Identifier, at: Timestamp) -> Result<bool, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "UPDATE tokens SET revoked_at = ?2 WHERE token_key = ?1 AND kind = 'access' AND revoked_at IS NULL",
        )?;
        Ok(statement.execute(params![token.as_i64(), at.as_millis()])? > 0)
    }

    /// Adds a refresh token that has not been used.
    pub fn insert_refresh_token(&self, token: &RefreshToken) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, issued_at, expires_at) \
                 VALUES (?1, 'refresh', ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                token.identifier.as_i64(),
                token.grant.as_i64(),
                token.secret_hash.as_bytes(),
                token.issued_at.as_millis(),
                token.expires_at.as_millis(),
            ])?;
        Ok(())
    }

    /// Records that a refresh token was used for the first time, and what took its place.
    pub fn rotate_refresh_token(
        &self,
        token: Identifier,
        rotated_at: Timestamp,
        successor: Identifier,
        successor_salt: &[u8; 32],
    ) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "UPDATE tokens SET rotated_at = ?2, last_used_at = ?2, successor_key = ?3, successor_salt = ?4 \
                 WHERE token_key = ?1 AND rotated_at IS NULL",
            )?
            .execute(params![token.as_i64(), rotated_at.as_millis(), successor.as_i64(), successor_salt])?;
        Ok(())
    }

    /// Records when a token was last used. An earlier instant does not replace a later one.
    pub fn set_token_use(&self, token: Identifier, at: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "UPDATE tokens SET last_used_at = ?2 WHERE token_key = ?1 AND coalesce(last_used_at, 0) < ?2",
        )?;
        statement.execute(params![token.as_i64(), at.as_millis()])?;
        Ok(())
    }
}
