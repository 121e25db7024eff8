//! `client register`.

use std::time::Duration;

use serde_json::json;

use super::{AdministrationError, AuthorizationServer, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::client::{Client, ClientId, ClientSecret, ClientSettings, StoredSecret};
use crate::domain::scope::{SCOPE_SET_TOKENS, ScopeSet};
use crate::domain::span;
use crate::domain::text::Name;
use crate::entropy::random;
use crate::store::{ReadTransaction, SecretHolder, StoreError};

/// What lives shorter is gone before anybody can use it, and `expires_in` counts whole seconds (RFC 6749 §5.1).
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);

/// RFC 6749 §4.1.2 recommends ten minutes at most.
const LONGEST_CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// As the setting `tokens.access_token_lifetime` allows: whoever holds an access token needs nothing else.
const LONGEST_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where the client's secret comes from.
#[derive(Debug)]
pub enum SecretOrigin {
    /// It is made now.
    Generate,
    /// It is brought along.
    Import(ClientSecret),
}

/// What to register.
#[derive(Debug)]
pub struct ClientRegistration {
    /// The identifier; made from the name where there is none.
    pub id: Option<ClientId>,
    /// What is set for it.
    pub settings: ClientSettings,
    /// Where its secret comes from.
    pub secret: SecretOrigin,
    /// Whether a client that is there already is left as it is, instead of an error.
    pub if_not_exists: bool,
}

/// What was registered.
#[derive(Debug)]
pub struct RegisteredClient {
    /// The client.
    pub client: Client,
    /// Its secret, to be shown once; `None` where the client was there already.
    pub secret: Option<ClientSecret>,
}

impl AuthorizationServer {
    /// The client that a repeated registration means: by identifier, or by name where none is given.
    pub fn registered_client(
        &self,
        id: Option<&ClientId>,
        name: &Name,
    ) -> Result<Option<Client>, StoreError> {
        self.store.read(|tx| find(tx, id, name))
    }

    /// Registers a confidential client.
    ///
    /// # Errors
    /// `Exists` where the identifier is taken, `NotFound` where a scope is not defined, `Refused` where there is no
    /// redirect URI or no scope, or a lifetime is out of bounds.
    pub fn register_client(
        &self,
        registration: ClientRegistration,
    ) -> Result<RegisteredClient, AdministrationError> {
        let ClientRegistration {
            id,
            settings,
            secret,
            if_not_exists,
        } = registration;
        check_settings(&settings)?;
        let now = self.now();
        let secret = match secret {
            SecretOrigin::Generate => ClientSecret::generate(&*self.entropy).map_err(super::Failure::from)?,
            SecretOrigin::Import(secret) => secret,
        };
        let made_id = random(&*self.entropy).map_err(super::Failure::from)?;
        let secret_identifier = self.new_identifier(now)?;
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if if_not_exists && let Some(client) = find(tx, id.as_ref(), &settings.name)? {
                return Ok(RegisteredClient { client, secret: None });
            }
            let id = id.unwrap_or_else(|| ClientId::from_name(&settings.name, made_id));
            refuse_taken(tx, &id)?;
            refuse_undefined(tx, &settings.scopes)?;
            let key = tx.insert_client(&id, &settings, now)?;
            let stored = StoredSecret::new(secret_identifier, secret.hash(), now);
            tx.insert_secret(SecretHolder::Client(key), &stored)?;
            let subject = Subject::new("client", &id);
            operator.record(tx, Action::ClientRegistered, subject, detail_of(&settings))?;
            let client = Client {
                key,
                id,
                enabled: true,
                settings,
                created_at: now,
            };
            Ok(RegisteredClient {
                client,
                secret: Some(secret),
            })
        })
    }
}

