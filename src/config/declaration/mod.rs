//! Scopes, clients and resource servers as one TOML file: read for `apply`, written by `export`.
//!
//! ```toml
//! [[scope]]
//! name = "orders:read"
//! description = "Read your orders"
//! folders = ["orders"]
//!
//! [[client]]
//! client_id = "orders-web"
//! redirect_uris = ["https://orders.example/cb"]
//! scopes = ["orders:read"]
//!
//! [[resource_server]]
//! name = "Warehouse"
//! resource = "https://api.example/warehouse"
//! ```
//!
//! The file says all that there is to say: what is left out is what it is where nobody has set it, whatever it was
//! before. So a file that is applied twice changes nothing the second time.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use crate::domain::client::{ClientId, ClientSecret};
use crate::domain::declaration::{Declaration, Thing};
use crate::domain::owner::Username;
use crate::domain::password::Password;

pub use read::{read, read_for_development};
pub use write::write;

/// The largest file that is read, in bytes: some 30,000 clients, with everything that can be said about each.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// A declaration, and where in its file each thing stands.
#[derive(Debug)]
pub struct DeclarationFile {
    /// What is declared.
    pub declaration: Declaration,
    lines: BTreeMap<Thing, usize>,
}

impl DeclarationFile {
    /// The line on which a thing begins, from 1.
    pub fn line_of(&self, thing: &Thing) -> Option<usize> {
        self.lines.get(thing).copied()
    }
}

/// A declaration with the resource owners and the secrets of a server that somebody develops with.
#[derive(Debug)]
pub struct DevelopmentFile {
    /// What `apply` reads too.
    pub file: DeclarationFile,
    /// The resource owners, in the order of the file.
    pub owners: Vec<DevelopmentOwner>,
    /// What clients and resource servers authenticate with, where the file says it.
    pub credentials: BTreeMap<Thing, DevelopmentCredential>,
}

/// What a client or a resource server of a server that somebody develops with authenticates with.
#[derive(Debug, Clone, Default)]
pub struct DevelopmentCredential {
    /// The identifier of a resource server; with none, one is made from its name.
    pub id: Option<ClientId>,
    /// The secret; with none, one is made.
    pub secret: Option<ClientSecret>,
}

/// A resource owner of a server that somebody develops with.
#[derive(Debug, Clone)]
pub struct DevelopmentOwner {
    /// The username.
    pub username: Username,
    /// The password; with none, one is made.
    pub password: Option<Password>,
}

/// Why a file is not a declaration: the line, from 1, and what is wrong there and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {reason}")]
pub struct DeclarationError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what is accepted.
    pub reason: String,
}
