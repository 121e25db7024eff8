//! Approvals that resource owners want remembered.

use std::collections::BTreeMap;

use rusqlite::params;

use super::StoreError;
use super::row::{Row, all};
use super::transaction::{ReadTransaction, WriteTransaction};
use crate::domain::client::ClientKey;
use crate::domain::consent::RememberedApproval;
use crate::domain::coverage::CoverageDigest;
use crate::domain::identifier::Identifier;
use crate::domain::owner::OwnerKey;
use crate::domain::text::Name;

/// The most that are kept of one resource owner for one client; beyond it, the oldest goes.
const MOST: u32 = 20;

/// A remembered approval as its resource owner sees it.
#[derive(Debug)]
pub struct RememberedOverview {
    /// The approval.
    pub approval: RememberedApproval,
    /// Its client.
    pub client: ClientKey,
    /// The name of its client.
    pub client_name: Name,
}

fn read(row: &Row<'_, '_>) -> Result<RememberedApproval, StoreError> {
    Ok(RememberedApproval {
        identifier: row.identifier("approval_key")?,
        scopes: BTreeMap::new(),
        resources: row.parse("resources")?,
        approved_at: row.timestamp("approved_at")?,
    })
}

impl ReadTransaction<'_> {
    /// What a resource owner wants remembered for a client, the newest first.
    pub fn remembered_approvals(
        &self,
        owner: OwnerKey,
        client: ClientKey,
    ) -> Result<Vec<RememberedApproval>, StoreError> {
        let sql = "SELECT approval_key, resources, approved_at FROM remembered_approvals \
                   WHERE owner_key = ?1 AND client_key = ?2 ORDER BY approval_key DESC";
        let found: Vec<RememberedApproval> = all!(
            self,
            "remembered_approvals",
            sql,
            params![owner.0, client.0],
            read
        );
        found
            .into_iter()
            .map(|approval| self.with_scopes(approval))
            .collect()
    }

    /// What a resource owner wants remembered for clients that may remember it, the newest first, at most `limit`.
    pub fn remembered_approvals_of_owner(
        &self,
        owner: OwnerKey,
        limit: u32,
    ) -> Result<Vec<RememberedOverview>, StoreError> {
        let sql = "SELECT approval_key, client_key, name, resources, approved_at \
                   FROM remembered_approvals JOIN clients USING (client_key) \
                   WHERE owner_key = ?1 AND consent = 'remember' ORDER BY approval_key DESC LIMIT ?2";
        let found: Vec<RememberedOverview> = all!(
            self,
            "remembered_approvals",
            sql,
            params![owner.0, limit],
            |row: &Row<'_, '_>| Ok::<_, StoreError>(RememberedOverview {
                client: ClientKey(row.get("client_key")?),
                client_name: row.parse("name")?,
                approval: read(row)?,
            })
        );
        let with_scopes = found.into_iter().map(|overview| {
            let approval = self.with_scopes(overview.approval)?;
            Ok(RememberedOverview { approval, ..overview })
        });
        with_scopes.collect()
    }

    fn with_scopes(&self, mut approval: RememberedApproval) -> Result<RememberedApproval, StoreError> {
        let sql = "SELECT scope, coverage_digest FROM remembered_scopes WHERE approval_key = ?1";
        let key = approval.identifier.as_i64();
        let scopes: Vec<_> = all!(self, "remembered_scopes", sql, [key], |row: &Row<'_, '_>| {
            let digest = CoverageDigest::from_bytes(row.get("coverage_digest")?);
            Ok::<_, StoreError>((row.parse("scope")?, digest))
        });
        approval.scopes = scopes.into_iter().collect();
        Ok(approval)
    }
}

impl WriteTransaction<'_> {
    /// Remembers an approval, and forgets the oldest ones where there are too many.
    pub fn remember_approval(
        &self,
        owner: OwnerKey,
        client: ClientKey,
        approval: &RememberedApproval,
    ) -> Result<(), StoreError> {
        let key = approval.identifier.as_i64();
        self.connection()
            .prepare_cached(
                "INSERT INTO remembered_approvals (approval_key, client_key, owner_key, resources, approved_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                key,
                client.0,
                owner.0,
                approval.resources.to_string(),
                approval.approved_at.as_millis(),
            ])?;
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO remembered_scopes (approval_key, scope, coverage_digest) VALUES (?1, ?2, ?3)",
        )?;
        for (scope, digest) in &approval.scopes {
            statement.execute(params![key, scope.as_str(), digest.as_bytes()])?;
        }
        self.connection()
            .prepare_cached(
                "DELETE FROM remembered_approvals WHERE approval_key IN ( \
                   SELECT approval_key FROM remembered_approvals WHERE owner_key = ?1 AND client_key = ?2 \
                   ORDER BY approval_key DESC LIMIT -1 OFFSET ?3)",
            )?
            .execute(params![owner.0, client.0, MOST])?;
        Ok(())
    }

    /// Forgets one approval, if it is this resource owner's. For which client it was.
    pub fn forget_approval(
        &self,
        owner: OwnerKey,
        approval: Identifier,
    ) -> Result<Option<ClientKey>, StoreError> {
        let sql = "DELETE FROM remembered_approvals WHERE owner_key = ?1 AND approval_key = ?2 RETURNING client_key";
        let parameters = params![owner.0, approval.as_i64()];
        let read = |row: &Row<'_, '_>| Ok::<_, StoreError>(ClientKey(row.get("client_key")?));
        // All of them, so that the statement runs to its end.
        let clients: Vec<ClientKey> = all!(self, "remembered_approvals", sql, parameters, read);
        Ok(clients.into_iter().next())
    }

    /// Forgets what a resource owner wanted remembered for a client. How many approvals that were.
    pub fn forget_approvals(&self, owner: OwnerKey, client: ClientKey) -> Result<usize, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("DELETE FROM remembered_approvals WHERE owner_key = ?1 AND client_key = ?2")?;
        Ok(statement.execute(params![owner.0, client.0])?)
    }
}
