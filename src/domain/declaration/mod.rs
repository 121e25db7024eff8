//! What an administrator declares in one file: scopes, clients and resource servers, as they are to be.
//!
//! What is defined at present has the same form, so that the difference of two declarations is what is to be done
//! (see [`changes()`]), and what is written down can be compared with what is read back.

mod changes;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::domain::client::{ClientId, ClientSettings, RefreshPolicy};
use crate::domain::coverage::Coverage;
use crate::domain::resource::Resource;
use crate::domain::scope::ScopeToken;
use crate::domain::span;
use crate::domain::text::{Description, Name};

pub use changes::{Change, FieldChange, changes};

/// Scopes, clients and resource servers; no secret of theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declaration {
    /// Scopes by name.
    pub scopes: BTreeMap<ScopeToken, DeclaredScope>,
    /// Clients by identifier.
    pub clients: BTreeMap<ClientId, DeclaredClient>,
    /// Resource servers by name.
    pub resource_servers: BTreeMap<Name, DeclaredResourceServer>,
}

/// What a scope is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredScope {
    /// What the resource owner reads.
    pub description: Description,
    /// What it opens.
    pub coverage: Coverage,
}

/// What a client is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredClient {
    /// What is set for it.
    pub settings: ClientSettings,
    /// Whether it may do anything at all.
    pub enabled: bool,
}

/// What a resource server is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredResourceServer {
    /// The resource that it serves, where one is named.
    pub resource: Option<Resource>,
}

/// What kind of thing is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A scope.
    Scope,
    /// A client.
    Client,
    /// A resource server.
    ResourceServer,
}

impl Kind {
    /// The name, in a declaration as well as in the audit trail.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Client => "client",
            Self::ResourceServer => "resource_server",
        }
    }
}

impl fmt::Display for Kind {
    /// As people write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ResourceServer => "resource server",
            other => other.name(),
        })
    }
}

/// One declared thing, by what it is called in the declaration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A scope.
    Scope(ScopeToken),
    /// A client.
    Client(ClientId),
    /// A resource server.
    ResourceServer(Name),
}

impl Thing {
    /// What kind of thing it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Scope(_) => Kind::Scope,
            Self::Client(_) => Kind::Client,
            Self::ResourceServer(_) => Kind::ResourceServer,
        }
    }

    /// What it is called.
    pub fn id(&self) -> &str {
        match self {
            Self::Scope(name) => name.as_str(),
            Self::Client(id) => id.as_str(),
            Self::ResourceServer(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Thing {
    /// Such as ``client `orders-web` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind(), self.id())
    }
}

/// The value of a field, in the few forms that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
    /// A span of time.
    Span(Duration),
    /// A number.
    Count(u32),
    /// Yes or no.
    Flag(bool),
}

impl FieldValue {
    fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(|item| item.to_string()).collect())
    }

    /// Whether it is no text or no list at all.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Span(_) | Self::Count(_) | Self::Flag(_) => false,
        }
    }
}

impl fmt::Display for FieldValue {
    /// As people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("(none)");
        }
        match self {
            Self::Text(text) => f.write_str(text),
            Self::List(items) => f.write_str(&items.join(", ")),
            Self::Span(length) => f.write_str(&span::format(*length)),
            Self::Count(count) => write!(f, "{count}"),
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
        }
    }
}

/// A name of the contract, and what it stands for.
pub type Field = (&'static str, FieldValue);

impl DeclaredScope {
    /// Everything that can be declared of a scope, but for its name.
    pub fn fields(&self) -> Vec<Field> {
        vec![
            ("description", FieldValue::Text(self.description.to_string())),
            ("folders", FieldValue::list(&self.coverage.folders)),
            ("services", FieldValue::list(&self.coverage.services)),
            ("routes", FieldValue::list(&self.coverage.routes)),
        ]
    }
}

impl DeclaredResourceServer {
    /// Everything that can be declared of a resource server, but for its name.
    pub fn fields(&self) -> Vec<Field> {
        let resource = self.resource.as_ref().map(ToString::to_string);
        vec![("resource", FieldValue::Text(resource.unwrap_or_default()))]
    }
}

impl DeclaredClient {
    /// Everything that can be declared of a client, but for its identifier.
    pub fn fields(&self) -> Vec<Field> {
        let settings = &self.settings;
        vec![
            ("name", FieldValue::Text(settings.name.to_string())),
            ("description", FieldValue::Text(settings.description.to_string())),
            ("redirect_uris", FieldValue::list(&settings.redirect_uris)),
            ("scopes", FieldValue::list(settings.scopes.iter())),
            (
                "access_token_lifetime",
                FieldValue::Span(settings.access_token_lifetime),
            ),
            ("code_lifetime", FieldValue::Span(settings.code_lifetime)),
            (
                "refresh",
                match settings.refresh {
                    RefreshPolicy::Limited(times) => FieldValue::Count(times),
                    policy => FieldValue::Text(policy.to_string()),
                },
            ),
            (
                "refresh_token_lifetime",
                FieldValue::Span(settings.refresh_token_lifetime),
            ),
            (
                "refresh_token_idle",
                FieldValue::Span(settings.refresh_token_idle),
            ),
            ("require_pkce", FieldValue::Flag(settings.require_pkce)),
            ("consent", FieldValue::Text(settings.consent.to_string())),
            ("enabled", FieldValue::Flag(self.enabled)),
        ]
    }
}
