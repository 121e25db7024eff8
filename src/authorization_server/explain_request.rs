//! What the server would do with an authorization request, check by check.

use super::authorize::validate;
use super::{AuthorizationServer, Failure};
use crate::clock::Timestamp;
use crate::protocol::authorization_checks::{Check, Registered, checks};
use crate::protocol::authorization_request::{
    AuthorizationRequest, KNOWN, RedirectRefusal, Refusal, client_id,
};
use crate::protocol::parameters::Parameters;
use crate::protocol::prompt::{NextStep, Standing};
use crate::protocol::resource_indicators;
use crate::store::{ReadTransaction, StoreError};

/// A request with what is right and wrong about it.
#[derive(Debug)]
pub struct ExplainedRequest {
    /// Each check, in the order in which the server makes them.
    pub checks: Vec<Check>,
    /// What comes of it.
    pub outcome: ExplainedOutcome,
}

/// What the server does with a request where nobody is signed in.
#[derive(Debug)]
pub enum ExplainedOutcome {
    /// It shows an error page.
    Page,
    /// It redirects with an error.
    Redirect(RedirectRefusal),
    /// It shows the sign-in form, and then asks.
    SignIn(Box<AuthorizationRequest>),
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
                outcome: outcome(tx, raw, now)?,
            })
        })
    }
}

fn outcome(tx: &ReadTransaction<'_>, raw: &str, now: Timestamp) -> Result<ExplainedOutcome, StoreError> {
    let request = match validate(tx, raw)? {
        Ok(request) => request,
        Err(Refusal::Page(_)) => return Ok(ExplainedOutcome::Page),
        Err(Refusal::Redirect(refusal)) => return Ok(ExplainedOutcome::Redirect(refusal)),
    };
    let nobody = Standing {
        signed_in_at: None,
        is_remembered: false,
        may_be_silent: request.may_be_silent(),
    };
    Ok(match request.prompting.next_step(nobody, now) {
        NextStep::Refuse(error) => ExplainedOutcome::Redirect(request.refuse(error)),
        NextStep::SignIn | NextStep::Ask | NextStep::Approve => ExplainedOutcome::SignIn(Box::new(request)),
    })
}
