//! Grants: what resource owners approved.

use rusqlite::params;

use super::StoreError;
use super::error::corrupt;
use super::row::{Row, all, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::client::ClientKey;
use crate::domain::grant::{EndCause, Grant, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::domain::owner::OwnerKey;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::domain::text::Name;

/// A grant that is to be stored.
#[derive(Debug)]
pub struct NewGrant {
    /// Key of the row.
    pub identifier: Identifier,
    /// The client that may act.
    pub client: ClientKey,
    /// The resource owner who approved.
    pub owner: OwnerKey,
    /// What was approved.
    pub scope: ScopeSet,
    /// Where its tokens may be used.
    pub resources: ResourceSet,
    /// When.
    pub created_at: Timestamp,
    /// Of the approval form, which can be answered once.
    pub form_nonce: [u8; 16],
}

/// A grant as its resource owner sees it.
#[derive(Debug)]
pub struct GrantOverview {
    /// The grant.
    pub grant: Grant,
    /// The name of its client.
    pub client_name: Name,
    /// When one of its tokens was last used, or refreshed, as far as that has been written.
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself, at the latest.
    pub ends_at: Timestamp,
}

/// Whose grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantHolder {
    /// A client's.
    Client(ClientKey),
    /// A resource owner's.
    Owner(OwnerKey),
}

const SELECT: &str = "SELECT grant_key, client_key, owner_key, scope, resources, grants.created_at, refreshes, \
    refresh_ends_at, ended_at, end_cause FROM grants";

/// The end of a grant, where it came before its time.
pub(super) fn read_end(row: &Row<'_, '_>) -> Result<Option<GrantEnd>, StoreError> {
    let Some(at) = row.optional_timestamp("ended_at")? else {
        return Ok(None);
    };
    let name: String = row.get("end_cause")?;
    let known = EndCause::ALL.into_iter().find(|cause| cause.name() == name);
    let cause = known.ok_or_else(|| corrupt("grants", "end_cause")(format!("`{name}` is no cause")))?;
    Ok(Some(GrantEnd { at, cause }))
}

fn read(row: &Row<'_, '_>) -> Result<Grant, StoreError> {
    Ok(Grant {
        identifier: row.identifier("grant_key")?,
        client: ClientKey(row.get("client_key")?),
        owner: OwnerKey(row.get("owner_key")?),
        scope: row.parse("scope")?,
        resources: row.parse("resources")?,
        created_at: row.timestamp("created_at")?,
        refreshes: row.get("refreshes")?,
        refresh_ends_at: row.optional_timestamp("refresh_ends_at")?,
        ended: read_end(row)?,
    })
}

impl ReadTransaction<'_> {
    /// The grant with the greatest key: the one that was approved last, as long as no clock was set back.
    pub fn grant_of_greatest_key(&self) -> Result<Option<Identifier>, StoreError> {
        let sql = "SELECT grant_key FROM grants ORDER BY grant_key DESC LIMIT 1";
        Ok(one!(self, "grants", sql, params![], |row: &Row<'_, '_>| row
            .identifier("grant_key")))
    }

    /// Whether a refresh token came of a grant.
    pub fn has_refresh_token(&self, grant: Identifier) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tokens WHERE grant_key = ?1 AND kind = 'refresh'";
        Ok(self.connection().prepare_cached(sql)?.exists([grant.as_i64()])?)
    }

    /// A grant by its key.
    pub fn grant(&self, identifier: Identifier) -> Result<Option<Grant>, StoreError> {
        Ok(one!(
            self,
            "grants",
            &format!("{SELECT} WHERE grant_key = ?1"),
            [identifier.as_i64()],
            read
        ))
    }

    /// Whether a grant came of the approval form with this nonce.
    pub fn form_was_answered(&self, nonce: &[u8; 16]) -> Result<bool, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT 1 FROM grants WHERE form_nonce = ?1")?;
        Ok(statement.exists([nonce])?)
    }

    /// How many grants, codes and tokens a client has; counts no further than to about `most`.
    pub fn holdings_of_client(&self, client: ClientKey, most: usize) -> Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut total = 0_i64;
        for sql in [
            "SELECT count(*) FROM (SELECT 1 FROM grants WHERE client_key = ?1 LIMIT ?2)",
            "SELECT count(*) FROM (SELECT 1 FROM grants JOIN authorization_codes USING (grant_key) \
             WHERE client_key = ?1 LIMIT ?2)",
            "SELECT count(*) FROM (SELECT 1 FROM grants JOIN tokens USING (grant_key) \
             WHERE client_key = ?1 LIMIT ?2)",
        ] {
            let mut statement = self.connection().prepare_cached(sql)?;
            total += statement.query_row(params![client.0, most], |row| row.get::<_, i64>(0))?;
        }
        Ok(usize::try_from(total).unwrap_or_default())
    }

    /// The grants of a resource owner under which a client can still act, the newest first, at most `limit`.
    pub fn live_grants_of_owner(
        &self,
        owner: OwnerKey,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<GrantOverview>, StoreError> {
        let sql = "SELECT grant_key, client_key, owner_key, scope, resources, grants.created_at, refreshes, \
                   refresh_ends_at, ended_at, end_cause, name, \
                   (SELECT max(max(coalesce(last_used_at, 0), coalesce(rotated_at, 0))) FROM tokens \
                    WHERE tokens.grant_key = grants.grant_key) AS last_used_at, \
                   (SELECT max(CASE kind WHEN 'refresh' THEN coalesce(refresh_ends_at, expires_at) \
                               ELSE expires_at END) FROM tokens WHERE tokens.grant_key = grants.grant_key \
                    AND revoked_at IS NULL AND rotated_at IS NULL AND expires_at > ?2) AS ends_at \
                   FROM grants JOIN clients USING (client_key) \
                   WHERE owner_key = ?1 AND ended_at IS NULL \
                   AND EXISTS (SELECT 1 FROM tokens WHERE tokens.grant_key = grants.grant_key \
                               AND revoked_at IS NULL AND rotated_at IS NULL AND expires_at > ?2) \
                   ORDER BY grant_key DESC LIMIT ?3";
        Ok(all!(
            self,
            "grants",
            sql,
            params![owner.0, now.as_millis(), limit],
            |row: &Row<'_, '_>| {
                Ok::<_, StoreError>(GrantOverview {
                    grant: read(row)?,
                    client_name: row.parse("name")?,
                    // Nothing was used in 1970.
                    last_used_at: row
                        .optional_timestamp("last_used_at")?
                        .filter(|at| at.as_millis() > 0),
                    ends_at: row.timestamp("ends_at")?,
                })
            }
        ))
    }
}

