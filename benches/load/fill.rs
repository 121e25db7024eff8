//! Many tokens, written straight into the tables that the program has made.
//!
//! A grant has [`LAYERS`] tokens: access tokens, and a chain of refresh tokens of which the last is good. They are written
//! in the order of their age, as they would have been issued, so that the tokens of one grant lie far apart. Everything
//! about the *n*th token follows from *n*; its secret too, so that each can be presented.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use data_encoding::BASE64URL_NOPAD;
use oauthctl::clock::{Clock, Stopwatch, SystemClock, Timestamp};
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::secret::Secret;
use oauthctl::domain::token::{TokenKind, TokenValue};
use rusqlite::{Connection, params};

use crate::home::{Home, SCOPE};

/// Tokens of one grant. Even layers are access tokens; those of layer 0 have expired long ago. Odd layers are refresh
/// tokens, each the successor of the one two layers before.
pub(crate) const LAYERS: u64 = 10;

/// Grants of the client whose tokens are revoked at once; so that it has 100,000 tokens.
pub(crate) const GRANTS_OF_ONE_CLIENT: u64 = 10_000;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Over how long all were issued.
const SPAN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What has been filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    pub(crate) tokens: u64,
    clients: u64,
    owners: u64,
    from: Timestamp,
}

impl Filled {
    pub(crate) fn grants(&self) -> u64 {
        self.tokens / LAYERS
    }

    /// The client of a grant, by number. The first has very many grants where there are enough for that.
    fn client_of(&self, grant: u64) -> u64 {
        if grant < GRANTS_OF_ONE_CLIENT && self.grants() > GRANTS_OF_ONE_CLIENT {
            0
        } else {
            1 + grant % (self.clients - 1)
        }
    }

    /// The ID of the client of a grant.
    pub(crate) fn client_id(&self, grant: u64) -> String {
        client_id(self.client_of(grant))
    }

    pub(crate) fn grant_key(&self, grant: u64) -> Identifier {
        let at = self.from.before(DAY).after(Duration::from_millis(grant));
        Identifier::at(at, low(grant))
    }

    fn issued_at(&self, token: u64) -> Timestamp {
        // Some hundred milliseconds apart, where there are ten million.
        let distance = u128::from(token) * SPAN.as_millis() / u128::from(self.tokens.max(1));
        let distance = u64::try_from(distance).unwrap_or(u64::MAX);
        self.from.after(Duration::from_millis(distance))
    }

    fn key(&self, token: u64) -> Identifier {
        Identifier::at(self.issued_at(token), low(token))
    }

    /// The key of the token of a grant in a layer.
    pub(crate) fn token_key(&self, grant: u64, layer: u64) -> Identifier {
        self.key(layer * self.grants() + grant)
    }

    /// The token of a grant in a layer, as it travels.
    pub(crate) fn value(&self, grant: u64, layer: u64) -> Result<String> {
        let token = layer * self.grants() + grant;
        let kind = if layer.is_multiple_of(2) {
            TokenKind::AccessToken
        } else {
            TokenKind::RefreshToken
        };
        let value = TokenValue::new(kind, self.key(token), secret(token)?);
        Ok(value.reveal())
    }
}

fn client_id(number: u64) -> String {
    format!("client-{number}")
}

/// What distinguishes the keys of one millisecond, of which there are at most 2²¹.
fn low(number: u64) -> u32 {
    (number & 0x1f_ffff) as u32
}

fn secret(token: u64) -> Result<Secret> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&token.to_be_bytes());
    Secret::parse(&BASE64URL_NOPAD.encode(&bytes)).context("a secret")
}

/// Writes `tokens` tokens, rounded down to whole grants, of `clients` clients and `owners` resource owners.
pub(crate) fn fill(home: &Home, tokens: u64, clients: u64, owners: u64) -> Result<Filled> {
    let watch = Stopwatch::start();
    let filled = Filled {
        tokens: tokens / LAYERS * LAYERS,
        clients: clients.max(2),
        owners: owners.max(1),
        from: SystemClock.now().before(SPAN),
    };
    let mut connection = Connection::open(home.database())?;
    // What breaks off is thrown away: nothing has to be safe, and the file is not read meanwhile.
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; \
         PRAGMA cache_size = -262144; PRAGMA temp_store = FILE; PRAGMA locking_mode = EXCLUSIVE",
    )?;
    // Made anew at the end: sorted once, they cost a fraction of what they cost row by row.
    let indexes = indexes(&connection)?;
    for (name, _) in &indexes {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let transaction = connection.transaction()?;
    people(&transaction, &filled)?;
    grants(&transaction, &filled)?;
    tokens_of(&transaction, &filled)?;
    transaction.commit()?;
    for (_, sql) in &indexes {
        connection.execute_batch(sql)?;
    }
    // Reads the page with the schema once more, so that the mode is changed by whoever holds the file alone.
    connection.execute_batch("PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL")?;
    drop(connection);
    eprintln!(
        "filled in {} tokens of {} grants in {:.1} s, {} MiB",
        filled.tokens,
        filled.grants(),
        watch.elapsed().as_secs_f64(),
        size(&home.database()) / 1024 / 1024
    );
    Ok(filled)
}

