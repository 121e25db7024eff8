//! Names by their beginning, for the completion of a command line.

use rusqlite::params;

use super::StoreError;
use super::transaction::ReadTransaction;

/// What has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Clients, by identifier.
    Client,
    /// Scopes.
    Scope,
    /// Resource owners, by username.
    Owner,
    /// Resource servers, by identifier.
    ResourceServer,
}

impl ReadTransaction<'_> {
    /// Names that begin with `beginning`, in order, each with what people call it; at most `limit`.
    pub fn names_beginning(
        &self,
        kind: NameKind,
        beginning: &str,
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError> {
        // From the beginning on along the index of each: no more rows are read than are asked for.
        let sql = match kind {
            NameKind::Client => {
                "SELECT client_id, name FROM clients WHERE client_id >= ?1 ORDER BY client_id LIMIT ?2"
            }
            NameKind::Scope => {
                "SELECT scope, description FROM scopes WHERE scope >= ?1 ORDER BY scope LIMIT ?2"
            }
            NameKind::Owner => {
                "SELECT username, '' FROM resource_owners WHERE username >= ?1 ORDER BY username LIMIT ?2"
            }
            NameKind::ResourceServer => {
                "SELECT resource_server_id, name FROM resource_servers WHERE resource_server_id >= ?1 \
                 ORDER BY resource_server_id LIMIT ?2"
            }
        };
        let mut statement = self.connection().prepare_cached(sql)?;
        let rows = statement.query_map(params![beginning, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut names: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
        names.retain(|(name, _)| name.starts_with(beginning));
        Ok(names)
    }
}
