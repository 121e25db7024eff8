//! Does what was decided, within the transaction in which it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::decide::MOST_REMOVED;
use super::{ApplyError, NewCredential, Plan};
use crate::authorization_server::audit::Recorder;
use crate::authorization_server::define_scope::detail_of as detail_of_scope;
use crate::authorization_server::register_client::{detail_of as detail_of_client, refuse_taken};
use crate::authorization_server::update_client::{differences, find as find_client};
use crate::authorization_server::update_resource_server::detail_of as detail_of_resource_server;
use crate::authorization_server::{AdministrationError, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Subject};
use crate::domain::client::{ClientId, ClientKey, StoredSecret};
use crate::domain::declaration::{
    Change, DeclaredClient, DeclaredResourceServer, DeclaredScope, Kind, Thing,
};
use crate::domain::resource::Resource;
use crate::domain::scope::{Scope, ScopeToken};
use crate::domain::text::Name;
use crate::store::{GrantHolder, SecretHolder, WriteTransaction};

/// Does everything that the plan says. One thing needs the other: a client its scopes, which so come first and go
/// last; an identifier that is taken anew has to be free.
pub(super) fn carry_out(
    tx: &WriteTransaction<'_>,
    plan: &Plan,
    operator: &Recorder,
    now: Timestamp,
) -> Result<(), ApplyError> {
    let mut work = Work {
        tx,
        plan,
        credentials: plan.credentials.iter().map(|new| (&new.thing, new)).collect(),
        resources: BTreeMap::new(),
        operator,
        now,
    };
    let (removals, others): (Vec<_>, Vec<_>) = plan
        .changes
        .iter()
        .partition(|change| matches!(change, Change::Removed(_)));
    let is_scope = |change: &&&Change| change.thing().kind() == Kind::Scope;
    let scopes = others.iter().filter(is_scope);
    let removed = removals.iter().filter(|change| !is_scope(change));
    let rest = others.iter().filter(|change| !is_scope(change));
    let removed_scopes = removals.iter().filter(is_scope);
    // A resource may go from one to the other, so all are set down before one is taken up.
    for change in &plan.changes {
        if let Change::Changed(Thing::ResourceServer(name), _) = change
            && let Some(server) = tx.resource_server_by_name(name)?
        {
            work.resources.insert(name, server.resource);
            tx.set_resource(server.key, None)?;
        }
    }
    for change in scopes.chain(removed).chain(rest).chain(removed_scopes) {
        let thing = change.thing();
        work.one(change).map_err(ApplyError::about(thing.clone()))?;
    }
    Ok(())
}

struct Work<'a> {
    tx: &'a WriteTransaction<'a>,
    plan: &'a Plan,
    credentials: BTreeMap<&'a Thing, &'a NewCredential>,
    /// What the resource servers that change have served.
    resources: BTreeMap<&'a Name, Option<Resource>>,
    operator: &'a Recorder,
    now: Timestamp,
}

