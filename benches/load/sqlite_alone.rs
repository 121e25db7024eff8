//! The ceiling of writes: SQLite alone, on a copy of the same file with the same settings, doing the statements of the
//! server's write transactions, in one thread, with as many of them a commit as the server had.
//!
//! The statements are those of `src/store/`, in the order in which the use case of `src/authorization_server/` runs them.
//! What they find is looked up and not read: no text is parsed, nothing is hashed, nobody waits for anybody.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use oauthctl::clock::{Clock, Deadline, Stopwatch, SystemClock};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Params, params};

use crate::drive::{Run, as_f64};
use crate::fill::Filled;
use crate::home::SCOPE;
use crate::latency::Latencies;
use crate::process;
use crate::work::Kind;

const CLIENT: &str = "SELECT client_key, client_id, name, description, enabled, require_pkce, access_token_lifetime, \
    code_lifetime, refresh_limit, refresh_token_lifetime, refresh_token_idle, created_at FROM clients WHERE client_key = ?1";
const REDIRECT_URIS: &str =
    "SELECT redirect_uri FROM client_redirect_uris WHERE client_key = ?1 ORDER BY position";
const SCOPES: &str = "SELECT scope FROM client_scopes JOIN scopes USING (scope_key) WHERE client_key = ?1";
const REFRESH_TOKEN: &str = "SELECT t.token_key, t.grant_key, t.secret_hash, t.issued_at, t.expires_at, t.rotated_at, \
    t.successor_key, t.successor_salt, s.token_key IS NULL OR s.rotated_at IS NOT NULL AS successor_used \
    FROM tokens t LEFT JOIN tokens s ON s.token_key = t.successor_key WHERE t.token_key = ?1 AND t.kind = 'refresh'";
const ACCESS_TOKEN: &str = "SELECT token_key, grant_key, secret_hash, scope, resources, issued_at, expires_at, revoked_at \
    FROM tokens WHERE token_key = ?1 AND kind = 'access'";
const GRANT: &str = "SELECT grant_key, client_key, owner_key, scope, resources, grants.created_at, refreshes, \
    refresh_ends_at, ended_at, end_cause FROM grants WHERE grant_key = ?1";
const OWNER: &str = "SELECT owner_key, username, password_hash, enabled, created_at FROM resource_owners WHERE owner_key = ?1";
const SESSION: &str =
    "SELECT session_key, secret_hash, owner_key, expires_at FROM sessions WHERE session_key = ?1";
const FORM: &str = "SELECT 1 FROM grants WHERE form_nonce = ?1";
const CODE: &str = "SELECT code_key, grant_key, secret_hash, redirect_uri, redirect_uri_was_sent, code_challenge, \
    expires_at, exchanged_at FROM authorization_codes WHERE code_key = ?1";
const COUNT_REFRESH: &str = "UPDATE grants SET refreshes = refreshes + 1 WHERE grant_key = ?1";
const ROTATE: &str = "UPDATE tokens SET rotated_at = ?2, last_used_at = ?2, successor_key = ?3, successor_salt = ?4 \
    WHERE token_key = ?1 AND rotated_at IS NULL";
const INSERT_REFRESH_TOKEN: &str = "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, issued_at, expires_at) \
    VALUES (?1, 'refresh', ?2, ?3, ?4, ?5)";
const INSERT_ACCESS_TOKEN: &str = "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, resources, \
    issued_at, expires_at) VALUES (?1, 'access', ?2, ?3, ?4, ?5, ?6, ?7)";
const REVOKE: &str =
    "UPDATE tokens SET revoked_at = ?2 WHERE token_key = ?1 AND kind = 'access' AND revoked_at IS NULL";
const AUDIT_HEAD: &str = "SELECT entry, hash FROM audit_head";
const INSERT_AUDIT: &str = "INSERT INTO audit (entry, at, actor_kind, actor, source, action, subject_kind, subject, \
    detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const SET_AUDIT_HEAD: &str = "UPDATE audit_head SET entry = ?1, hash = ?2";
const INSERT_GRANT: &str = "INSERT INTO grants (grant_key, client_key, owner_key, scope, resources, created_at, form_nonce) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const INSERT_GRANT_SCOPE: &str = "INSERT INTO grant_scopes (scope, grant_key) VALUES (?1, ?2)";
const INSERT_CODE: &str = "INSERT INTO authorization_codes (code_key, grant_key, secret_hash, redirect_uri, \
    redirect_uri_was_sent, code_challenge, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const EXCHANGED: &str = "UPDATE authorization_codes SET exchanged_at = ?2 WHERE code_key = ?1";
