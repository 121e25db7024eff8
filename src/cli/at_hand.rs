//! The server whose database is here, for commands that act for a client of any server.

use crate::authorization_server::{AdministrationError, AuthorizationServer};
use crate::cli::context::Context;
use crate::cli::dev::control::issuer_beside;
use crate::cli::exit::CliError;
use crate::cli::shell;
use crate::domain::client::{Client, ClientId};
use crate::domain::issuer::Issuer;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;

/// Where a client is sent back to of which nothing is known.
pub(super) const USUAL_REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// [`USUAL_REDIRECT_URI`], read.
///
/// # Errors
/// None that can come: it is one.
pub(super) fn usual_redirect_uri() -> Result<RedirectUri, CliError> {
    let read = USUAL_REDIRECT_URI.parse::<RedirectUri>();
    read.map_err(|error| CliError::Usage(error.to_string()))
}

/// The error of a client that is not there, where one scope more was meant: `--scope` takes one value.
pub(super) fn or_scope(
    error: CliError,
    asked: &[ScopeSet],
    client: &ClientId,
    context: &Context<'_>,
) -> CliError {
    let is_scope = |server: AuthorizationServer| {
        let all = server.scopes().unwrap_or_default();
        all.iter().any(|scope| scope.token.as_str() == client.as_str())
    };
    if asked.is_empty() || !context.server().is_ok_and(is_scope) {
        return error;
    }
    let mut all: Vec<String> = asked.iter().map(ToString::to_string).collect();
    all.push(client.to_string());
    CliError::Usage(format!(
        "`{client}` is no client, but a scope; several are one value: --scope {}",
        shell::word(&all.join(" "))
    ))
}

/// What is known of it without looking into its database.
pub(super) struct OwnServer {
    pub(super) issuer: Issuer,
    /// Whether it is a development server, which runs.
    pub(super) is_development: bool,
}

impl OwnServer {
    /// The development server that runs on the database, else the one of the settings.
    ///
    /// # Errors
    /// The settings give no issuer.
    pub(super) fn of(context: &Context<'_>) -> Result<Self, CliError> {
        Ok(match issuer_beside(&context.settings.database.path) {
            Some(issuer) => Self {
                issuer,
                is_development: true,
            },
            None => Self {
                issuer: context.issuer()?,
                is_development: false,
            },
        })
    }

    /// The client, where `named` is this server and its database is here. Nothing is made where there is none: the server
    /// may be somebody else's. So it may where the database cannot be looked into, or knows no clients at all.
    ///
    /// # Errors
    /// `NotFound` where the database knows other clients.
    pub(super) fn client(
        &self,
        named: &str,
        client: &ClientId,
        context: &Context<'_>,
    ) -> Result<Option<Client>, CliError> {
        if named != self.issuer.as_str() || !context.settings.database.path.exists() {
            return Ok(None);
        }
        let Ok(server) = context.server() else {
            return Ok(None);
        };
        match server.client(client) {
            Ok(found) => Ok(Some(found)),
            Err(error @ AdministrationError::NotFound { .. })
                if server.clients().is_ok_and(|all| !all.is_empty()) =>
            {
                Err(error.into())
            }
            Err(_) => Ok(None),
        }
    }
}