impl Work<'_> {
    fn one(&self, change: &Change) -> Result<(), AdministrationError> {
        let wanted = &self.plan.wanted;
        match (change, change.thing()) {
            (Change::Removed(_), Thing::Scope(name)) => self.remove_scope(name),
            (Change::Removed(_), Thing::Client(id)) => self.remove_client(id),
            (Change::Removed(_), Thing::ResourceServer(name)) => self.remove_resource_server(name),
            (_, Thing::Scope(name)) => wanted
                .scopes
                .get(name)
                .map_or(Ok(()), |scope| self.put_scope(name, scope)),
            (_, Thing::Client(id)) => wanted
                .clients
                .get(id)
                .map_or(Ok(()), |client| self.put_client(id, client)),
            (_, Thing::ResourceServer(name)) => wanted
                .resource_servers
                .get(name)
                .map_or(Ok(()), |server| self.put_resource_server(name, server)),
        }
    }

    fn record(&self, action: Action, kind: Kind, id: &str, detail: Value) -> Result<(), AdministrationError> {
        let subject = Subject::new(kind.name(), id);
        Ok(self.operator.record(self.tx, action, subject, detail)?)
    }

    /// The secret that was made for a new thing.
    fn credential(&self, thing: &Thing) -> Result<&NewCredential, AdministrationError> {
        let found = self.credentials.get(thing).copied();
        found.ok_or_else(|| AdministrationError::Refused("no secret was made for it".to_owned()))
    }

    fn put_scope(&self, name: &ScopeToken, wanted: &DeclaredScope) -> Result<(), AdministrationError> {
        let before = self.tx.scope(name)?;
        let after = Scope {
            token: name.clone(),
            description: wanted.description.clone(),
            coverage: wanted.coverage.clone(),
            created_at: before.as_ref().map_or(self.now, |scope| scope.created_at),
        };
        let (action, detail) = if let Some(before) = before {
            self.tx.update_scope(&after)?;
            let detail = differences(&detail_of_scope(&before), &detail_of_scope(&after));
            (Action::ScopeUpdated, detail)
        } else {
            self.tx.insert_scope(&after)?;
            (Action::ScopeDefined, detail_of_scope(&after))
        };
        self.record(action, Kind::Scope, name.as_str(), detail)
    }

    fn remove_scope(&self, name: &ScopeToken) -> Result<(), AdministrationError> {
        self.tx.delete_scope(name)?;
        self.record(Action::ScopeDeleted, Kind::Scope, name.as_str(), Value::Null)
    }

    fn put_client(&self, id: &ClientId, wanted: &DeclaredClient) -> Result<(), AdministrationError> {
        let settings = &wanted.settings;
        let (key, was_enabled) = match self.tx.client(id)? {
            Some(client) => {
                let detail = differences(&detail_of_client(&client.settings), &detail_of_client(settings));
                if client.settings != *settings {
                    self.tx.update_client(client.key, settings)?;
                    self.record(Action::ClientUpdated, Kind::Client, id.as_str(), detail)?;
                }
                (client.key, client.enabled)
            }
            None => (self.add_client(id, wanted)?, true),
        };
        if wanted.enabled == was_enabled {
            return Ok(());
        }
        self.tx.set_client_enabled(key, wanted.enabled)?;
        let action = if wanted.enabled {
            Action::ClientEnabled
        } else {
            Action::ClientDisabled
        };
        self.record(action, Kind::Client, id.as_str(), Value::Null)
    }

    fn add_client(&self, id: &ClientId, wanted: &DeclaredClient) -> Result<ClientKey, AdministrationError> {
        let new = self.credential(&Thing::Client(id.clone()))?;
        refuse_taken(self.tx, id)?;
        let key = self.tx.insert_client(id, &wanted.settings, self.now)?;
        self.insert_secret(SecretHolder::Client(key), new)?;
        let detail = detail_of_client(&wanted.settings);
        self.record(Action::ClientRegistered, Kind::Client, id.as_str(), detail)?;
        Ok(key)
    }

    fn remove_client(&self, id: &ClientId) -> Result<(), AdministrationError> {
        let client = find_client(self.tx, id)?;
        let mut grants = 0;
        while let Some(some) = self
            .tx
            .delete_some_grants(GrantHolder::Client(client.key), MOST_REMOVED)?
        {
            grants += some;
        }
        self.tx.delete_client(client.key)?;
        let detail = json!({ "grants": grants });
        self.record(Action::ClientDeleted, Kind::Client, id.as_str(), detail)
    }

    fn put_resource_server(
        &self,
        name: &Name,
        wanted: &DeclaredResourceServer,
    ) -> Result<(), AdministrationError> {
        let resource = wanted.resource.as_ref();
        let Some(server) = self.tx.resource_server_by_name(name)? else {
            return self.add_resource_server(name, resource);
        };
        self.tx.set_resource(server.key, resource)?;
        let before = self.resources.get(name).and_then(Option::as_ref);
        let detail = differences(
            &detail_of_resource_server(name, before),
            &detail_of_resource_server(name, resource),
        );
        self.record(
            Action::ResourceServerUpdated,
            Kind::ResourceServer,
            server.id.as_str(),
            detail,
        )
    }

    fn add_resource_server(
        &self,
        name: &Name,
        resource: Option<&Resource>,
    ) -> Result<(), AdministrationError> {
        let new = self.credential(&Thing::ResourceServer(name.clone()))?;
        refuse_taken(self.tx, &new.id)?;
        let key = self
            .tx
            .insert_resource_server(&new.id, name, resource, self.now)?;
        self.insert_secret(SecretHolder::ResourceServer(key), new)?;
        let detail = detail_of_resource_server(name, resource);
        self.record(
            Action::ResourceServerRegistered,
            Kind::ResourceServer,
            new.id.as_str(),
            detail,
        )
    }

    fn remove_resource_server(&self, name: &Name) -> Result<(), AdministrationError> {
        let Some(server) = self.tx.resource_server_by_name(name)? else {
            return Err(AdministrationError::not_found(
                Noun::ResourceServer,
                name.as_str(),
                [],
            ));
        };
        self.tx.delete_resource_server(server.key)?;
        let detail = json!({ "name": name.as_str() });
        self.record(
            Action::ResourceServerDeleted,
            Kind::ResourceServer,
            server.id.as_str(),
            detail,
        )
    }

    fn insert_secret(&self, holder: SecretHolder, new: &NewCredential) -> Result<(), AdministrationError> {
        let stored = StoredSecret::new(new.key, new.secret.hash(), self.now);
        Ok(self.tx.insert_secret(holder, &stored)?)
    }
}
