//! Floor 2: the use cases, a file each, with one transaction each.
//!
//! The command line and the HTTP side both come through here; neither holds SQL. A use case reads what it needs,
//! has `protocol` decide, and writes what was decided, all within its transaction.
//!
//! | stage of the mission | file |
//! |---|---|
//! | before everything | `register_client`, `define_scope`, `add_owner`, `register_resource_server`, `catalogue` |
//! | administration | `update_client`, `update_scope`, `update_owner`, `update_resource_server`, `rotate_secret`, `grants`, `tokens`, `audit`, `apply`, `diagnosis` |
//! | 1–2: request, sign-in, page | `authorize`, `sign_in`, `sign_out`, `session` |
//! | 3–4: approve or deny, code | `answer`, `approve_remembered` |
//! | 5: exchange | `token`, `exchange` |
//! | 6: refresh | `refresh` |
//! | 7–8: check | `check`, `introspect`, `resources`; for administrators `explain`, `explain_request`, `family`, `matrix` |
//! | afterwards | `revoke`, `account`, `change_password`, `prune` |
//! | for all of them | `authenticate_client`, `form`, `throttle`, `password_gate`, `last_use`, `failure` |
//! | a development server | `meddle`, `newest_grant`, `explain_token_request`, `explain_refusal`, `explain_caller`, `sign_in_by_button`; which database it may have: `development_database` |
//! | to be seen from outside | `health`, `counts`, `noted` |

mod account;
mod add_owner;
mod administration_error;
mod answer;
mod apply;
mod approve_remembered;
mod audit;
mod authenticate_client;
mod authorize;
mod catalogue;
mod change_password;
mod check;
mod counts;
mod define_scope;
mod development_database;
mod diagnosis;
mod exchange;
mod explain;
mod explain_caller;
mod explain_refusal;
mod explain_request;
mod explain_token_request;
mod failure;
mod family;
mod form;
mod grants;
mod health;
mod introspect;
mod last_use;
mod list_change;
mod matrix;
mod meddle;
mod newest_grant;
pub mod noted;
mod password_gate;
mod prune;
mod refresh;
mod register_client;
mod register_resource_server;
mod remove_grants;
mod resources;
mod revoke;
mod rotate_secret;
mod session;
mod sign_in;
mod sign_in_by_button;
mod sign_out;
mod throttle;
mod token;
mod tokens;
mod update_client;
mod update_owner;
mod update_resource_server;
mod update_scope;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::domain::identifier::{Identifier, IdentifierSource};
use crate::domain::issuer::Issuer;
use crate::domain::secret::Secret;
use crate::domain::token::{TokenKind, TokenValue};
use crate::entropy::Entropy;
use crate::protocol::refresh::RetryWindow;
use crate::store::Store;

pub use account::{Account, ApprovedClient, RememberedClient};
pub use administration_error::{AdministrationError, Noun};
pub use answer::{Answer, Answered};
pub use apply::{ApplyError, NewCredential, Plan};
pub use audit::ChainVerdict;
pub use authenticate_client::{Caller, CallerError};
pub use authorize::{Considered, OpenedScope};
pub use change_password::{ChangePasswordError, TypedPasswords};
pub use check::{CheckRefusal, Passed};
pub use counts::{Count, Counts};
pub use explain::{Explained, ExplainedGrants, ExplainedOwner, Sharers};
pub use explain_request::{ExplainedOutcome, ExplainedRequest};
pub use failure::Failure;
pub use family::{Family, Standing};
pub use form::{FormError, Purpose};
pub use health::NotReady;
pub use introspect::Introspection;
pub use list_change::ListChange;
pub use matrix::{Reach, ReachedByPath, ReachedOpening};
pub use meddle::Meddled;
pub use newest_grant::NewestGrant;
pub use register_client::{ClientRegistration, RegisteredClient, SecretOrigin};
pub use register_resource_server::RegisteredResourceServer;
pub use rotate_secret::{RotatedSecret, SecretOwner};
pub use session::SignedIn;
pub use sign_in::SignInError;
pub use sign_in_by_button::Buttons;
pub use token::TokenResponse;
pub use tokens::Tally;
pub use update_client::ClientChange;
pub use update_scope::ScopeChange;

/// What an administrator may set about how the server decides.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a resource owner stays signed in.
    pub session_lifetime: Duration,
    /// How long a sign-in form or an approval form may be answered.
    pub form_lifetime: Duration,
    /// How long a refresh token may be repeated.
    pub refresh_retry_window: RetryWindow,
    /// How many failures within a minute, of one name from one address, before it has to wait.
    pub failures: usize,
    /// How many failures of sign-ins within a minute, of all names from one address, before those wait that did not get in
    /// there lately.
    pub failures_per_address: usize,
    /// How many passwords are hashed at once; each takes 19 MiB.
    pub password_hashes: usize,
}

/// The authorization server: every use case is a method.
pub struct AuthorizationServer {
    store: Arc<Store>,
    readiness: Arc<health::Readiness>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    identifiers: IdentifierSource,
    rules: Rules,
    issuer: Issuer,
    operator: String,
    counts: counts::Counts,
    started_at: Timestamp,
    last_use: last_use::LastUse,
    /// Of sign-ins.
    throttle: throttle::Throttle,
    /// Of clients and resource servers.
    client_failures: throttle::FailureLog,
    password_gate: password_gate::PasswordGate,
}

impl AuthorizationServer {
    /// Over an open store.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        rules: Rules,
        issuer: Issuer,
    ) -> Self {
        Self {
            store: Arc::new(store),
            readiness: Arc::default(),
            entropy,
            counts: counts::Counts::default(),
            started_at: clock.now(),
            clock,
            identifiers: IdentifierSource::default(),
            throttle: throttle::Throttle::new(rules.failures, rules.failures_per_address),
            client_failures: throttle::FailureLog::new(rules.failures),
            password_gate: password_gate::PasswordGate::new(rules.password_hashes),
            rules,
            issuer,
            operator: "unknown".to_owned(),
            last_use: last_use::LastUse::default(),
        }
    }

    /// Names whoever sits at the command line, for the audit trail.
    #[must_use]
    pub fn operated_by(mut self, operator: String) -> Self {
        self.operator = operator;
        self
    }

    /// What this server calls itself (RFC 8414 §2).
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn new_identifier(&self, now: Timestamp) -> Result<Identifier, Failure> {
        Ok(self.identifiers.next(now, &*self.entropy)?)
    }

    /// A new token value, whose row is yet to be written.
    fn new_token(&self, kind: TokenKind, now: Timestamp) -> Result<TokenValue, Failure> {
        let secret = Secret::generate(&*self.entropy)?;
        Ok(TokenValue::new(kind, self.new_identifier(now)?, secret))
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.issuer.as_str())
            .finish_non_exhaustive()
    }
}
