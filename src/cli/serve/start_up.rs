//! What is said on stderr when the server has started.

use std::net::SocketAddr;

use crate::authorization_server::AuthorizationServer;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::config::{Loaded, Protection};

/// The most clients that are named.
const NAMED: usize = 3;

/// One short block after the line that says where the server listens: what it is, and what is loose. A stderr that is
/// closed keeps nobody from being served.
pub(super) fn tell(
    server: &AuthorizationServer,
    loaded: &Loaded,
    protection: Protection,
    health: Option<SocketAddr>,
    is_development: bool,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let clients = server.clients()?;
    let settings = loaded.file.as_ref().map(|file| file.display().to_string());
    let mut lines = vec![
        ("issuer", server.issuer().to_string()),
        ("database", context.settings.database.path.display().to_string()),
        (
            "settings",
            settings.unwrap_or_else(|| "no file; `oauthctl config show`".to_owned()),
        ),
    ];
    if let Some(address) = health {
        lines.push(("health", format!("http://{address}")));
    }
    match protection {
        Protection::Tls => {}
        Protection::Loopback => lines.push(("loose", "no TLS: only this machine can connect".to_owned())),
        Protection::Proxy => {
            let proxies = context.settings.server.trusted_proxies.iter();
            let proxies: Vec<String> = proxies.map(ToString::to_string).collect();
            let only = format!("no TLS: only proxies at {} can connect", proxies.join(", "));
            lines.push(("loose", only));
        }
    }
    if health.is_some_and(|address| !address.ip().is_loopback()) {
        lines.push((
            "loose",
            "health and metrics can be read from other machines".to_owned(),
        ));
    }
    let without_pkce: Vec<&str> = clients
        .iter()
        .filter(|client| !client.settings.require_pkce)
        .map(|client| client.id.as_str())
        .collect();
    if let Some((first, rest)) = without_pkce.split_at_checked(NAMED.min(without_pkce.len()))
        && !first.is_empty()
    {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push((
            "loose",
            format!("PKCE is not required of {}{more}", first.join(", ")),
        ));
    }
    if !is_development && server.is_for_development()? {
        lines.push((
            "loose",
            "`serve --dev` made the database: its passwords and secrets were printed, and may stand in a file".to_owned(),
        ));
    }
    // A development server says which shell it takes, too.
    if clients.is_empty() && !is_development {
        lines.push((
            "next",
            "no client is registered yet; `oauthctl client register` makes one".to_owned(),
        ));
    }
    for (name, value) in lines {
        let _ = writeln!(context.stderr, "  {name:<9} {value}");
    }
    Ok(())
}