const REFRESH_END: &str = "UPDATE grants SET refresh_ends_at = ?2 WHERE grant_key = ?1";

/// A copy of the file, open for writing.
pub(crate) struct Alone {
    connection: Connection,
    filled: Filled,
    /// Grants with the refresh token that is good.
    chains: Vec<(i64, i64)>,
    /// How many of them are refreshed in turn.
    in_turn: usize,
    next_chain: usize,
    /// The grant and the code of an approval that waits for its exchange.
    approved: Option<(i64, i64)>,
    /// Access tokens that have been revoked.
    revoked: u64,
    /// Grows with each row that is made.
    fresh: i64,
    client: i64,
    owner: i64,
}

impl Alone {
    /// Copies the database of a server that does not run.
    pub(crate) fn copy(database: &Path, filled: Filled) -> Result<Self> {
        let path = database.with_file_name("alone.db");
        std::fs::copy(database, &path).context("copy the database")?;
        let connection = Connection::open(&path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA journal_size_limit = 8388608",
        )?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let key = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let client = key("SELECT client_key FROM clients WHERE client_id = 'client-1'")?;
        let owner = key("SELECT owner_key FROM resource_owners WHERE username = 'owner-0'")?;
        let mut statement = connection.prepare(
            "SELECT grant_key, token_key FROM tokens WHERE kind = 'refresh' AND rotated_at IS NULL \
             ORDER BY token_key DESC LIMIT 256",
        )?;
        let chains = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let chains: Vec<_> = chains.collect::<Result<_, _>>()?;
        drop(statement);
        Ok(Self {
            connection,
            filled,
            in_turn: chains.len(),
            chains,
            next_chain: 0,
            approved: None,
            revoked: 0,
            fresh: SystemClock.now().as_millis() << 21,
            client,
            owner,
        })
    }

    /// Commits `batch` pieces of work at a time, for `span`. Each latency is that of a whole commit.
    pub(crate) fn run(
        &mut self,
        kind: Kind,
        batch: usize,
        chains: usize,
        span: Duration,
    ) -> Result<(Run, Duration)> {
        self.in_turn = chains.clamp(1, self.chains.len());
        let cpu = process::cpu_of_this_thread()?;
        let (watch, deadline) = (Stopwatch::start(), Deadline::after(span));
        let (mut count, mut times) = (0, Vec::new());
        while deadline.remaining().is_some() {
            let commit = Stopwatch::start();
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            for _ in 0..batch.max(1) {
                count += self.once(kind)?;
            }
            self.connection.execute_batch("COMMIT")?;
            times.push(commit.elapsed());
        }
        let run = Run {
            count,
            elapsed: watch.elapsed(),
            latencies: Latencies::new(times),
        };
        Ok((run, process::cpu_of_this_thread()?.saturating_sub(cpu)))
    }

    /// One transaction of the server's, and which part of the work that is.
    fn once(&mut self, kind: Kind) -> Result<usize> {
        self.execute("SAVEPOINT job", [])?;
        let now = SystemClock.now().as_millis();
        let whole = match kind {
            Kind::Refresh => self.refresh(now)?,
            Kind::Revoke => self.revoke(now)?,
            // A code flow has two, which are done here in turn: the approval, and then the exchange.
            Kind::Code => match self.approved.take() {
                None => self.approve(now)?,
                Some((grant, code)) => self.exchange(grant, code, now)?,
            },
            Kind::Introspect | Kind::Check => 1,
        };
        self.execute("RELEASE job", [])?;
        Ok(whole)
    }

    fn refresh(&mut self, now: i64) -> Result<usize> {
        let chain = self.next_chain % self.in_turn;
        self.next_chain += 1;
        let (grant, token) = self.chains[chain];
        let (successor, access) = (self.key(), self.key());
        self.look_up_client()?;
        self.look_up(REFRESH_TOKEN, [token])?;
        self.look_up(GRANT, [grant])?;
        self.look_up(OWNER, [self.owner])?;
        self.execute(COUNT_REFRESH, [grant])?;
        self.execute(ROTATE, params![token, now, successor, hash(now)])?;
        self.execute(
            INSERT_REFRESH_TOKEN,
            params![successor, grant, hash(successor), now, now],
        )?;
        self.execute(
            INSERT_ACCESS_TOKEN,
            params![access, grant, hash(access), SCOPE, "", now, now],
        )?;
        self.chains[chain].1 = successor;
        Ok(1)
    }