impl WriteTransaction<'_> {
    /// Adds a grant. The nonce of its form must be new.
    pub fn insert_grant(&self, grant: &NewGrant) -> Result<(), StoreError> {
        let key = grant.identifier.as_i64();
        self.connection()
            .prepare_cached(
                "INSERT INTO grants (grant_key, client_key, owner_key, scope, resources, created_at, form_nonce) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                key,
                grant.client.0,
                grant.owner.0,
                grant.scope.to_string(),
                grant.resources.to_string(),
                grant.created_at.as_millis(),
                grant.form_nonce,
            ])?;
        let mut statement = self
            .connection()
            .prepare_cached("INSERT INTO grant_scopes (scope, grant_key) VALUES (?1, ?2)")?;
        for scope in grant.scope.iter() {
            statement.execute(params![scope.as_str(), key])?;
        }
        Ok(())
    }

    /// Sets until when a grant may be refreshed.
    pub fn set_refresh_end(&self, grant: Identifier, end: Timestamp) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE grants SET refresh_ends_at = ?2 WHERE grant_key = ?1")?;
        statement.execute(params![grant.as_i64(), end.as_millis()])?;
        Ok(())
    }

    /// Counts one refresh.
    pub fn count_refresh(&self, grant: Identifier) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE grants SET refreshes = refreshes + 1 WHERE grant_key = ?1")?;
        statement.execute([grant.as_i64()])?;
        Ok(())
    }

    /// Ends a grant and so all its tokens. One that has ended keeps its first end. Whether this ended it.
    pub fn end_grant(&self, grant: Identifier, end: GrantEnd) -> Result<bool, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "UPDATE grants SET ended_at = ?2, end_cause = ?3 WHERE grant_key = ?1 AND ended_at IS NULL",
        )?;
        Ok(statement.execute(params![grant.as_i64(), end.at.as_millis(), end.cause.name()])? > 0)
    }

    /// Ends the life of the codes and access tokens of a grant at `at`, and with `refresh` that of its refresh tokens too.
    /// How many lived longer.
    pub fn expire_grant(&self, grant: Identifier, at: Timestamp, refresh: bool) -> Result<usize, StoreError> {
        let mut changed = 0;
        for (sql, counts) in [
            (
                "UPDATE authorization_codes SET expires_at = ?2 WHERE grant_key = ?1 AND expires_at > ?2 \
                 AND exchanged_at IS NULL",
                true,
            ),
            (
                "UPDATE tokens SET expires_at = ?2 WHERE grant_key = ?1 AND expires_at > ?2 AND kind = 'access'",
                true,
            ),
            (
                "UPDATE tokens SET expires_at = ?2 WHERE grant_key = ?1 AND expires_at > ?2 AND kind = 'refresh'",
                refresh,
            ),
        ] {
            if counts {
                let mut statement = self.connection().prepare_cached(sql)?;
                changed += statement.execute(params![grant.as_i64(), at.as_millis()])?;
            }
        }
        Ok(changed)
    }

    /// Marks the refresh tokens of a grant that nobody has used as used, and their successor too: as if somebody else had.
    /// How many there were.
    pub fn rotate_away(
        &self,
        grant: Identifier,
        at: Timestamp,
        successor: Identifier,
        salt: &[u8; 32],
    ) -> Result<usize, StoreError> {
        // A successor without a row counts as used.
        let mut statement = self.connection().prepare_cached(
            "UPDATE tokens SET rotated_at = ?2, last_used_at = ?2, successor_key = ?3, successor_salt = ?4 \
             WHERE grant_key = ?1 AND kind = 'refresh' AND rotated_at IS NULL AND revoked_at IS NULL AND expires_at > ?2",
        )?;
        Ok(statement.execute(params![grant.as_i64(), at.as_millis(), successor.as_i64(), salt])?)
    }

    /// Removes the oldest grants of a client or of a resource owner with all that came of them, until about `rows` tokens
    /// are gone. How many grants were removed; `None` where there was none left.
    pub fn delete_some_grants(&self, of: GrantHolder, rows: usize) -> Result<Option<usize>, StoreError> {
        let (sql, key) = match of {
            GrantHolder::Client(ClientKey(key)) => (
                "SELECT grant_key FROM grants WHERE client_key = ?1 ORDER BY grant_key LIMIT ?2",
                key,
            ),
            GrantHolder::Owner(OwnerKey(key)) => (
                "SELECT grant_key FROM grants WHERE owner_key = ?1 ORDER BY grant_key LIMIT ?2",
                key,
            ),
        };
        let most = i64::try_from(rows).unwrap_or(i64::MAX);
        let grants: Vec<i64> = all!(self, "grants", sql, params![key, most], |row: &Row<'_, '_>| row
            .get("grant_key"));
        let (mut removed, mut tokens) = (0, 0);
        for grant in &grants {
            let deleted = self.delete_grant(*grant, rows - tokens)?;
            removed += usize::from(deleted.is_gone);
            // A grant without tokens is work too.
            tokens += deleted.tokens.max(1);
            if tokens >= rows {
                break;
            }
        }
        Ok((!grants.is_empty()).then_some(removed))
    }

    /// Removes one grant with all that came of it, or, where those are more, as many as `most` of its tokens.
    pub(super) fn delete_grant(&self, grant: i64, most: usize) -> Result<DeletedGrant, StoreError> {
        let most = most.max(1);
        let mut statement = self.connection().prepare_cached(
            "DELETE FROM tokens WHERE token_key IN (SELECT token_key FROM tokens WHERE grant_key = ?1 LIMIT ?2)",
        )?;
        let tokens = statement.execute(params![grant, i64::try_from(most).unwrap_or(i64::MAX)])?;
        let mut rest = self
            .connection()
            .prepare_cached("SELECT 1 FROM tokens WHERE grant_key = ?1")?;
        let is_gone = tokens < most || !rest.exists([grant])?;
        if is_gone {
            for sql in [
                "DELETE FROM authorization_codes WHERE grant_key = ?1",
                "DELETE FROM grants WHERE grant_key = ?1",
            ] {
                self.connection().prepare_cached(sql)?.execute([grant])?;
            }
        }
        Ok(DeletedGrant { tokens, is_gone })
    }
}

/// What became of a grant that is removed.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeletedGrant {
    /// How many of its tokens were removed.
    pub(super) tokens: usize,
    /// Whether nothing of it is left.
    pub(super) is_gone: bool,
}