/// What the audit trail keeps of a client's settings.
pub(super) fn detail_of(settings: &ClientSettings) -> serde_json::Value {
    let uris: Vec<&str> = settings
        .redirect_uris
        .iter()
        .map(crate::domain::redirect_uri::RedirectUri::as_str)
        .collect();
    json!({
        "name": settings.name.as_str(),
        "description": settings.description.as_str(),
        "redirect_uris": uris,
        "scopes": settings.scopes.to_string(),
        "access_token_lifetime": settings.access_token_lifetime.as_secs(),
        "code_lifetime": settings.code_lifetime.as_secs(),
        "refresh": settings.refresh.to_string(),
        "refresh_token_lifetime": settings.refresh_token_lifetime.as_secs(),
        "refresh_token_idle": settings.refresh_token_idle.as_secs(),
        "require_pkce": settings.require_pkce,
        "consent": settings.consent.as_str(),
    })
}

/// What can be said without looking at the store.
pub(super) fn check_settings(settings: &ClientSettings) -> Result<(), AdministrationError> {
    let refuse = |reason: &str| Err(AdministrationError::Refused(reason.to_owned()));
    if settings.redirect_uris.is_empty() {
        return refuse("a client needs at least one redirect URI");
    }
    if settings.redirect_uris.len() > 100 {
        return refuse("a client may have 100 redirect URIs at most");
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = settings
        .redirect_uris
        .iter()
        .find(|uri| !seen.insert(uri.as_str()))
    {
        return refuse(&format!("the redirect URI {} is given twice", twice.as_str()));
    }
    if settings.scopes.is_empty() {
        return refuse("a client needs at least one scope");
    }
    if settings.scopes.iter().count() > SCOPE_SET_TOKENS {
        return refuse(&format!("a client may have {SCOPE_SET_TOKENS} scopes at most"));
    }
    for (name, given, longest) in [
        (
            "access token lifetime",
            settings.access_token_lifetime,
            LONGEST_ACCESS_TOKEN_LIFETIME,
        ),
        ("code lifetime", settings.code_lifetime, LONGEST_CODE_LIFETIME),
        (
            "refresh token lifetime",
            settings.refresh_token_lifetime,
            span::LONGEST,
        ),
        (
            "refresh token idle span",
            settings.refresh_token_idle,
            span::LONGEST,
        ),
    ] {
        let wrong = if given < SHORTEST_LIFETIME {
            "short"
        } else if given > longest {
            "long"
        } else {
            continue;
        };
        return refuse(&format!(
            "the {name} `{}` is too {wrong}; accepted is a span from `{}` to `{}`",
            span::format(given),
            span::format(SHORTEST_LIFETIME),
            span::format(longest)
        ));
    }
    Ok(())
}

fn find(tx: &ReadTransaction<'_>, id: Option<&ClientId>, name: &Name) -> Result<Option<Client>, StoreError> {
    match id {
        Some(id) => tx.client(id),
        None => Ok(tx
            .clients()?
            .into_iter()
            .find(|client| client.settings.name == *name)),
    }
}

/// Clients and resource servers authenticate at the same endpoints, so they share one name space.
pub(super) fn refuse_taken(tx: &ReadTransaction<'_>, id: &ClientId) -> Result<(), AdministrationError> {
    let exists = |noun| {
        Err(AdministrationError::Exists {
            noun,
            name: id.to_string(),
        })
    };
    if tx.client(id)?.is_some() {
        return exists(Noun::Client);
    }
    if tx.resource_server(id)?.is_some() {
        return exists(Noun::ResourceServer);
    }
    Ok(())
}

pub(super) fn refuse_undefined(
    tx: &ReadTransaction<'_>,
    scopes: &ScopeSet,
) -> Result<(), AdministrationError> {
    for scope in scopes.iter() {
        if tx.scope(scope)?.is_none() {
            let known = tx.scopes()?.into_iter().map(|scope| scope.token.to_string());
            return Err(AdministrationError::not_found(Noun::Scope, scope.as_str(), known));
        }
    }
    Ok(())
}
