//! What a command is told of its server, in variables of the environment.

use crate::cli::dev::scratch::Scratch;
use crate::domain::redirect_uri::RedirectUri;

/// Names and values; those without a value are not to be there.
pub(in crate::cli) fn of(scratch: &Scratch) -> Vec<(&'static str, Option<String>)> {
    let issuer = scratch.issuer();
    let client = scratch.seeded.clients.first();
    let owner = scratch.seeded.owners.first();
    let resource_server = scratch.seeded.resource_servers.first();
    let settings = client.map(|seeded| &seeded.client.settings);
    vec![
        ("OAUTH_ISSUER", Some(issuer.as_str().to_owned())),
        ("OAUTH_METADATA_URL", Some(issuer.metadata_url())),
        (
            "OAUTH_AUTHORIZATION_ENDPOINT",
            Some(issuer.endpoint("/authorize")),
        ),
        ("OAUTH_TOKEN_ENDPOINT", Some(issuer.endpoint("/token"))),
        ("OAUTH_REVOCATION_ENDPOINT", Some(issuer.endpoint("/revoke"))),
        (
            "OAUTH_INTROSPECTION_ENDPOINT",
            Some(issuer.endpoint("/introspect")),
        ),
        ("OAUTH_CHECK_ENDPOINT", Some(issuer.endpoint("/check"))),
        (
            "OAUTH_CLIENT_ID",
            client.map(|seeded| seeded.client.id.to_string()),
        ),
        (
            "OAUTH_CLIENT_SECRET",
            client.and_then(|seeded| Some(seeded.secret.as_ref()?.reveal().to_owned())),
        ),
        (
            "OAUTH_REDIRECT_URI",
            settings.and_then(|settings| first_of(&settings.redirect_uris)),
        ),
        (
            "OAUTH_SCOPE",
            settings.map(|settings| settings.scopes.to_string()),
        ),
        ("OAUTH_USERNAME", owner.map(|owner| owner.username.to_string())),
        (
            "OAUTH_PASSWORD",
            owner.map(|owner| owner.password.reveal().to_owned()),
        ),
        (
            "OAUTH_RESOURCE_SERVER_ID",
            resource_server.map(|(id, _)| id.to_string()),
        ),
        (
            "OAUTH_RESOURCE_SERVER_SECRET",
            resource_server.map(|(_, secret)| secret.reveal().to_owned()),
        ),
        (
            "OAUTHCTL_DATABASE",
            Some(scratch.database.to_string_lossy().into_owned()),
        ),
        // The other name of the same.
        ("OAUTHCTL_DATABASE_PATH", None),
        ("OAUTHCTL_SERVER_ISSUER", Some(issuer.as_str().to_owned())),
    ]
}

/// One that somebody can listen on, if there is one.
fn first_of(uris: &[RedirectUri]) -> Option<String> {
    let found = uris.iter().find(|uri| uri.is_loopback_http()).or(uris.first())?;
    Some(found.as_str().to_owned())
}
