//! All that came of a grant: codes, access tokens and refresh tokens with what became of each.

use rusqlite::params;

use super::StoreError;
use super::error::corrupt;
use super::row::{Row, all};
use super::transaction::ReadTransaction;
use crate::clock::Timestamp;
use crate::domain::identifier::Identifier;
use crate::domain::token::TokenKind;

/// A code or token of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// Key of the row.
    pub identifier: Identifier,
    /// Code, access token or refresh token.
    pub kind: TokenKind,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it was last used, as far as that has been written: for a code when it was exchanged.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked by itself.
    pub revoked_at: Option<Timestamp>,
    /// What took its place, and when.
    pub rotated: Option<(Timestamp, Identifier)>,
}

fn read(row: &Row<'_, '_>) -> Result<Relative, StoreError> {
    let name: String = row.get("kind")?;
    let kind = match name.as_str() {
        "code" => TokenKind::AuthorizationCode,
        "access" => TokenKind::AccessToken,
        "refresh" => TokenKind::RefreshToken,
        other => return Err(corrupt("tokens", "kind")(format!("`{other}` is no kind"))),
    };
    let rotated = match row.optional_timestamp("rotated_at")? {
        Some(at) => Some((at, row.identifier("successor_key")?)),
        None => None,
    };
    Ok(Relative {
        identifier: row.identifier("key")?,
        kind,
        issued_at: row.timestamp("issued_at")?,
        expires_at: row.timestamp("expires_at")?,
        last_used_at: row.optional_timestamp("last_used_at")?,
        revoked_at: row.optional_timestamp("revoked_at")?,
        rotated,
    })
}

impl ReadTransaction<'_> {
    /// What came of a grant, the newest `limit` of it, in the order in which it was issued.
    pub fn family(&self, grant: Identifier, limit: u32) -> Result<Vec<Relative>, StoreError> {
        // A code is issued when its grant is made. Keys grow with each row, also where the clock was set back.
        let sql = "SELECT * FROM ( \
                     SELECT code_key AS key, 'code' AS kind, grants.created_at AS issued_at, expires_at, \
                            exchanged_at AS last_used_at, NULL AS revoked_at, NULL AS rotated_at, \
                            NULL AS successor_key \
                     FROM authorization_codes JOIN grants USING (grant_key) WHERE grant_key = ?1 \
                     UNION ALL \
                     SELECT token_key, kind, issued_at, expires_at, last_used_at, revoked_at, rotated_at, \
                            successor_key \
                     FROM tokens WHERE grant_key = ?1) \
                   ORDER BY key DESC LIMIT ?2";
        let mut family: Vec<Relative> = all!(self, "tokens", sql, params![grant.as_i64(), limit], read);
        family.reverse();
        Ok(family)
    }
}
