//! Client authentication (RFC 6749 §2.3), for clients and for resource servers.

use std::net::IpAddr;
use std::sync::Arc;

use super::{AuthorizationServer, Failure, noted};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor};
use crate::domain::client::{ClientId, ClientSecret};
use crate::domain::identifier::Identifier;
use crate::domain::registration::{ClientRecord, Registered, ResourceServerRecord};
use crate::protocol::client_authentication::{ClientCredentials, CredentialsError, credentials};
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::{TokenError, TokenErrorCode};
use crate::store::{ReadTransaction, StoreError};

/// Who authenticated.
#[derive(Debug)]
pub enum Caller {
    /// A client that is enabled.
    Client(Arc<ClientRecord>),
    /// A resource server.
    ResourceServer(Arc<ResourceServerRecord>),
}

impl Caller {
    /// What it authenticated as.
    fn id(&self) -> &ClientId {
        match self {
            Self::Client(client) => &client.id,
            Self::ResourceServer(server) => &server.id,
        }
    }
}

/// Credentials that are to be looked up, from whom may try.
pub(super) struct Presented {
    credentials: ClientCredentials,
    from: IpAddr,
    now: Timestamp,
}

/// Whose credentials they are, and by which secret.
pub(super) struct Found {
    pub(super) caller: Caller,
    secret: Identifier,
}

/// Why a request to an endpoint that authenticates is refused.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// By a standard error.
    #[error("{}: {}", .0.code.as_str(), .0.description)]
    Refused(TokenError),
    /// Too many failures of this name from this address.
    #[error("too many failures; wait {0} seconds")]
    Throttled(u64),
    /// The server failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for CallerError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<TokenError> for CallerError {
    fn from(error: TokenError) -> Self {
        Self::Refused(error)
    }
}

impl AuthorizationServer {
    /// Authenticates whoever sent this header and this body.
    fn authenticate(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        from: IpAddr,
    ) -> Result<Caller, CallerError> {
        let presented = self.presented(authorization, body, from)?;
        let found = self.store.read(|tx| presented.find(tx))?;
        self.admit(&presented, found)
    }

    /// What this header and this body present, to be looked up. Whoever has to wait is refused here.
    pub(super) fn presented(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        from: IpAddr,
    ) -> Result<Presented, CallerError> {
        if let Some((name, flaw)) = body.first_flaw() {
            return Err(TokenError::new(TokenErrorCode::InvalidRequest, &format!("{name} {flaw}")).into());
        }
        let credentials = credentials(authorization, body).map_err(|error| {
            let code = match error {
                CredentialsError::Twice => TokenErrorCode::InvalidRequest,
                CredentialsError::Missing | CredentialsError::Malformed => TokenErrorCode::InvalidClient,
            };
            TokenError::new(code, &error.to_string())
        })?;
        let now = self.now();
        if let Some(seconds) = self.client_failures.must_wait(credentials.id.as_str(), from, now) {
            self.counts.throttled_clients.one();
            let claimed = self.store.read(|tx| claimed(tx, &credentials.id))?;
            noted::claimed_client(claimed.map(|_| &credentials.id));
            return Err(CallerError::Throttled(seconds));
        }
        Ok(Presented {
            credentials,
            from,
            now,
        })
    }

    /// Lets in whom [`Presented::find`] found, and refuses and counts where it found nobody.
    pub(super) fn admit(&self, presented: &Presented, found: Option<Found>) -> Result<Caller, CallerError> {
        let Presented {
            credentials,
            from,
            now,
        } = presented;
        let name = credentials.id.as_str();
        if let Some(Found { caller, secret }) = found {
            self.client_failures.succeeded(name, *from);
            self.last_use.of_secret(secret, *now);
            noted::client(caller.id());
            Ok(caller)
        } else {
            let is_throttled = self.client_failures.failed(name, *from, *now);
            self.counts.failed_client_authentications.one();
            let claimed = self.store.read(|tx| claimed(tx, &credentials.id))?;
            noted::claimed_client(claimed.as_ref().map(|_| &credentials.id));
            if let Some(actor) = claimed {
                self.record_failure(actor, *from, Action::WrongSecret, is_throttled);
            }
            Err(TokenError::invalid_client().into())
        }
    }

    /// As [`authenticate`](Self::authenticate), for endpoints that are for clients alone.
    pub(super) fn authenticate_client(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        from: IpAddr,
    ) -> Result<Arc<ClientRecord>, CallerError> {
        match self.authenticate(authorization, body, from)? {
            Caller::Client(client) => Ok(client),
            Caller::ResourceServer(_) => Err(TokenError::invalid_client().into()),
        }
    }
}

/// Who is claimed to be calling, where there is such a one.
fn claimed(tx: &ReadTransaction<'_>, id: &ClientId) -> Result<Option<Actor>, StoreError> {
    if tx.client(id)?.is_some() {
        return Ok(Some(Actor::Client(id.to_string())));
    }
    let server = tx.resource_server(id)?;
    Ok(server.map(|server| Actor::ResourceServer(server.id.to_string())))
}

impl Presented {
    /// Whose credentials these are. Within the transaction of the caller's question, where that is one of reading: each
    /// costs two system calls to begin and to end.
    pub(super) fn find(&self, tx: &ReadTransaction<'_>) -> Result<Option<Found>, StoreError> {
        let ClientCredentials {
            id,
            secret,
            undecoded,
        } = &self.credentials;
        let found = find_by(tx, id, secret, self.now)?;
        match (&found, undecoded) {
            (None, Some((id, secret))) => find_by(tx, id, secret, self.now),
            _ => Ok(found),
        }
    }
}

fn find_by(
    tx: &ReadTransaction<'_>,
    id: &ClientId,
    secret: &ClientSecret,
    now: Timestamp,
) -> Result<Option<Found>, StoreError> {
    let presented = secret.hash();
    Ok(match tx.registered(id)? {
        Some(Registered::Client(client)) if client.enabled => {
            let secret = client.admitting(&presented, now);
            secret.map(|secret| Found {
                caller: Caller::Client(client),
                secret,
            })
        }
        Some(Registered::ResourceServer(server)) => {
            let secret = server.admitting(&presented, now);
            secret.map(|secret| Found {
                caller: Caller::ResourceServer(server),
                secret,
            })
        }
        Some(Registered::Client(_)) | None => None,
    })
}
