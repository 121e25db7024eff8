//! `client rotate-secret` and `resource-server rotate-secret`: a new secret without an outage.

use std::time::Duration;

use serde_json::json;

use super::update_client::find as find_client;
use super::{AdministrationError, AuthorizationServer, Failure, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Subject};
use crate::domain::client::{ClientId, ClientSecret, StoredSecret};
use crate::domain::identifier::Identifier;
use crate::domain::resource_server::ResourceServer;
use crate::store::{ReadTransaction, SecretHolder, StoreError};

/// Who holds a secret, by identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretOwner {
    /// A client.
    Client(ClientId),
    /// A resource server.
    ResourceServer(ClientId),
}

/// A new secret.
#[derive(Debug)]
pub struct RotatedSecret {
    /// Whose.
    pub id: ClientId,
    /// The secret, to be shown once.
    pub secret: ClientSecret,
    /// Until when the secrets before it are good; `None` where none was good any more.
    pub previous_secret_expires_at: Option<Timestamp>,
}

impl AuthorizationServer {
    /// Makes a new secret. Those before it stay good for `overlap`, but no longer than they were to be.
    pub fn rotate_secret(
        &self,
        owner: SecretOwner,
        overlap: Duration,
        secret: super::SecretOrigin,
    ) -> Result<RotatedSecret, AdministrationError> {
        let now = self.now();
        let secret = match secret {
            super::SecretOrigin::Generate => ClientSecret::generate(&*self.entropy).map_err(Failure::from)?,
            super::SecretOrigin::Import(secret) => secret,
        };
        let identifier = self.new_identifier(now)?;
        let operator = self.operator(now);
        self.store.write(move |tx| {
            let (holder, id, subject) = resolve(tx, &owner)?;
            let end = now.after(overlap);
            let mut last_end = None;
            for old in tx.secrets(holder)? {
                if old.expires_at.is_some_and(|expires_at| expires_at <= now) {
                    continue;
                }
                let ends = old.expires_at.map_or(end, |expires_at| expires_at.min(end));
                tx.set_secret_end(holder, old.identifier, ends)?;
                last_end = last_end.max(Some(ends));
            }
            tx.insert_secret(holder, &StoredSecret::new(identifier, secret.hash(), now))?;
            let detail = json!({ "secret_id": identifier, "overlap": overlap.as_secs() });
            operator.record(tx, Action::SecretRotated, subject, detail)?;
            Ok(RotatedSecret {
                id,
                secret,
                previous_secret_expires_at: last_end,
            })
        })
    }

    /// Sees to it that a secret is good, and no other. Whether it was not so before.
    pub fn bring_secret(
        &self,
        owner: SecretOwner,
        secret: ClientSecret,
    ) -> Result<bool, AdministrationError> {
        let now = self.now();
        let good: Vec<StoredSecret> = self
            .secrets_of(&owner)?
            .into_iter()
            .filter(|stored| is_good(stored, now))
            .collect();
        let presented = secret.hash();
        if !good.is_empty() && good.iter().all(|stored| stored.admits(&presented, now)) {
            return Ok(false);
        }
        self.rotate_secret(owner, Duration::ZERO, super::SecretOrigin::Import(secret))?;
        Ok(true)
    }

    /// Ends one secret at once.
    ///
    /// # Errors
    /// `NotFound` where there is no such secret; `Refused` where it is the only good one.
    pub fn retire_secret(&self, owner: SecretOwner, secret: Identifier) -> Result<(), AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            let (holder, id, subject) = resolve(tx, &owner)?;
            let secrets = tx.secrets(holder)?;
            if !secrets.iter().any(|stored| stored.identifier == secret) {
                let known = secrets.iter().map(|stored| stored.identifier.to_string());
                return Err(AdministrationError::not_found(
                    Noun::Secret,
                    &secret.to_string(),
                    known,
                ));
            }
            if !secrets
                .iter()
                .filter(|stored| is_good(stored, now))
                .any(|stored| stored.identifier != secret)
            {
                return Err(AdministrationError::Refused(format!(
                    "it is the only good secret of `{id}`; make another one first with rotate-secret"
                )));
            }
            tx.set_secret_end(holder, secret, now)?;
            operator.record(tx, Action::SecretRetired, subject, json!({ "secret_id": secret }))?;
            Ok(())
        })
    }

    /// The secrets of a client or resource server, the oldest first: never themselves, only what is known of them.
    pub fn secrets_of(&self, owner: &SecretOwner) -> Result<Vec<StoredSecret>, AdministrationError> {
        self.store.read(|tx| {
            let (holder, ..) = resolve(tx, owner)?;
            Ok(tx.secrets(holder)?)
        })
    }

    /// One resource server, by identifier or by name.
    pub fn resource_server(&self, id: &ClientId) -> Result<ResourceServer, AdministrationError> {
        self.store.read(|tx| find_resource_server(tx, id))
    }

    /// Deletes a resource server: it may not introspect any more. Its identifier or its name is accepted.
    pub fn delete_resource_server(&self, id: ClientId) -> Result<ResourceServer, AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let server = find_resource_server(tx, &id)?;
            tx.delete_resource_server(server.key)?;
            let subject = Subject::new("resource_server", &server.id);
            operator.record(
                tx,
                Action::ResourceServerDeleted,
                subject,
                json!({ "name": server.name.as_str() }),
            )?;
            Ok(server)
        })
    }
}

fn is_good(stored: &StoredSecret, now: Timestamp) -> bool {
    stored.expires_at.is_none_or(|end| now < end)
}

fn resolve(
    tx: &ReadTransaction<'_>,
    owner: &SecretOwner,
) -> Result<(SecretHolder, ClientId, Subject), AdministrationError> {
    match owner {
        SecretOwner::Client(id) => {
            let client = find_client(tx, id)?;
            Ok((
                SecretHolder::Client(client.key),
                client.id,
                Subject::new("client", id),
            ))
        }
        SecretOwner::ResourceServer(id) => {
            let server = find_resource_server(tx, id)?;
            let subject = Subject::new("resource_server", &server.id);
            Ok((SecretHolder::ResourceServer(server.key), server.id, subject))
        }
    }
}

/// A resource server that must be there, by identifier or by name.
pub(super) fn find_resource_server(
    tx: &ReadTransaction<'_>,
    id: &ClientId,
) -> Result<ResourceServer, AdministrationError> {
    let by_name = || -> Result<Option<ResourceServer>, StoreError> {
        match id.as_str().parse() {
            Ok(name) => tx.resource_server_by_name(&name),
            Err(_) => Ok(None),
        }
    };
    if let Some(server) = tx
        .resource_server(id)?
        .map_or_else(by_name, |server| Ok(Some(server)))?
    {
        return Ok(server);
    }
    let servers = tx.resource_servers()?.into_iter();
    let known = servers.flat_map(|server| [server.id.to_string(), server.name.to_string()]);
    Err(AdministrationError::not_found(
        Noun::ResourceServer,
        id.as_str(),
        known,
    ))
}
