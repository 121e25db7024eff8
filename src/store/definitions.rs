//! What is registered, kept in memory: clients with their secrets and the scopes that they may have, and resource servers
//! with theirs. It is asked for with every request and changes seldom.
//!
//! No answer is older than the moment for it. Triggers count `definitions.version` on within the transaction of each
//! change, whoever makes it, also another process (`schema/005.sql`). Whoever asks reads the number in the snapshot that
//! the rest of the answer comes from, and takes from memory only what was read under the same number.
//!
//! Whoever puts a backup back into the file that is open (`.restore` of the `sqlite3` shell) sets the number back too, and
//! it would be counted on to where it was. SQLite counts the schema on where that is done, so both together are the number.
//!
//! Only a snapshot of what is committed fills the memory. The writer looks, and adds nothing: what it sees may be rolled
//! back, and the number with it, and then be counted on to the same number by another change.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::StoreError;
use super::secret_rows::SecretHolder;
use super::transaction::ReadTransaction;
use crate::domain::client::{Client, ClientId, ClientKey};
use crate::domain::coverage::Coverage;
use crate::domain::registration::{ClientRecord, Registered, ResourceServerRecord};
use crate::domain::scope::Scope;

/// The most parts that are kept: clients and resource servers, their secrets, scopes and what these open. At some 150 bytes
/// each. Beyond it all are forgotten, and read again as they are asked for.
const MOST: usize = 200_000;

/// What has been read under one number.
#[derive(Debug, Default)]
pub(super) struct Definitions(RwLock<Known>);

/// Under which number something was read. The greater one is the newer one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    /// Counted on by SQLite with each change of the schema, and where the whole content is replaced.
    schema: i64,
    /// Counted on by the triggers.
    changes: i64,
}

#[derive(Debug, Default)]
struct Known {
    version: Version,
    parts: usize,
    by_id: HashMap<ClientId, Registered>,
    clients: HashMap<ClientKey, Arc<ClientRecord>>,
}

impl Known {
    /// Forgets what is of another state, and what would be too much with so many parts more.
    fn prepare(&mut self, version: Version, parts: usize) {
        if self.version != version || self.parts.saturating_add(parts) > MOST {
            *self = Self {
                version,
                ..Self::default()
            };
        }
        self.parts = self.parts.saturating_add(parts);
    }
}

/// The memory as one transaction may use it.
#[derive(Debug)]
pub(super) struct View<'d> {
    definitions: &'d Definitions,
    /// Whether all that this transaction sees is committed.
    is_snapshot: bool,
    /// The number, once a snapshot has been asked for it.
    version: Cell<Option<Version>>,
}

impl<'d> View<'d> {
    /// For a transaction that only reads.
    pub(super) fn of_snapshot(definitions: &'d Definitions) -> Self {
        Self {
            definitions,
            is_snapshot: true,
            version: Cell::new(None),
        }
    }

    /// For a transaction that writes.
    pub(super) fn of_writer(definitions: &'d Definitions) -> Self {
        Self {
            is_snapshot: false,
            ..Self::of_snapshot(definitions)
        }
    }
}

impl ReadTransaction<'_> {
    /// The number of the state that this transaction sees.
    fn version(&self) -> Result<Version, StoreError> {
        if let Some(version) = self.view().version.get() {
            return Ok(version);
        }
        let number = |sql| {
            self.connection()
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))
        };
        let version = Version {
            schema: number("PRAGMA schema_version")?,
            changes: number("SELECT version FROM definitions")?,
        };
        // A transaction that writes may count it on itself.
        if self.view().is_snapshot {
            self.view().version.set(Some(version));
        }
        Ok(version)
    }

    fn recall<T>(&self, version: Version, find: impl FnOnce(&Known) -> Option<T>) -> Option<T> {
        let known = &self.view().definitions.0;
        let known = known.read().unwrap_or_else(PoisonError::into_inner);
        (known.version == version).then(|| find(&known)).flatten()
    }

    fn remember(&self, version: Version, parts: usize, add: impl FnOnce(&mut Known)) {
        if !self.view().is_snapshot {
            return;
        }
        let known = &self.view().definitions.0;
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have begun to read a newer state.
        if known.version <= version {
            known.prepare(version, parts);
            add(&mut known);
        }
    }

    /// Who has this identifier, with what is registered of them.
    pub fn registered(&self, id: &ClientId) -> Result<Option<Registered>, StoreError> {
        let version = self.version()?;
        if let Some(known) = self.recall(version, |known| known.by_id.get(id).cloned()) {
            return Ok(Some(known));
        }
        if let Some(client) = self.client(id)? {
            return Ok(Some(Registered::Client(self.with_registration(version, client)?)));
        }
        let Some(server) = self.resource_server(id)? else {
            return Ok(None);
        };
        let secrets = self.secrets(SecretHolder::ResourceServer(server.key))?;
        let parts = 1 + secrets.len();
        let registered = Registered::ResourceServer(Arc::new(ResourceServerRecord { server, secrets }));
        self.remember(version, parts, |known| {
            known.by_id.insert(id.clone(), registered.clone());
        });
        Ok(Some(registered))
    }

    /// A client by its key, with what is registered with it.
    pub fn client_record(&self, key: ClientKey) -> Result<Option<Arc<ClientRecord>>, StoreError> {
        let version = self.version()?;
        if let Some(known) = self.recall(version, |known| known.clients.get(&key).cloned()) {
            return Ok(Some(known));
        }
        let client = self.client_by_key(key)?;
        client
            .map(|client| self.with_registration(version, client))
            .transpose()
    }

    fn with_registration(&self, version: Version, client: Client) -> Result<Arc<ClientRecord>, StoreError> {
        let registered = Arc::new(ClientRecord {
            secrets: self.secrets(SecretHolder::Client(client.key))?,
            scopes: self.scopes_of_client(client.key)?,
            client,
        });
        self.remember(version, parts_of(&registered), |known| {
            let client = &registered.client;
            known.clients.insert(client.key, Arc::clone(&registered));
            known
                .by_id
                .insert(client.id.clone(), Registered::Client(Arc::clone(&registered)));
        });
        Ok(registered)
    }
}

