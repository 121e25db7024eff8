//! Whose credentials were presented at the token endpoint or one of its siblings, for whoever is told why they were refused.

use crate::clock::Timestamp;
use crate::domain::client::{ClientId, ClientSecret, StoredSecret};
use crate::domain::registration::Registered;
use crate::protocol::caller_checks::{Presented, WrongSecret};
use crate::protocol::client_authentication::{ClientCredentials, credentials};
use crate::protocol::parameters::Parameters;
use crate::store::{ReadTransaction, StoreError};

/// Whom the credentials of a request are of, in its header or its body.
pub(super) fn presented(
    tx: &ReadTransaction<'_>,
    authorization: Option<&str>,
    body: &Parameters,
    now: Timestamp,
) -> Result<Presented, StoreError> {
    match credentials(authorization, body) {
        Ok(credentials) => looked_up(tx, &credentials, now),
        Err(error) => Ok(Presented::None(error)),
    }
}

fn looked_up(
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
                && let Some(registered) = tx.registered(&id)?
            {
                return Ok(Presented::Swapped {
                    id,
                    is_resource_server: matches!(registered, Registered::ResourceServer(_)),
                });
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
