//! What the server would do with an authorization request, check by check.

use super::authorize::{Considered, consider};
use super::{AuthorizationServer, Failure};
use crate::protocol::authorization_checks::{Check, Registered, checks};
use crate::protocol::authorization_request::{KNOWN, client_id};
use crate::protocol::parameters::Parameters;
use crate::protocol::resource_indicators;

/// A request with what is right and wrong about it.
#[derive(Debug)]
pub struct ExplainedRequest {
    /// Each check, in the order in which the server makes them.
    pub checks: Vec<Check>,
    /// What comes of it where nobody is signed in.
    pub considered: Considered,
}

impl AuthorizationServer {
    /// Explains an authorization request: `raw` is its query. Nothing is changed.
    pub fn explain_request(&self, raw: &str) -> Result<ExplainedRequest, Failure> {
        let now = self.now();
        let parameters = Parameters::parse(raw.as_bytes(), &KNOWN);
        self.store.read(|tx| {
            let client = match client_id(&parameters) {
                Ok(id) => tx.client(&id)?,
                Err(_) => None,
            };
            let asked = resource_indicators::asked(&parameters).unwrap_or_default();
            let resources = tx.registered_among(&asked)?;
            let clients: Vec<String> = tx
                .clients()?
                .into_iter()
                .map(|client| client.id.to_string())
                .collect();
            let scopes: Vec<String> = tx
                .scopes()?
                .into_iter()
                .map(|scope| scope.token.to_string())
                .collect();
            Ok(ExplainedRequest {
                checks: checks(
                    raw,
                    &parameters,
                    &Registered {
                        client: client.as_ref(),
                        clients: &clients,
                        scopes: &scopes,
                        resources: &resources,
                    },
                ),
                considered: consider(tx, raw, None, now)?,
            })
        })
    }
}
