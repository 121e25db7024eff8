//! What a client has to know of a development server, as variables of the environment.

use std::path::Path;

use crate::cli::exit::CliError;
use crate::cli::parties::client::{SentRequest, url};
use crate::domain::issuer::Issuer;

use super::seed::{Seeded, SeededClient};

/// The variables with their values, for the first client and the first resource owner of the seed.
///
/// # Errors
/// The system gives no random bytes.
pub(in crate::cli) fn environment(
    issuer: &Issuer,
    seeded: &Seeded,
    database: &Path,
) -> Result<Vec<(&'static str, String)>, CliError> {
    let mut all = vec![
        ("OAUTH_ISSUER", issuer.to_string()),
        ("OAUTH_METADATA_URL", issuer.metadata_url()),
        ("OAUTH_AUTHORIZATION_ENDPOINT", issuer.endpoint("/authorize")),
        ("OAUTH_TOKEN_ENDPOINT", issuer.endpoint("/token")),
        ("OAUTH_REVOCATION_ENDPOINT", issuer.endpoint("/revoke")),
        ("OAUTH_INTROSPECTION_ENDPOINT", issuer.endpoint("/introspect")),
        ("OAUTH_CHECK_ENDPOINT", issuer.endpoint("/check")),
    ];
    if let Some(first) = seeded.clients.first() {
        all.push(("OAUTH_CLIENT_ID", first.client.id.to_string()));
        if let Some(secret) = first.secret.known() {
            all.push(("OAUTH_CLIENT_SECRET", secret.reveal().to_owned()));
        }
        let settings = &first.client.settings;
        let scopes: Vec<&str> = settings.scopes.iter().map(|scope| scope.as_str()).collect();
        all.push(("OAUTH_SCOPE", scopes.join(" ")));
        if let Some(uri) = settings.redirect_uris.first() {
            all.push(("OAUTH_REDIRECT_URI", uri.to_string()));
        }
        let (url, verifier) = authorize_url(issuer, first)?;
        all.push(("OAUTH_AUTHORIZE_URL", url));
        all.push(("OAUTH_CODE_VERIFIER", verifier));
    }
    if let Some(owner) = seeded.owners.first() {
        all.push(("OAUTH_USERNAME", owner.username.to_string()));
        all.push(("OAUTH_PASSWORD", owner.password.reveal().to_owned()));
    }
    if let Some((id, secret)) = seeded.resource_servers.first() {
        all.push(("OAUTH_RESOURCE_SERVER_ID", id.to_string()));
        if let Some(secret) = secret.known() {
            all.push(("OAUTH_RESOURCE_SERVER_SECRET", secret.reveal().to_owned()));
        }
    }
    let absolute = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    all.push(("OAUTHCTL_DATABASE", absolute.display().to_string()));
    Ok(all)
}

/// A URL that can be opened in a browser, and what proves at the token endpoint who made it (RFC 7636 §4.1).
fn authorize_url(issuer: &Issuer, client: &SeededClient) -> Result<(String, String), CliError> {
    let sent = SentRequest::new()?;
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", client.client.id.as_str()),
    ];
    if let Some(uri) = client.client.settings.redirect_uris.first() {
        parameters.push(("redirect_uri", uri.as_str()));
    }
    parameters.extend([
        ("state", sent.state.as_str()),
        ("code_challenge", &sent.challenge),
        ("code_challenge_method", "S256"),
    ]);
    Ok((url(&issuer.endpoint("/authorize"), &parameters), sent.verifier))
}
