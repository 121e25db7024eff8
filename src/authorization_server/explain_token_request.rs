//! Why an access token request was refused, check by check: for the developer of a client, at a development server.

use super::{AuthorizationServer, Failure};
use crate::clock::Timestamp;
use crate::domain::client::{ClientId, ClientSecret, StoredSecret};
use crate::domain::identifier::Identifier;
use crate::domain::registration::Registered;
use crate::domain::resource::ResourceSet;
use crate::domain::token::TokenValue;
use crate::protocol::authorization_checks::Check;
use crate::protocol::client_authentication::{ClientCredentials, credentials};
use crate::protocol::parameters::Parameters;
use crate::protocol::resource_indicators::{TargetError, asked, narrowed};
use crate::protocol::token_request::GrantType;
use crate::protocol::token_request_checks::{Known, Presented, Stored, WrongSecret, checks};
use crate::store::{ReadTransaction, StoreError};

impl AuthorizationServer {
    /// Explains an access token request with what is stored after it was answered. Nothing is changed, and nobody is
    /// throttled for it.
    pub fn explain_token_request(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        implied: Option<GrantType>,
    ) -> Result<Vec<Check>, Failure> {
        let now = self.now();
        self.store.read(|tx| {
            let presented = match credentials(authorization, body) {
                Ok(credentials) => presented(tx, &credentials, now)?,
                Err(error) => Presented::None(error),
            };
            let value = ["code", "refresh_token"]
                .into_iter()
                .find_map(|name| TokenValue::parse(body.get(name)?));
            let stored = match value {
                Some(value) => stored(tx, &value, asked(body))?,
                None => Stored::Nothing,
            };
            let window = self.rules.refresh_retry_window;
            Ok(checks(body, implied, &presented, &stored, window, now))
        })
    }
}

pub(super) fn presented(
    tx: &ReadTransaction<'_>,
    credentials: &ClientCredentials,
    now: Timestamp,
) -> Result<Presented, StoreError> {
    let ClientCredentials {
        id,
        secret,
        undecoded,
    } = credentials;
    // As it stands in the header it is looked at too, and that may name another.
    for (id, secret) in [(id, secret)]
        .into_iter()
        .chain(undecoded.iter().map(|(id, secret)| (id, secret)))
    {
        if let Some(Registered::Client(client)) = tx.registered(id)?
            && client.enabled
            && client.admitting(&secret.hash(), now).is_some()
        {
            return Ok(Presented::Good(client.client.clone()));
        }
    }
    let registered = tx.registered(id)?;
    let client = match registered {
        Some(Registered::Client(client)) if client.enabled => client,
        Some(Registered::Client(client)) => return Ok(Presented::Disabled(client.id.clone())),
        Some(Registered::ResourceServer(server)) => {
            let is_own = |secret: &ClientSecret| server.admitting(&secret.hash(), now).is_some();
            let is_right = is_own(secret) || undecoded.as_ref().is_some_and(|(_, secret)| is_own(secret));
            return Ok(Presented::ResourceServer {
                id: server.id.clone(),
                secret: if is_right {
                    Ok(())
                } else {
                    Err(wrong(&server.secrets, secret, is_own))
                },
            });
        }
        None => {
            // As text it is an identifier where somebody exchanged the two.
            let swapped = secret.reveal().parse::<ClientId>().ok();
            if let Some(id) = swapped
                && tx.registered(&id)?.is_some()
            {
                return Ok(Presented::Swapped(id));
            }
            let clients = tx.clients()?.iter().map(|client| client.id.to_string()).collect();
            return Ok(Presented::Unknown {
                clients,
                sent: id.clone(),
            });
        }
    };
    Ok(Presented::WrongSecret {
        client: client.id.clone(),
        secret: wrong(&client.secrets, secret, |secret| {
            client.admitting(&secret.hash(), now).is_some()
        }),
    })
}

/// What is known of a secret that is not the one; `is_own` says which is.
fn wrong(
    secrets: &[StoredSecret],
    secret: &ClientSecret,
    is_own: impl Fn(&ClientSecret) -> bool,
) -> WrongSecret {
    let presented = secret.hash();
    let ended = secrets.iter().find(|stored| stored.hash.matches(&presented));
    if let Some(at) = ended.and_then(|stored| stored.expires_at) {
        return WrongSecret::Ended(at);
    }
    let trimmed = ClientSecret::presented(secret.reveal().trim());
    if is_own(&trimmed) {
        WrongSecret::Padded
    } else {
        WrongSecret::Unknown
    }
}

fn stored(
    tx: &ReadTransaction<'_>,
    value: &TokenValue,
    asked: Result<ResourceSet, TargetError>,
) -> Result<Stored, StoreError> {
    let identifier = value.identifier();
    if let Some(code) = tx.code(identifier)? {
        let grant = code.grant;
        return Ok(known(tx, grant, code, asked)?.map_or(Stored::Nothing, Stored::Code));
    }
    if let Some(token) = tx.refresh_token(identifier)? {
        let grant = token.grant;
        return Ok(known(tx, grant, token, asked)?.map_or(Stored::Nothing, Stored::Refresh));
    }
    Ok(Stored::Nothing)
}

/// A row with what hangs on it; `None` where that has gone meanwhile.
fn known<T>(
    tx: &ReadTransaction<'_>,
    grant: Identifier,
    row: T,
    asked: Result<ResourceSet, TargetError>,
) -> Result<Option<Known<T>>, StoreError> {
    let Some(grant) = tx.grant(grant)? else {
        return Ok(None);
    };
    let (Some(client), Some(owner)) = (tx.client_by_key(grant.client)?, tx.owner_by_key(grant.owner)?) else {
        return Ok(None);
    };
    let resources = match asked {
        Ok(asked) => narrowed(&asked, &grant.resources, &tx.registered_among(&asked)?),
        Err(error) => Err(error),
    };
    Ok(Some(Known {
        row,
        resources,
        client: client.id,
        owner: (owner.username.to_string(), owner.enabled),
        grant,
    }))
}
