//! Clients with their redirect URIs and scopes.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all, millis, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::clock::Timestamp;
use crate::domain::client::{Client, ClientId, ClientKey, ClientSettings, RefreshPolicy};
use crate::domain::scope::ScopeSet;

const SELECT: &str = "SELECT client_key, client_id, name, description, enabled, require_pkce, access_token_lifetime, \
    code_lifetime, refresh_limit, refresh_token_lifetime, refresh_token_idle, consent, created_at FROM clients";

fn read(row: &Row<'_, '_>) -> Result<Client, StoreError> {
    let refresh = match row.get::<Option<u32>>("refresh_limit")? {
        None => RefreshPolicy::Unlimited,
        Some(0) => RefreshPolicy::None,
        Some(limit) => RefreshPolicy::Limited(limit),
    };
    Ok(Client {
        key: ClientKey(row.get("client_key")?),
        id: row.parse("client_id")?,
        enabled: row.get("enabled")?,
        settings: ClientSettings {
            name: row.parse("name")?,
            description: row.parse("description")?,
            redirect_uris: Vec::new(),
            scopes: ScopeSet::default(),
            access_token_lifetime: row.span("access_token_lifetime")?,
            code_lifetime: row.span("code_lifetime")?,
            refresh,
            refresh_token_lifetime: row.span("refresh_token_lifetime")?,
            refresh_token_idle: row.span("refresh_token_idle")?,
            require_pkce: row.get("require_pkce")?,
            consent: row.parse("consent")?,
        },
        created_at: row.timestamp("created_at")?,
    })
}

impl ReadTransaction<'_> {
    /// A client by its identifier.
    pub fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let found = one!(
            self,
            "clients",
            &format!("{SELECT} WHERE client_id = ?1"),
            [id.as_str()],
            read
        );
        found.map(|client| self.with_lists(client)).transpose()
    }

    /// A client by its key.
    pub fn client_by_key(&self, key: ClientKey) -> Result<Option<Client>, StoreError> {
        let found = one!(
            self,
            "clients",
            &format!("{SELECT} WHERE client_key = ?1"),
            [key.0],
            read
        );
        found.map(|client| self.with_lists(client)).transpose()
    }

    /// All clients, by identifier.
    pub fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let found: Vec<Client> = all!(self, "clients", &format!("{SELECT} ORDER BY client_id"), [], read);
        found.into_iter().map(|client| self.with_lists(client)).collect()
    }

    fn with_lists(&self, mut client: Client) -> Result<Client, StoreError> {
        let key = client.key.0;
        let sql = "SELECT redirect_uri FROM client_redirect_uris WHERE client_key = ?1 ORDER BY position";
        client.settings.redirect_uris =
            all!(self, "client_redirect_uris", sql, [key], |row: &Row<'_, '_>| row
                .parse("redirect_uri"));
        let sql = "SELECT scope FROM client_scopes JOIN scopes USING (scope_key) WHERE client_key = ?1";
        let scopes: Vec<_> = all!(self, "scopes", sql, [key], |row: &Row<'_, '_>| row.parse("scope"));
        client.settings.scopes = scopes.into_iter().collect();
        Ok(client)
    }
}

impl WriteTransaction<'_> {
    /// Adds a client that is enabled. Its identifier must be new and its scopes defined.
    pub fn insert_client(
        &self,
        id: &ClientId,
        settings: &ClientSettings,
        created_at: Timestamp,
    ) -> Result<ClientKey, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO clients (client_id, name, description, enabled, require_pkce, access_token_lifetime, \
             code_lifetime, refresh_limit, refresh_token_lifetime, refresh_token_idle, created_at, consent) \
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING client_key",
        )?;
        let key: i64 = statement.query_row(
            params![
                id.as_str(),
                settings.name.as_str(),
                settings.description.as_str(),
                settings.require_pkce,
                millis(settings.access_token_lifetime),
                millis(settings.code_lifetime),
                refresh_limit(settings.refresh),
                millis(settings.refresh_token_lifetime),
                millis(settings.refresh_token_idle),
                created_at.as_millis(),
                settings.consent.as_str(),
            ],
            |row| row.get(0),
        )?;
        let key = ClientKey(key);
        self.insert_lists(key, settings)?;
        Ok(key)
    }

    fn insert_lists(&self, key: ClientKey, settings: &ClientSettings) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO client_redirect_uris (client_key, position, redirect_uri) VALUES (?1, ?2, ?3)",
        )?;
        for (position, redirect_uri) in (0_i64..).zip(&settings.redirect_uris) {
            statement.execute(params![key.0, position, redirect_uri.as_str()])?;
        }
        for scope in settings.scopes.iter() {
            self.add_client_scope(key, scope)?;
        }
        Ok(())
    }

    /// Sets everything that is set for a client anew.
    pub fn update_client(&self, key: ClientKey, settings: &ClientSettings) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "UPDATE clients SET name = ?2, description = ?3, require_pkce = ?4, access_token_lifetime = ?5, \
                 code_lifetime = ?6, refresh_limit = ?7, refresh_token_lifetime = ?8, refresh_token_idle = ?9, \
                 consent = ?10 WHERE client_key = ?1",
            )?
            .execute(params![
                key.0,
                settings.name.as_str(),
                settings.description.as_str(),
                settings.require_pkce,
                millis(settings.access_token_lifetime),
                millis(settings.code_lifetime),
                refresh_limit(settings.refresh),
                millis(settings.refresh_token_lifetime),
                millis(settings.refresh_token_idle),
                settings.consent.as_str(),
            ])?;
        for sql in [
            "DELETE FROM client_redirect_uris WHERE client_key = ?1",
            "DELETE FROM client_scopes WHERE client_key = ?1",
        ] {
            self.connection().prepare_cached(sql)?.execute([key.0])?;
        }
        self.insert_lists(key, settings)
    }

    /// Enables or disables a client.
    pub fn set_client_enabled(&self, key: ClientKey, enabled: bool) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE clients SET enabled = ?2 WHERE client_key = ?1")?;
        statement.execute(params![key.0, enabled])?;
        Ok(())
    }

    /// Removes a client that has no grants any more, with its redirect URIs, scopes and secrets.
    pub fn delete_client(&self, key: ClientKey) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("DELETE FROM clients WHERE client_key = ?1")?
            .execute([key.0])?;
        Ok(())
    }
}

/// NULL: as often as it likes; 0: never.
fn refresh_limit(policy: RefreshPolicy) -> Option<u32> {
    match policy {
        RefreshPolicy::None => Some(0),
        RefreshPolicy::Limited(limit) => Some(limit),
        RefreshPolicy::Unlimited => None,
    }
}
