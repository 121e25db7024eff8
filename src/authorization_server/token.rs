//! Stages 5 and 6: the token endpoint.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{AuthorizationServer, CallerError};
use crate::domain::client::ClientKey;
use crate::domain::registration::ClientRecord;
use crate::domain::scope::ScopeSet;
use crate::domain::token::TokenValue;
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::TokenError;
use crate::protocol::token_request::{self, GrantType, TokenRequest};
use crate::store::{StoreError, WriteTransaction};

/// A successful answer (RFC 6749 §5.1). It can be given once: there is no copy of its values.
#[derive(Debug)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: TokenValue,
    /// How long it lives from now.
    pub expires_in: Duration,
    /// The refresh token, if the client is set up so.
    pub refresh_token: Option<TokenValue>,
    /// What the access token is for.
    pub scope: ScopeSet,
}

/// A decision that has been committed: an answer, or a refusal that may have changed something.
pub(super) type Committed = Result<TokenResponse, TokenError>;

impl AuthorizationServer {
    /// Answers an access token request. `implied` is the grant type that the endpoint's name already says.
    pub fn token(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        implied: Option<GrantType>,
        from: IpAddr,
    ) -> Result<TokenResponse, CallerError> {
        let client = self.authenticate_client(authorization, body, from)?;
        let committed = match token_request::parse(body, implied)? {
            TokenRequest::Exchange(request) => self.exchange(&client, request, from)?,
            TokenRequest::Refresh(request) => self.refresh(&client, request, from)?,
        };
        Ok(committed?)
    }
}

/// The client as it is within the transaction: it may have been disabled since it authenticated.
pub(super) fn still_enabled(
    tx: &WriteTransaction<'_>,
    client: ClientKey,
) -> Result<Result<Arc<ClientRecord>, TokenError>, StoreError> {
    let client = tx.client_record(client)?.filter(|client| client.enabled);
    Ok(client.ok_or_else(TokenError::invalid_client))
}
