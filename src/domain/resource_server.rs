//! Resource servers: who may ask about tokens (RFC 7662 §2.1).

use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::resource::Resource;
use crate::domain::text::Name;

/// The key of a resource server's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceServerKey(pub i64);

/// A registered resource server.
#[derive(Debug, Clone)]
pub struct ResourceServer {
    /// Key of the row.
    pub key: ResourceServerKey,
    /// What it authenticates with; of one name space with the clients' identifiers.
    pub id: ClientId,
    /// What people call it; unique.
    pub name: Name,
    /// The resource that it serves, where an administrator named it; unique.
    pub resource: Option<Resource>,
    /// When it was registered.
    pub created_at: Timestamp,
}
