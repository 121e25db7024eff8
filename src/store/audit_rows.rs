//! The audit trail.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::domain::audit::{Action, AuditEntry, Event, Subject};

/// An entry with the hash that is stored for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAuditEntry {
    /// What it says.
    pub entry: AuditEntry,
    /// Its hash, as stored.
    pub hash: [u8; 32],
}

/// Which entries are asked for. All that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditSelector {
    /// Of this actor, by name.
    pub actor: Option<String>,
    /// Of this action, such as `client.update`; a trailing `.` stands for all that begin so.
    pub action: Option<String>,
    /// About this subject, by identifier.
    pub subject: Option<String>,
    /// Not before this instant.
    pub since: Option<crate::clock::Timestamp>,
}

fn read(row: &Row<'_, '_>) -> Result<StoredAuditEntry, StoreError> {
    let entry = AuditEntry {
        entry: row.get("entry")?,
        at: row.timestamp("at")?,
        actor_kind: row.get("actor_kind")?,
        actor: row.get("actor")?,
        source: row.get("source")?,
        action: row.get("action")?,
        subject_kind: row.get("subject_kind")?,
        subject: row.get("subject")?,
        detail: row.get("detail")?,
    };
    Ok(StoredAuditEntry {
        entry,
        hash: row.get("hash")?,
    })
}

impl ReadTransaction<'_> {
    /// Entries after the place `after` in the chain, the oldest first, at most `limit`.
    pub fn audit_entries(
        &self,
        selector: &AuditSelector,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StoredAuditEntry>, StoreError> {
        let sql = "SELECT entry, at, actor_kind, actor, source, action, subject_kind, subject, detail, hash FROM audit \
                   WHERE entry > ?1 AND (?2 IS NULL OR actor = ?2) \
                   AND (?3 IS NULL OR action = ?3 OR (substr(?3, -1) = '.' AND substr(action, 1, length(?3)) = ?3)) \
                   AND (?4 IS NULL OR subject = ?4) AND (?5 IS NULL OR at >= ?5) ORDER BY entry LIMIT ?6";
        let since = selector.since.map(crate::clock::Timestamp::as_millis);
        let parameters = params![
            after,
            selector.actor,
            selector.action,
            selector.subject,
            since,
            limit
        ];
        Ok(all!(self, "audit", sql, parameters, read))
    }

    /// Entries about one subject, the oldest first, at most `limit`.
    pub fn audit_entries_about(
        &self,
        subject: &Subject,
        limit: u32,
    ) -> Result<Vec<StoredAuditEntry>, StoreError> {
        let sql = "SELECT entry, at, actor_kind, actor, source, action, subject_kind, subject, detail, hash FROM audit \
                   WHERE subject_kind = ?1 AND subject = ?2 ORDER BY entry LIMIT ?3";
        let parameters = params![subject.kind, subject.id, limit];
        Ok(all!(self, "audit", sql, parameters, read))
    }

    /// The last entries of an action, the newest first, at most `limit`.
    pub fn last_audit_entries(
        &self,
        action: Action,
        limit: u32,
    ) -> Result<Vec<StoredAuditEntry>, StoreError> {
        let sql = "SELECT entry, at, actor_kind, actor, source, action, subject_kind, subject, detail, hash FROM audit \
                   WHERE action = ?1 ORDER BY entry DESC LIMIT ?2";
        Ok(all!(self, "audit", sql, params![action.name(), limit], read))
    }

    /// The place and the hash of the newest entry.
    pub fn audit_head(&self) -> Result<(i64, [u8; 32]), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT entry, hash FROM audit_head")?;
        Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}

impl ReadTransaction<'_> {
    /// The last place that has an entry, whatever the head of the chain says; 0 where there is none.
    pub fn last_audit_row(&self) -> Result<i64, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT coalesce(max(entry), 0) FROM audit")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

impl WriteTransaction<'_> {
    /// Adds an event to the end of the chain, in the transaction that it is about.
    pub fn append_audit(&self, event: &Event) -> Result<(), StoreError> {
        let (last, previous) = self.audit_head()?;
        let entry = AuditEntry::new(last + 1, event);
        let hash = entry.hash_after(&previous);
        self.connection()
            .prepare_cached(
                "INSERT INTO audit (entry, at, actor_kind, actor, source, action, subject_kind, subject, detail, hash) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                entry.entry,
                entry.at.as_millis(),
                entry.actor_kind,
                entry.actor,
                entry.source,
                entry.action,
                entry.subject_kind,
                entry.subject,
                entry.detail,
                hash,
            ])?;
        self.connection()
            .prepare_cached("UPDATE audit_head SET entry = ?1, hash = ?2")?
            .execute(params![entry.entry, hash])?;
        Ok(())
    }
}
