//! All that came of a grant: codes, access tokens and refresh tokens with what became of each.

use std::collections::BTreeSet;

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

/// Those of a grant that are told of.
#[derive(Debug)]
pub struct Relatives {
    /// In the order of their keys.
    pub told: Vec<Relative>,
    /// How many others there are.
    pub left_out: usize,
    /// The successors that have a row, also where that is left out.
    pub successors: BTreeSet<Identifier>,
}

impl ReadTransaction<'_> {
    /// What came of a grant: the newest `limit` of it; and, however old they are, the one that is asked about, the code, and
    /// of the refresh tokens that led to the one that is asked about the nearest `led`.
    pub fn family(
        &self,
        grant: Identifier,
        asked: Identifier,
        limit: u32,
        led: u32,
    ) -> Result<Relatives, StoreError> {
        // A code is issued when its grant is made. Keys grow with each row, also where the clock was set back. An access token
        // is made before the refresh token that is issued with it, and may be issued again later.
        let sql = "WITH RECURSIVE \
                   family AS ( \
                     SELECT code_key AS key, 'code' AS kind, grants.created_at AS issued_at, expires_at, \
                            exchanged_at AS last_used_at, NULL AS revoked_at, NULL AS rotated_at, \
                            NULL AS successor_key \
                     FROM authorization_codes JOIN grants USING (grant_key) WHERE grant_key = ?1 \
                     UNION ALL \
                     SELECT token_key, kind, issued_at, expires_at, last_used_at, revoked_at, rotated_at, \
                            successor_key \
                     FROM tokens WHERE grant_key = ?1), \
                   led (key, steps) AS ( \
                     SELECT coalesce( \
                       (SELECT min(r.key) FROM family r JOIN family a ON a.key = ?2 AND a.kind = 'access' \
                        WHERE r.kind = 'refresh' AND r.issued_at = a.issued_at AND r.key > ?2), \
                       (SELECT max(r.key) FROM family r JOIN family a ON a.key = ?2 AND a.kind = 'access' \
                        WHERE r.kind = 'refresh' AND r.key < ?2), \
                       ?2), 1 \
                     UNION ALL \
                     SELECT token_key, steps + 1 FROM led JOIN tokens ON successor_key = led.key AND grant_key = ?1 \
                     WHERE steps < ?4), \
                   placed AS ( \
                     SELECT *, row_number() OVER (ORDER BY key DESC) AS place, count(*) OVER () AS total, \
                            successor_key IN (SELECT key FROM family) AS has_successor FROM family) \
                   SELECT * FROM placed WHERE place <= ?3 OR kind = 'code' OR key = ?2 OR key IN (SELECT key FROM led) \
                   ORDER BY key";
        let parameters = params![grant.as_i64(), asked.as_i64(), limit, led];
        let mut total = 0;
        let mut successors = BTreeSet::new();
        let told: Vec<Relative> = all!(self, "tokens", sql, parameters, |row: &Row<'_, '_>| {
            let one = read(row)?;
            total = row.get::<i64>("total")?;
            if let Some((_, successor)) = one.rotated.filter(|_| row.get("has_successor").unwrap_or(false)) {
                successors.insert(successor);
            }
            Ok::<_, StoreError>(one)
        });
        let total = usize::try_from(total).unwrap_or_default();
        Ok(Relatives {
            left_out: total.saturating_sub(told.len()),
            told,
            successors,
        })
    }
}
