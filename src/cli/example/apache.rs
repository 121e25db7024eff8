//! `example apache`: `mod_auth_openidc` as an OAuth 2.0 resource server, by introspection.

use std::path::PathBuf;

use clap::Args;
use minijinja::context as values;

use super::header_names::{ANOTHER_REQUEST, ANOTHER_SENDER, IDENTITY, PROXYS_OWN, underscored};
use super::protected::{Front, Server, Upstreams, resource_values};
use super::template;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::exit::CliError;
use crate::domain::scope::ScopeToken;

#[derive(Debug, Args)]
pub(in crate::cli) struct Opts {
    #[command(flatten)]
    upstreams: Upstreams,
    #[command(flatten)]
    front: Front,
    /// The scope that a token must have
    #[arg(long, value_name = "SCOPE", default_value = "orders:read")]
    scope: ScopeToken,
    /// The file with what Apache authenticates itself with; what makes it is in the output
    #[arg(long, value_name = "FILE", default_value = "/etc/apache2/oauthctl-credentials.conf", value_parser = plain_path)]
    credentials: PathBuf,
}

/// An absolute path that is one word in a configuration and in a shell.
fn plain_path(text: &str) -> Result<PathBuf, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    if text.starts_with('/') && text.bytes().all(is_plain) {
        Ok(text.into())
    } else {
        Err("an absolute path of letters, digits, `-`, `_`, `.` and `/` is expected")
    }
}

pub(super) fn document(opts: &Opts, context: &Context<'_>) -> Result<Document, CliError> {
    let server = Server::of(&opts.upstreams, context)?;
    let remove: Vec<String> = IDENTITY
        .iter()
        .chain(&ANOTHER_REQUEST)
        .chain(&ANOTHER_SENDER)
        .chain(&PROXYS_OWN)
        .flat_map(|name| [vec![(*name).to_owned()], underscored(name)].concat())
        .collect();
    let listen = opts.front.listen;
    let issuer = context.issuer()?;
    // The module takes no http URL for the introspection endpoint; the URL of the metadata may be one, and so may the
    // endpoint that stands there.
    let (introspect, metadata) = if server.origin.is_https() {
        (server.url("/introspect"), None)
    } else if issuer.is_https() {
        (issuer.endpoint("/introspect"), None)
    } else {
        let well_known = format!(
            "{}/.well-known/oauth-authorization-server{}",
            server.origin, server.path
        );
        (server.url("/introspect"), Some(well_known))
    };
    template::fill(
        "oauthctl.conf",
        include_str!("apache.conf"),
        values! {
            service => opts.upstreams.service.to_string(),
            service_is_https => opts.upstreams.service.is_https(),
            listen => listen.to_string(),
            host => opts.front.host(),
            tls_host => opts.front.tls_host()?,
            introspect, metadata,
            resource => resource_values(&opts.upstreams),
            credentials => opts.credentials.display().to_string(),
            scope => opts.scope.as_str(),
            scope_pattern => literal(opts.scope.as_str()),
            remove,
        },
    )
}

/// A regular expression (PCRE) that matches the text and nothing else, within double quotes of Apache, which take one
/// backslash of each two.
fn literal(text: &str) -> String {
    // A scope token has no `"` and no `\` (RFC 6749 §3.3); `$` and `%` would be looked up by Apache.
    let character = |character| match character {
        'A'..='Z' | 'a'..='z' | '0'..='9' | ':' | '_' | '-' | '/' | ',' | '@' => String::from(character),
        other => format!("\\\\x{:02x}", u32::from(other)),
    };
    text.chars().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_matched_as_it_stands() {
        assert_eq!(literal("orders:read"), "orders:read");
        assert_eq!(literal("a.b*${X}%"), r"a\\x2eb\\x2a\\x24\\x7bX\\x7d\\x25");
    }

    #[test]
    fn the_file_of_credentials_is_one_word() {
        assert!(plain_path("/etc/apache2/a-b_c.conf").is_ok());
        for bad in ["", "a.conf", "/a b", "/a\"", "/$(a)", "/a\n"] {
            assert!(plain_path(bad).is_err(), "{bad:?}");
        }
    }
}