pub(crate) fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}

/// The indexes that are no part of a table, by name, with what makes them.
fn indexes(connection: &Connection) -> Result<Vec<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL \
         AND tbl_name IN ('tokens', 'grants', 'grant_scopes')",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Clients with the settings and the secret of `template`, and resource owners with its password.
fn people(connection: &Connection, filled: &Filled) -> Result<()> {
    for client in 0..filled.clients {
        let (id, distance) = (client_id(client), i64::try_from(1 + client)?);
        connection
            .prepare_cached(
                "INSERT INTO clients (client_key, client_id, name, description, enabled, require_pkce, \
                 access_token_lifetime, code_lifetime, refresh_limit, refresh_token_lifetime, refresh_token_idle, \
                 created_at) SELECT client_key + ?1, ?2, ?2, description, enabled, require_pkce, \
                 access_token_lifetime, code_lifetime, refresh_limit, refresh_token_lifetime, refresh_token_idle, \
                 created_at FROM clients WHERE client_id = 'template'",
            )?
            .execute(params![distance, id])?;
        for sql in [
            "INSERT INTO client_redirect_uris SELECT client_key + ?1, position, redirect_uri FROM client_redirect_uris \
             WHERE client_key = (SELECT client_key FROM clients WHERE client_id = 'template')",
            "INSERT INTO client_scopes SELECT client_key + ?1, scope_key FROM client_scopes \
             WHERE client_key = (SELECT client_key FROM clients WHERE client_id = 'template')",
            "INSERT INTO client_secrets (secret_key, client_key, secret_hash, created_at) \
             SELECT secret_key + ?1, client_key + ?1, secret_hash, created_at FROM client_secrets \
             WHERE client_key = (SELECT client_key FROM clients WHERE client_id = 'template')",
        ] {
            connection.prepare_cached(sql)?.execute([distance])?;
        }
    }
    let mut statement = connection.prepare(
        "INSERT INTO resource_owners SELECT owner_key + ?1, ?2, password_hash, enabled, created_at \
         FROM resource_owners WHERE username = 'template'",
    )?;
    for owner in 0..filled.owners {
        statement.execute(params![i64::try_from(1 + owner)?, format!("owner-{owner}")])?;
    }
    Ok(())
}

fn grants(connection: &Connection, filled: &Filled) -> Result<()> {
    let template = |table, key, name, value: &str| -> Result<i64> {
        let sql = format!("SELECT {key} FROM {table} WHERE {name} = ?1");
        Ok(connection.query_row(&sql, [value], |row| row.get(0))?)
    };
    let client = template("clients", "client_key", "client_id", "client-0")?;
    let owner = template("resource_owners", "owner_key", "username", "owner-0")?;
    let mut statement = connection.prepare(
        "INSERT INTO grants (grant_key, client_key, owner_key, scope, created_at, form_nonce, refreshes, refresh_ends_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut scopes = connection.prepare("INSERT INTO grant_scopes (scope, grant_key) VALUES (?1, ?2)")?;
    let end = SystemClock.now().after(2 * SPAN).as_millis();
    for grant in 0..filled.grants() {
        let key = filled.grant_key(grant).as_i64();
        let nonce = u128::from(grant).to_be_bytes();
        statement.execute(params![
            key,
            client + i64::try_from(filled.client_of(grant))?,
            owner + i64::try_from(grant % filled.owners)?,
            SCOPE,
            filled.from.before(DAY).as_millis(),
            nonce,
            i64::try_from(LAYERS / 2 - 1)?,
            end
        ])?;
        scopes.execute(params![SCOPE, key])?;
    }
    Ok(())
}

fn tokens_of(connection: &Connection, filled: &Filled) -> Result<()> {
    let mut access = connection.prepare(
        "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, issued_at, expires_at) \
         VALUES (?1, 'access', ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut refresh = connection.prepare(
        "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, issued_at, expires_at, last_used_at, rotated_at, \
         successor_key, successor_salt) VALUES (?1, 'refresh', ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
    )?;
    let end = SystemClock.now().after(2 * SPAN);
    for token in 0..filled.tokens {
        let (layer, grant) = (token / filled.grants(), token % filled.grants());
        let grant_key = filled.grant_key(grant).as_i64();
        let hash = secret(token)?.hash();
        let issued_at = filled.issued_at(token);
        let expires_at = if layer == 0 {
            issued_at.after(DAY / 24)
        } else {
            end
        };
        let (issued_at, expires_at) = (issued_at.as_millis(), expires_at.as_millis());
        let key = filled.key(token).as_i64();
        if layer.is_multiple_of(2) {
            access.execute(params![
                key,
                grant_key,
                hash.as_bytes(),
                SCOPE,
                issued_at,
                expires_at
            ])?;
        } else {
            let successor = token + 2 * filled.grants();
            let successor = (successor < filled.tokens).then_some(successor);
            refresh.execute(params![
                key,
                grant_key,
                hash.as_bytes(),
                issued_at,
                expires_at,
                successor.map(|successor| filled.issued_at(successor).as_millis()),
                successor.map(|successor| filled.key(successor).as_i64()),
                successor.map(|_| [0_u8; 32]),
            ])?;
        }
    }
    Ok(())
}