/// How many parts a client is kept in.
fn parts_of(client: &ClientRecord) -> usize {
    let of_scope = |scope: &Scope| {
        let Coverage {
            folders,
            services,
            routes,
        } = &scope.coverage;
        1 + folders.len() + services.len() + routes.len()
    };
    let of_scopes: usize = client.scopes.iter().map(of_scope).sum();
    1 + client.settings.redirect_uris.len() + client.secrets.len() + of_scopes
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Known, MOST, Version};

    #[test]
    fn what_is_kept_is_bounded_by_its_parts() {
        let mut known = Known::default();
        let at = |changes| Version { schema: 1, changes };
        for (version, parts, kept) in [
            (at(1), MOST - 1, MOST - 1),
            (at(1), 1, MOST),
            (at(1), 1, 1),
            (at(2), 3, 3),
            (at(2), MOST, MOST),
            (at(2), usize::MAX, usize::MAX),
            (at(2), 2, 2),
        ] {
            known.prepare(version, parts);
            assert_eq!((known.version, known.parts), (version, kept));
        }
    }

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in super::super::migrations::steps() {
            connection.execute_batch(step).unwrap();
        }
        connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        connection
    }

    fn version(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT version FROM definitions", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn each_change_of_what_is_registered_is_counted() {
        let connection = connection();
        let hash = "zeroblob(32)";
        for sql in [
            "INSERT INTO scopes VALUES (1, 's', '', 0)",
            "UPDATE scopes SET description = 'x'",
            "INSERT INTO scope_openings VALUES (1, 'folder', 'orders')",
            "UPDATE scope_openings SET pattern = 'invoices'",
            "INSERT INTO clients VALUES (1, 'c', 'c', '', 1, 1, 1, 1, NULL, 1, 1, 0, 'always')",
            "UPDATE clients SET enabled = 0",
            "INSERT INTO client_redirect_uris VALUES (1, 0, 'https://a.example')",
            "UPDATE client_redirect_uris SET redirect_uri = 'https://b.example'",
            "INSERT INTO client_scopes VALUES (1, 1)",
            "UPDATE client_scopes SET scope_key = 1",
            &format!("INSERT INTO client_secrets VALUES (1, 1, {hash}, 0, NULL, NULL)"),
            "UPDATE client_secrets SET expires_at = 1",
            "INSERT INTO resource_servers VALUES (1, 'r', 'r', 0, NULL)",
            "UPDATE resource_servers SET resource = 'https://r.example'",
            &format!("INSERT INTO resource_server_secrets VALUES (1, 1, {hash}, 0, NULL, NULL)"),
            "UPDATE resource_server_secrets SET expires_at = 1",
            "DELETE FROM resource_server_secrets",
            "DELETE FROM resource_servers",
            "DELETE FROM client_secrets",
            "DELETE FROM client_scopes",
            "DELETE FROM client_redirect_uris",
            "DELETE FROM clients",
            "DELETE FROM scope_openings",
            "DELETE FROM scopes",
        ] {
            let before = version(&connection);
            connection.execute_batch(sql).unwrap();
            assert!(version(&connection) > before, "{sql}");
        }
    }

    #[test]
    fn that_a_secret_was_used_is_not_a_change() {
        let connection = connection();
        connection
            .execute_batch(
                "INSERT INTO clients VALUES (1, 'c', 'c', '', 1, 1, 1, 1, NULL, 1, 1, 0, 'always'); \
                 INSERT INTO client_secrets VALUES (1, 1, zeroblob(32), 0, NULL, NULL)",
            )
            .unwrap();
        let before = version(&connection);
        connection
            .execute_batch("UPDATE client_secrets SET last_used_at = 5")
            .unwrap();
        assert_eq!(version(&connection), before);
    }
}
