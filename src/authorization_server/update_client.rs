//! `client update|enable|disable|delete`.

use std::time::Duration;

use serde_json::{Value, json};

use super::register_client::{check_settings, detail_of, refuse_undefined};
use super::{AdministrationError, AuthorizationServer, ListChange, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::client::{Client, ClientId, RefreshPolicy};
use crate::domain::consent::ConsentPolicy;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeToken;
use crate::domain::text::{Description, Name};
use crate::store::{GrantHolder, ReadTransaction};

/// What to change about a client. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ClientChange {
    /// What people see.
    pub name: Option<Name>,
    /// A sentence more.
    pub description: Option<Description>,
    /// Where codes may be sent.
    pub redirect_uris: ListChange<RedirectUri>,
    /// What it may ask for.
    pub scopes: ListChange<ScopeToken>,
    /// Life of access tokens that are issued from now on.
    pub access_token_lifetime: Option<Duration>,
    /// Life of codes that are issued from now on.
    pub code_lifetime: Option<Duration>,
    /// How often it may refresh.
    pub refresh: Option<RefreshPolicy>,
    /// How long grants that begin from now on may be refreshed.
    pub refresh_token_lifetime: Option<Duration>,
    /// How long refresh tokens that are issued from now on live unused.
    pub refresh_token_idle: Option<Duration>,
    /// Whether it must use PKCE.
    pub require_pkce: Option<bool>,
    /// Whether an approval may be remembered.
    pub consent: Option<ConsentPolicy>,
}

impl ClientChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.description.is_none()
            && self.redirect_uris.is_empty()
            && self.scopes.is_empty()
            && self.access_token_lifetime.is_none()
            && self.code_lifetime.is_none()
            && self.refresh.is_none()
            && self.refresh_token_lifetime.is_none()
            && self.refresh_token_idle.is_none()
            && self.require_pkce.is_none()
            && self.consent.is_none()
    }
}

impl AuthorizationServer {
    /// Changes a client. Scopes that are taken from it stop working at once, for tokens that are out too.
    ///
    /// # Errors
    /// `NotFound` for the client, a scope that is not defined, or something to be removed that is not there.
    pub fn update_client(&self, id: ClientId, change: ClientChange) -> Result<Client, AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let mut client = find(tx, &id)?;
            let before = detail_of(&client.settings);
            apply(&mut client, &change)?;
            check_settings(&client.settings)?;
            refuse_undefined(tx, &client.settings.scopes)?;
            let after = detail_of(&client.settings);
            tx.update_client(client.key, &client.settings)?;
            let subject = Subject::new("client", &id);
            operator.record(tx, Action::ClientUpdated, subject, differences(&before, &after))?;
            Ok(client)
        })
    }

    /// Enables or disables a client. Disabled, it and all its tokens stop working at once.
    pub fn set_client_enabled(&self, id: ClientId, enabled: bool) -> Result<Client, AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let mut client = find(tx, &id)?;
            tx.set_client_enabled(client.key, enabled)?;
            client.enabled = enabled;
            let action = if enabled {
                Action::ClientEnabled
            } else {
                Action::ClientDisabled
            };
            operator.record(tx, action, Subject::new("client", &id), Value::Null)?;
            Ok(client)
        })
    }

    /// Deletes a client with its grants and tokens: disables it first, then works in small transactions, so that the
    /// server goes on meanwhile. Interrupted, it can be repeated. Calls `progress` with the number of grants removed.
    pub fn delete_client(
        &self,
        id: &ClientId,
        progress: impl FnMut(usize),
    ) -> Result<(), AdministrationError> {
        let client = self.set_client_enabled(id.clone(), false)?;
        let removed = self.remove_grants(GrantHolder::Client(client.key), progress)?;
        let (operator, id) = (self.operator(self.now()), id.clone());
        self.store.write(move |tx| {
            tx.delete_client(client.key)?;
            let detail = json!({ "grants": removed });
            operator.record(tx, Action::ClientDeleted, Subject::new("client", &id), detail)?;
            Ok(())
        })
    }
}

/// A client that must be there.
pub(super) fn find(tx: &ReadTransaction<'_>, id: &ClientId) -> Result<Client, AdministrationError> {
    if let Some(client) = tx.client(id)? {
        return Ok(client);
    }
    let known = tx.clients()?.into_iter().map(|client| client.id.to_string());
    Err(AdministrationError::not_found(Noun::Client, id.as_str(), known))
}

fn apply(client: &mut Client, change: &ClientChange) -> Result<(), AdministrationError> {
    fn set<T: Clone>(place: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            place.clone_from(value);
        }
    }
    let settings = &mut client.settings;
    set(&mut settings.name, change.name.as_ref());
    set(&mut settings.description, change.description.as_ref());
    set(
        &mut settings.access_token_lifetime,
        change.access_token_lifetime.as_ref(),
    );
    set(&mut settings.code_lifetime, change.code_lifetime.as_ref());
    set(&mut settings.refresh, change.refresh.as_ref());
    set(
        &mut settings.refresh_token_lifetime,
        change.refresh_token_lifetime.as_ref(),
    );
    set(
        &mut settings.refresh_token_idle,
        change.refresh_token_idle.as_ref(),
    );
    set(&mut settings.require_pkce, change.require_pkce.as_ref());
    set(&mut settings.consent, change.consent.as_ref());
    settings.redirect_uris = change
        .redirect_uris
        .apply(settings.redirect_uris.clone(), Noun::RedirectUri)?;
    let scopes = settings.scopes.iter().cloned().collect();
    settings.scopes = change.scopes.apply(scopes, Noun::Scope)?.into_iter().collect();
    Ok(())
}

/// The members that differ, each with what it was and what it is.
pub(super) fn differences(before: &Value, after: &Value) -> Value {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return Value::Null;
    };
    let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(*value));
    changed
        .map(|(name, value)| (name.clone(), json!({ "from": old.get(name), "to": value })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
