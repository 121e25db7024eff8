//! Scopes and what they open.

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all, one};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::domain::client::{ClientId, ClientKey};
use crate::domain::coverage::Coverage;
use crate::domain::scope::{Scope, ScopeToken};

type KeyedScope = (i64, Scope);

fn read(row: &Row<'_, '_>) -> Result<KeyedScope, StoreError> {
    let scope = Scope {
        token: row.parse("scope")?,
        description: row.parse("description")?,
        coverage: Coverage::default(),
        created_at: row.timestamp("created_at")?,
    };
    Ok((row.get("scope_key")?, scope))
}

impl ReadTransaction<'_> {
    /// A scope by its name.
    pub fn scope(&self, token: &ScopeToken) -> Result<Option<Scope>, StoreError> {
        let sql = "SELECT scope_key, scope, description, created_at FROM scopes WHERE scope = ?1";
        let found: Option<KeyedScope> = one!(self, "scopes", sql, [token.as_str()], read);
        found.map(|scope| self.with_coverage(scope)).transpose()
    }

    /// All scopes, by name.
    pub fn scopes(&self) -> Result<Vec<Scope>, StoreError> {
        let sql = "SELECT scope_key, scope, description, created_at FROM scopes ORDER BY scope";
        let found: Vec<KeyedScope> = all!(self, "scopes", sql, [], read);
        found.into_iter().map(|scope| self.with_coverage(scope)).collect()
    }

    /// The scopes that a client may have, by name.
    pub fn scopes_of_client(&self, client: ClientKey) -> Result<Vec<Scope>, StoreError> {
        let sql = "SELECT scope_key, scope, description, created_at FROM scopes JOIN client_scopes USING (scope_key) \
                   WHERE client_key = ?1 ORDER BY scope";
        let found: Vec<KeyedScope> = all!(self, "scopes", sql, [client.0], read);
        found.into_iter().map(|scope| self.with_coverage(scope)).collect()
    }

    /// The identifiers of the clients that have a scope, in order.
    pub fn clients_with_scope(&self, token: &ScopeToken) -> Result<Vec<ClientId>, StoreError> {
        let sql = "SELECT client_id FROM scopes JOIN client_scopes USING (scope_key) JOIN clients USING (client_key) \
                   WHERE scope = ?1 ORDER BY client_id";
        Ok(all!(self, "clients", sql, [token.as_str()], |row: &Row<
            '_,
            '_,
        >| row
            .parse("client_id")))
    }

    fn with_coverage(&self, (key, mut scope): KeyedScope) -> Result<Scope, StoreError> {
        let sql = "SELECT kind, pattern FROM scope_openings WHERE scope_key = ?1";
        let coverage = &mut scope.coverage;
        let _: Vec<()> = all!(self, "scope_openings", sql, [key], |row: &Row<'_, '_>| {
            match row.get::<String>("kind")?.as_str() {
                "folder" => coverage.folders.insert(row.parse("pattern")?),
                "service" => coverage.services.insert(row.parse("pattern")?),
                _ => coverage.routes.insert(row.parse("pattern")?),
            };
            Ok::<_, StoreError>(())
        });
        Ok(scope)
    }
}

impl WriteTransaction<'_> {
    /// Adds a scope. Its name must be new.
    pub fn insert_scope(&self, scope: &Scope) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO scopes (scope, description, created_at) VALUES (?1, ?2, ?3) RETURNING scope_key",
        )?;
        let key: i64 = statement.query_row(
            params![
                scope.token.as_str(),
                scope.description.as_str(),
                scope.created_at.as_millis()
            ],
            |row| row.get(0),
        )?;
        self.insert_openings(key, &scope.coverage)
    }

    fn insert_openings(&self, key: i64, coverage: &Coverage) -> Result<(), StoreError> {
        let mut opening = self
            .connection()
            .prepare_cached("INSERT INTO scope_openings (scope_key, kind, pattern) VALUES (?1, ?2, ?3)")?;
        for folder in &coverage.folders {
            opening.execute(params![key, "folder", folder.as_str()])?;
        }
        for service in &coverage.services {
            opening.execute(params![key, "service", service.as_str()])?;
        }
        for route in &coverage.routes {
            opening.execute(params![key, "route", route.as_str()])?;
        }
        Ok(())
    }

    /// Sets a scope's description and what it opens anew. Whether there is such a scope.
    pub fn update_scope(&self, scope: &Scope) -> Result<bool, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("UPDATE scopes SET description = ?2 WHERE scope = ?1 RETURNING scope_key")?;
        let parameters = params![scope.token.as_str(), scope.description.as_str()];
        let key: Option<i64> = statement
            .query_map(parameters, |row| row.get(0))?
            .next()
            .transpose()?;
        let Some(key) = key else { return Ok(false) };
        self.connection()
            .prepare_cached("DELETE FROM scope_openings WHERE scope_key = ?1")?
            .execute([key])?;
        self.insert_openings(key, &scope.coverage)?;
        Ok(true)
    }

    /// Removes a scope that no client has.
    pub fn delete_scope(&self, token: &ScopeToken) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM scopes WHERE scope = ?1")?;
        statement.execute([token.as_str()])?;
        Ok(())
    }

    /// Gives a client a scope that is defined.
    pub fn add_client_scope(&self, client: ClientKey, token: &ScopeToken) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO client_scopes (client_key, scope_key) SELECT ?1, scope_key FROM scopes WHERE scope = ?2",
        )?;
        statement.execute(params![client.0, token.as_str()])?;
        Ok(())
    }
}
