//! The variables by which a client is told of its server, as commands read them that act for a client.
//!
//! A development server and `run` set them together: what they say of one client, owner or server is about no other, and what
//! is secret in them is for nobody else. An empty variable counts as one that is not set.

use std::fmt::Display;
use std::str::FromStr;

use crate::cli::exit::CliError;
use crate::domain::client::ClientId;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;

/// Which client they are about.
pub(super) const CLIENT: &str = "OAUTH_CLIENT_ID";
/// Which server they are about.
pub(super) const ISSUER: &str = "OAUTH_ISSUER";
/// The client's secret.
pub(super) const SECRET: &str = "OAUTH_CLIENT_SECRET";
/// Which resource owner they are about.
pub(super) const OWNER: &str = "OAUTH_USERNAME";
/// The resource owner's password.
pub(super) const PASSWORD: &str = "OAUTH_PASSWORD";
/// Where the client is sent back to.
pub(super) const REDIRECT_URI: &str = "OAUTH_REDIRECT_URI";
const SCOPE: &str = "OAUTH_SCOPE";

/// What a variable holds, if anything.
pub(super) fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Reads a variable, if it is set.
///
/// # Errors
/// `Usage` with its name, where it holds something else.
pub(super) fn read<T: FromStr<Err: Display>>(name: &str) -> Result<Option<T>, CliError> {
    text(name)
        .map(|text| {
            text.parse()
                .map_err(|error| CliError::Usage(format!("{name}: {error}")))
        })
        .transpose()
}

/// Whether the variables may be about this client, owner or server: `name` says so, or says nothing.
pub(super) fn may_be_of(name: &str, this: &str) -> bool {
    text(name).is_none_or(|text| text == this)
}

/// The redirect URI: the one that was given, else the variable where that is about this client.
///
/// # Errors
/// As [`read`].
pub(super) fn redirect_uri(
    given: Option<&RedirectUri>,
    client: &ClientId,
) -> Result<Option<RedirectUri>, CliError> {
    match given {
        Some(given) => Ok(Some(given.clone())),
        None if may_be_of(CLIENT, client.as_str()) => read(REDIRECT_URI),
        None => Ok(None),
    }
}

/// What is asked for: what was given, else the variable where that is about this client; none where neither says it.
///
/// # Errors
/// As [`read`].
pub(super) fn scope(given: &[ScopeSet], client: &ClientId) -> Result<Option<ScopeSet>, CliError> {
    if !given.is_empty() {
        return Ok(Some(given.iter().flat_map(|set| set.iter().cloned()).collect()));
    }
    if !may_be_of(CLIENT, client.as_str()) {
        return Ok(None);
    }
    read(SCOPE)
}
