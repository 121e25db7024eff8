//! Why an access token request was refused, check by check: for the developer of a client, at a development server.

use super::explain_caller::presented;
use super::{AuthorizationServer, Failure};
use crate::domain::identifier::Identifier;
use crate::domain::resource::ResourceSet;
use crate::domain::token::TokenValue;
use crate::protocol::authorization_checks::Check;
use crate::protocol::parameters::Parameters;
use crate::protocol::resource_indicators::{TargetError, asked, narrowed};
use crate::protocol::token_request::GrantType;
use crate::protocol::token_request_checks::{Known, Stored, checks};
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
            let presented = presented(tx, authorization, body, now)?;
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
