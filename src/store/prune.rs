//! Removes what ended long ago, in small steps, so that the writer is never held for long: a step ends when its time is
//! over, and a grant with very many tokens goes piece by piece.

use std::time::Duration;

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::{Stopwatch, Timestamp};

/// The most rows that a step looks at.
const ROWS_AT_ONCE: i64 = 500;

/// How many tokens of one grant a step removes before it looks at the time.
const TOKENS_AT_ONCE: usize = 250;

/// After this, a step ends with the row that it is at.
const STEP_TIME: Duration = Duration::from_millis(10);

/// What a step goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Tokens whose life ended; of refresh tokens only those of grants that are dead, because reuse of an older one
    /// must be noticed as long as the chain lives.
    Expired,
    /// Access tokens that were revoked by themselves.
    Revoked,
    /// Grants that ended before their time.
    EndedGrants,
    /// Grants whose code nobody exchanged. A code that was exchanged is kept as long as its grant lives: that it is
    /// replayed must be noticed.
    Codes,
    /// Sessions.
    Sessions,
}

/// Where pruning stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneCursor {
    phase: Phase,
    after: (i64, i64),
    /// A grant of which nothing lives, and which is not gone yet.
    dying: Option<i64>,
}

impl PruneCursor {
    /// The beginning.
    pub const START: Self = Self::phase(Phase::Expired);

    const fn phase(phase: Phase) -> Self {
        Self {
            phase,
            after: (i64::MIN, i64::MIN),
            dying: None,
        }
    }

