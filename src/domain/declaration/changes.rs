//! What leads from one declaration to another.

use super::{Declaration, Field, FieldValue, Thing};

/// One thing that is not as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is not there yet.
    Added(Thing),
    /// It is there, and otherwise.
    Changed(Thing, Vec<FieldChange>),
    /// It is there, and not to be.
    Removed(Thing),
}

impl Change {
    /// What it is about.
    pub fn thing(&self) -> &Thing {
        match self {
            Self::Added(thing) | Self::Changed(thing, _) | Self::Removed(thing) => thing,
        }
    }
}

/// A field that is not as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub from: FieldValue,
    /// What it is to be.
    pub to: FieldValue,
}

/// What leads from `current` to `wanted`: scopes, then clients, then resource servers, each by name. What is not
/// wanted is removed with `prune`, and left alone without.
pub fn changes(current: &Declaration, wanted: &Declaration, prune: bool) -> Vec<Change> {
    let mut found = Vec::new();
    for (name, scope) in &wanted.scopes {
        let before = current.scopes.get(name).map(|scope| scope.fields());
        found.extend(change(Thing::Scope(name.clone()), before, scope.fields()));
    }
    for (id, client) in &wanted.clients {
        let before = current.clients.get(id).map(|client| client.fields());
        found.extend(change(Thing::Client(id.clone()), before, client.fields()));
    }
    for (name, server) in &wanted.resource_servers {
        let before = current.resource_servers.get(name).map(|server| server.fields());
        found.extend(change(
            Thing::ResourceServer(name.clone()),
            before,
            server.fields(),
        ));
    }
    if prune {
        let scopes = current
            .scopes
            .keys()
            .filter(|name| !wanted.scopes.contains_key(*name));
        found.extend(scopes.map(|name| Change::Removed(Thing::Scope(name.clone()))));
        let clients = current
            .clients
            .keys()
            .filter(|id| !wanted.clients.contains_key(*id));
        found.extend(clients.map(|id| Change::Removed(Thing::Client(id.clone()))));
        let servers = current
            .resource_servers
            .keys()
            .filter(|name| !wanted.resource_servers.contains_key(*name));
        found.extend(servers.map(|name| Change::Removed(Thing::ResourceServer(name.clone()))));
    }
    found.sort_by(|a, b| a.thing().cmp(b.thing()));
    found
}

fn change(thing: Thing, before: Option<Vec<Field>>, after: Vec<Field>) -> Option<Change> {
    let Some(before) = before else {
        return Some(Change::Added(thing));
    };
    // Both lists have the fields of one kind, in one order.
    let fields: Vec<FieldChange> = before
        .into_iter()
        .zip(after)
        .filter(|((_, from), (_, to))| from != to)
        .map(|((name, from), (_, to))| FieldChange { name, from, to })
        .collect();
    (!fields.is_empty()).then_some(Change::Changed(thing, fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Coverage;
    use crate::domain::declaration::{DeclaredResourceServer, DeclaredScope};

    fn declared(scopes: &[(&str, &[&str])], servers: &[&str]) -> Declaration {
        let scopes = scopes.iter().map(|(name, folders)| {
            let scope = DeclaredScope {
                description: "".parse().unwrap(),
                coverage: Coverage {
                    folders: folders.iter().map(|folder| folder.parse().unwrap()).collect(),
                    ..Coverage::default()
                },
            };
            (name.parse().unwrap(), scope)
        });
        Declaration {
            scopes: scopes.collect(),
            resource_servers: servers
                .iter()
                .map(|name| (name.parse().unwrap(), DeclaredResourceServer::default()))
                .collect(),
            ..Declaration::default()
        }
    }

    #[test]
    fn the_resource_of_a_resource_server_is_a_field() {
        let of = |resource: &str| {
            let mut declaration = declared(&[], &["Same"]);
            for server in declaration.resource_servers.values_mut() {
                server.resource = resource.parse().ok();
            }
            declaration
        };
        let text = |text: &str| FieldValue::Text(text.to_owned());
        let change = FieldChange {
            name: "resource",
            from: text(""),
            to: text("https://a.example"),
        };
        assert_eq!(
            changes(&of(""), &of("https://a.example"), false),
            [Change::Changed(
                Thing::ResourceServer("Same".parse().unwrap()),
                vec![change]
            )]
        );
    }

    #[test]
    fn what_is_missing_is_added_what_differs_is_changed_and_the_rest_goes_with_prune_only() {
        let current = declared(&[("a", &["x"]), ("b", &["x"]), ("c", &["x"])], &["Old", "Same"]);
        let wanted = declared(
            &[("b", &["x", "y"]), ("c", &["x"]), ("d", &["x"])],
            &["New", "Same"],
        );
        let list = |names: &[&str]| FieldValue::list(names);
        let changed = FieldChange {
            name: "folders",
            from: list(&["x"]),
            to: list(&["x", "y"]),
        };
        let scope = |name: &str| Thing::Scope(name.parse().unwrap());
        let server = |name: &str| Thing::ResourceServer(name.parse().unwrap());
        let with_prune = vec![
            Change::Removed(scope("a")),
            Change::Changed(scope("b"), vec![changed]),
            Change::Added(scope("d")),
            Change::Added(server("New")),
            Change::Removed(server("Old")),
        ];
        assert_eq!(changes(&current, &wanted, true), with_prune);
        let without: Vec<Change> = with_prune
            .into_iter()
            .filter(|change| !matches!(change, Change::Removed(_)))
            .collect();
        assert_eq!(changes(&current, &wanted, false), without);
        assert_eq!(changes(&current, &current, true), []);
    }
}