    fn revoke(&mut self, now: i64) -> Result<usize> {
        let grant = self.revoked % self.filled.grants();
        let token = self
            .filled
            .token_key(grant, 6 + 2 * (self.revoked / self.filled.grants() % 2))
            .as_i64();
        self.revoked += 1;
        self.look_up(ACCESS_TOKEN, [token])?;
        self.look_up(GRANT, [self.filled.grant_key(grant).as_i64()])?;
        self.execute(REVOKE, [token, now])?;
        self.audit(now, "token.revoke")?;
        Ok(1)
    }

    fn approve(&mut self, now: i64) -> Result<usize> {
        let (grant, code) = (self.key(), self.key());
        self.look_up(SESSION, [1])?;
        self.look_up(OWNER, [self.owner])?;
        self.look_up_client()?;
        let nonce = &hash(grant)[..16];
        self.look_up(FORM, [nonce])?;
        self.audit(now, "grant.approve")?;
        self.execute(
            INSERT_GRANT,
            params![grant, self.client, self.owner, SCOPE, "", now, nonce],
        )?;
        self.execute(INSERT_GRANT_SCOPE, params![SCOPE, grant])?;
        let uri = "https://app.example/cb";
        self.execute(
            INSERT_CODE,
            params![code, grant, hash(code), uri, true, hash(code), now],
        )?;
        self.approved = Some((grant, code));
        Ok(0)
    }

    fn exchange(&mut self, grant: i64, code: i64, now: i64) -> Result<usize> {
        let (access, refresh) = (self.key(), self.key());
        self.look_up_client()?;
        self.look_up(CODE, [code])?;
        self.look_up(GRANT, [grant])?;
        self.look_up(OWNER, [self.owner])?;
        self.execute(EXCHANGED, [code, now])?;
        self.execute(
            INSERT_ACCESS_TOKEN,
            params![access, grant, hash(access), SCOPE, "", now, now],
        )?;
        self.execute(REFRESH_END, [grant, now])?;
        self.execute(
            INSERT_REFRESH_TOKEN,
            params![refresh, grant, hash(refresh), now, now],
        )?;
        Ok(1)
    }

    fn audit(&self, now: i64, action: &str) -> Result<()> {
        let mut head = self.connection.prepare_cached(AUDIT_HEAD)?;
        let entry: i64 = 1 + head.query_row([], |row| row.get::<_, i64>(0))?;
        let (subject, detail) = (
            entry.to_string(),
            "{\"grant_id\":\"38g61gjnwdega\",\"scope\":\"orders:read\"}",
        );
        let hash = hash(entry);
        let actor = ("client", "client-1", "127.0.0.1");
        self.execute(
            INSERT_AUDIT,
            params![
                entry, now, actor.0, actor.1, actor.2, action, "token", subject, detail, hash
            ],
        )?;
        self.execute(SET_AUDIT_HEAD, params![entry, hash])
    }

    fn look_up_client(&self) -> Result<()> {
        self.look_up(CLIENT, [self.client])?;
        self.look_up(REDIRECT_URIS, [self.client])?;
        self.look_up(SCOPES, [self.client])
    }

    fn look_up(&self, sql: &str, parameters: impl Params) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while rows.next()?.is_some() {}
        Ok(())
    }

    fn execute(&self, sql: &str, parameters: impl Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(parameters)?;
        Ok(())
    }

    fn key(&mut self) -> i64 {
        self.fresh += 1;
        self.fresh
    }
}

/// Bytes in place of a hash: as long, and all different.
fn hash(number: i64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for part in bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

/// How many jobs a commit had, rounded to a whole one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a batch has 1 to 128 jobs"
)]
pub(crate) fn whole(jobs: f64) -> usize {
    jobs.round().max(1.0) as usize
}

/// What a commit of this size takes, with one line for each size.
pub(crate) fn batches(alone: &mut Alone, span: Duration) -> Result<Vec<(usize, f64, Duration)>> {
    [1, 8, 32]
        .into_iter()
        .map(|batch| {
            let (run, cpu) = alone.run(Kind::Refresh, batch, 64, span)?;
            Ok((batch, run.rate(), cpu.div_f64(as_f64(run.count.max(1)))))
        })
        .collect()
}