    fn next_phase(self) -> Option<Self> {
        Some(Self::phase(match self.phase {
            Phase::Expired => Phase::Revoked,
            Phase::Revoked => Phase::EndedGrants,
            Phase::EndedGrants => Phase::Codes,
            Phase::Codes => Phase::Sessions,
            Phase::Sessions => return None,
        }))
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneStep {
    /// How many tokens were removed.
    pub tokens: usize,
    /// Where the next step begins; `None` at the end.
    pub next: Option<PruneCursor>,
}

/// A row that a step looks at: its place in the order, and what it is.
struct Candidate {
    place: (i64, i64),
    grant: i64,
    is_access_token: bool,
}

impl ReadTransaction<'_> {
    /// How many tokens pruning would remove.
    pub fn prunable_tokens(&self, cutoff: Timestamp) -> Result<i64, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT count(*) FROM ( \
               SELECT t.token_key FROM tokens t WHERE t.expires_at <= ?1 AND (t.kind = 'access' OR \
                 ((SELECT 1 FROM tokens u WHERE u.grant_key = t.grant_key AND u.expires_at > ?1 \
                   AND (u.revoked_at IS NULL OR u.revoked_at > ?1) ORDER BY u.token_key DESC LIMIT 1) IS NULL \
                  AND NOT EXISTS (SELECT 1 FROM authorization_codes a WHERE a.grant_key = t.grant_key \
                                  AND a.expires_at > ?1))) \
               UNION SELECT token_key FROM tokens WHERE revoked_at <= ?1 \
               UNION SELECT t.token_key FROM grants g JOIN tokens t ON t.grant_key = g.grant_key \
                 WHERE g.ended_at <= ?1)",
        )?;
        Ok(statement.query_row([cutoff.as_millis()], |row| row.get(0))?)
    }

    fn candidates(&self, cursor: PruneCursor, cutoff: Timestamp) -> Result<Vec<Candidate>, StoreError> {
        let sql = match cursor.phase {
            Phase::Expired => {
                "SELECT expires_at AS first, token_key AS second, grant_key, kind = 'access' AS is_access \
                 FROM tokens INDEXED BY tokens_by_end \
                 WHERE expires_at <= ?1 AND (expires_at, token_key) > (?2, ?3) \
                 ORDER BY expires_at, token_key LIMIT ?4"
            }
            Phase::Revoked => {
                "SELECT revoked_at AS first, token_key AS second, grant_key, 1 AS is_access \
                 FROM tokens INDEXED BY tokens_by_revocation \
                 WHERE revoked_at <= ?1 AND (revoked_at, token_key) > (?2, ?3) \
                 ORDER BY revoked_at, token_key LIMIT ?4"
            }
            Phase::EndedGrants => {
                "SELECT ended_at AS first, grant_key AS second, grant_key, 0 AS is_access \
                 FROM grants INDEXED BY grants_by_end \
                 WHERE ended_at <= ?1 AND (ended_at, grant_key) > (?2, ?3) \
                 ORDER BY ended_at, grant_key LIMIT ?4"
            }
            Phase::Codes => {
                "SELECT expires_at AS first, code_key AS second, grant_key, 0 AS is_access \
                 FROM authorization_codes INDEXED BY authorization_codes_by_end \
                 WHERE expires_at <= ?1 AND (expires_at, code_key) > (?2, ?3) \
                 ORDER BY expires_at, code_key LIMIT ?4"
            }
            Phase::Sessions => {
                "SELECT expires_at AS first, session_key AS second, 0 AS grant_key, 0 AS is_access \
                 FROM sessions INDEXED BY sessions_by_end \
                 WHERE expires_at <= ?1 AND (expires_at, session_key) > (?2, ?3) \
                 ORDER BY expires_at, session_key LIMIT ?4"
            }
        };
        let parameters = params![cutoff.as_millis(), cursor.after.0, cursor.after.1, ROWS_AT_ONCE];
        Ok(all!(self, "tokens", sql, parameters, |row: &Row<'_, '_>| {
            Ok::<_, StoreError>(Candidate {
                place: (row.get("first")?, row.get("second")?),
                grant: row.get("grant_key")?,
                is_access_token: row.get("is_access")?,
            })
        }))
    }

    /// Whether something of a grant is not yet old enough to go.
    fn lives_after(&self, grant: i64, cutoff: Timestamp) -> Result<bool, StoreError> {
        // The newest first: where a grant lives, that is what lives of it, and a busy client has very many tokens.
        for sql in [
            "SELECT 1 FROM tokens INDEXED BY tokens_by_grant WHERE grant_key = ?1 AND expires_at > ?2 \
             ORDER BY token_key DESC LIMIT 1",
            "SELECT 1 FROM authorization_codes WHERE grant_key = ?1 AND expires_at > ?2",
        ] {
            let mut statement = self.connection().prepare_cached(sql)?;
            if statement.exists(params![grant, cutoff.as_millis()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl WriteTransaction<'_> {
    /// One step: removes what ended at `cutoff` or before, and sessions that ended.
    pub fn prune_some(
        &self,
        cursor: PruneCursor,
        cutoff: Timestamp,
        now: Timestamp,
    ) -> Result<PruneStep, StoreError> {
        let cutoff = if cursor.phase == Phase::Sessions {
            now
        } else {
            cutoff
        };
        let watch = Stopwatch::start();
        let mut tokens = 0;
        if let Some(grant) = cursor.dying {
            let deleted = self.delete_grant(grant, TOKENS_AT_ONCE)?;
            tokens += deleted.tokens;
            if !deleted.is_gone {
                let next = Some(cursor);
                return Ok(PruneStep { tokens, next });
            }
        }
        let candidates = self.candidates(cursor, cutoff)?;
        let mut next = PruneCursor {
            dying: None,
            ..cursor
        };
        for candidate in &candidates {
            let (removed, is_dead) = self.prune_one(cursor.phase, candidate, cutoff)?;
            tokens += removed;
            next.after = candidate.place;
            if is_dead {
                let deleted = self.delete_grant(candidate.grant, TOKENS_AT_ONCE)?;
                tokens += deleted.tokens;
                next.dying = (!deleted.is_gone).then_some(candidate.grant);
            }
            if next.dying.is_some() || watch.elapsed() >= STEP_TIME {
                break;
            }
        }
        let next = if candidates.is_empty() {
            cursor.next_phase()
        } else {
            Some(next)
        };
        Ok(PruneStep { tokens, next })
    }

    /// Removes one row. How many tokens that were, and whether nothing of its grant lives.
    fn prune_one(
        &self,
        phase: Phase,
        candidate: &Candidate,
        cutoff: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let delete = |sql: &str| -> Result<usize, StoreError> {
            Ok(self
                .connection()
                .prepare_cached(sql)?
                .execute([candidate.place.1])?)
        };
        let tokens = match phase {
            Phase::Sessions => {
                delete("DELETE FROM sessions WHERE session_key = ?1")?;
                return Ok((0, false));
            }
            Phase::EndedGrants => return Ok((0, true)),
            // A refresh token, and a code, go with their grant, and not before: else reuse would not be noticed.
            Phase::Codes => 0,
            Phase::Expired | Phase::Revoked if !candidate.is_access_token => 0,
            Phase::Expired | Phase::Revoked => delete("DELETE FROM tokens WHERE token_key = ?1")?,
        };
        Ok((tokens, !self.lives_after(candidate.grant, cutoff)?))
    }
}
