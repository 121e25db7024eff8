//! Resources by what others ask of them: whether there is one, and which is described where.

use super::AuthorizationServer;
use crate::domain::resource::Resource;
use crate::domain::resource_server::ResourceServer;
use crate::store::StoreError;

impl AuthorizationServer {
    /// The resource server whose metadata are asked for by a request for this path at this host (RFC 9728 §3).
    pub fn resource_described_at(
        &self,
        host: &str,
        path: &str,
    ) -> Result<Option<ResourceServer>, StoreError> {
        Ok(self.resource_servers()?.into_iter().find(|server| {
            let resource = server.resource.as_ref();
            resource.is_some_and(|resource| resource.has_metadata_at(host, path))
        }))
    }

    /// Whether some resource server serves this resource.
    pub fn is_registered(&self, resource: &Resource) -> Result<bool, StoreError> {
        self.store
            .read(|tx| Ok(tx.resource_server_of(resource)?.is_some()))
    }
}
