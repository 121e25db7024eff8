//! `serve`: the server.

mod development;
mod health_listener;
mod housekeeping;
mod open_files;
mod reload;
mod signals;
mod start_up;
mod supervision;
pub(super) mod tls;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use self::health_listener::HealthListener;
use self::housekeeping::Housekeeping;
pub(super) use self::housekeeping::WRITE_EVERY;
use self::reload::Reload;
use super::context::Context;
use super::exit::CliError;
use super::{listening, log};
use crate::config::{ConfigError, Loaded, Protection, RequestFrom as Configured, Settings};
use crate::domain::issuer::Issuer;
use crate::http::app::App;
use crate::http::listener::{Limits, Listener};
use crate::http::pages::Pages;
use crate::protocol::check_request::RequestFrom;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  oauthctl serve\n  \
    oauthctl serve --listen 127.0.0.1:0                     # a free port; the first line on stderr says which\n  \
    oauthctl serve --issuer https://id.example              # behind a TLS proxy on this machine\n  \
    oauthctl serve --dev                                    # at once, with clients and owners to try it with")]
pub(super) struct Opts {
    /// Address to listen on [default: 127.0.0.1:8420]; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(super) listen: Option<SocketAddr>,
    /// What the server calls itself [default: the address, as http, or https with TLS]
    #[arg(long, value_name = "URL")]
    pub(super) issuer: Option<Issuer>,
    /// A server to develop with, for this machine only: seeded from FILE (as `apply` reads it, with owners and secrets;
    /// `oauthctl example development` prints one) or from a built-in example, on a scratch database unless --database names
    /// a new one, or one that it made
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "not given, given alone, given with a file")]
    pub(super) dev: Option<Option<PathBuf>>,
}

pub(super) fn run(
    dev: Option<&Option<PathBuf>>,
    reread: impl Fn() -> Result<Result<Loaded, ConfigError>, CliError> + Send + 'static,
    loaded: &Loaded,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let log = log::start(context)?;
    let configured = context.settings.clone();
    let sockets = supervision::inherited_sockets()?;
    if let Some(socket) = &sockets.server {
        // What is set for an address is set for this one.
        context.settings.server.listen = socket.local_addr().map_err(CliError::io("find the port"))?;
    }
    // From here on a signal leaves nothing of it behind: it waits until the server runs, and ends it then.
    let caught = dev.map(|_| signals::catch()).transpose()?;
    let development = dev
        .map(|file| development::prepare(file.as_deref(), loaded, &sockets, context))
        .transpose()?;
    let settings = &context.settings;
    let address = settings.server.listen;
    let Some(protection) = settings.protection() else {
        return Err(CliError::Usage(unprotected(settings)));
    };
    let files = open_files::provide(&settings.limits, settings.database.readers);
    let limits = Limits {
        connections: files.connections,
        ..listening::limits(settings)
    };
    let listener = match sockets.server {
        Some(socket) => Listener::from_socket(socket, limits)
            .map_err(CliError::io("use the socket that the service manager passes"))?,
        None => Listener::bind(address, limits).map_err(CliError::io(format!("listen on {address}")))?,
    };
    let bound = listener.local_addr().map_err(CliError::io("find the port"))?;
    let tls = tls::load(settings, &context.issuer_at(bound)?)?;
    let server = Arc::new(match &development {
        Some(prepared) => {
            let server = context.server_by(Arc::clone(&prepared.clock) as _, context.issuer_at(bound)?)?;
            development::take(&server, context)?;
            server
        }
        None => context.server_at(bound)?,
    });
    let housekeeping =
        Housekeeping::start(&server, &context.settings.tokens).map_err(CliError::io("start a thread"))?;
    let mut app = app(&context.settings, Arc::clone(&server), bound);
    app.listeners.push(("main", listener.traffic()));
    let development = match development {
        Some(development) => {
            let (marked, running) = development.begin(app, &server, context)?;
            app = marked;
            Some(running)
        }
        None => None,
    };
    let health = HealthListener::open(sockets.health, &context.settings, &mut app)?;
    let app = Arc::new(app);
    let listener = listener
        .with_peers(listening::peers(&context.settings, protection))
        .with_tls(tls.clone());
    let scheme = if protection == Protection::Tls {
        "https"
    } else {
        "http"
    };
    let status = format!("listening on {scheme}://{bound}");
    let reload = Reload {
        reread: Box::new(reread),
        in_force: configured,
        levels: log.levels.clone(),
        tls: tls.clone(),
        status: status.clone(),
    };
    let caught = caught.map_or_else(signals::catch, Ok)?;
    signals::handle(caught, listener.stop_handle(), reload)?;
    // The socket is bound, so whoever connects now is answered. A stderr that is closed does not keep anybody from it.
    let _ = writeln!(context.stderr, "{status}");
    let health = health.map(|health| health.start(&app)).transpose()?;
    if !context.quiet {
        let health = health.as_ref().map(|health| health.address);
        start_up::tell(
            &server,
            loaded,
            protection,
            health,
            development.is_some(),
            context,
        )?;
    }
    if let Some(development) = &development {
        development.tell(context)?;
    }
    let watch = tls.as_ref().map(|tls| {
        tls.warn();
        tls::watch(tls)
    });
    if let Some(warning) = files.warning {
        tracing::warn!("{warning}");
    }
    let watchdog = supervision::keep_watched(&server).map_err(CliError::io("start a thread"))?;
    supervision::ready(&status);
    listener.run(app);
    drop((health, housekeeping, watch, watchdog, log));
    drop(server);
    development.map_or(Ok(()), development::Running::end)
}

/// Why `serve` would not start with these settings, as far as that can be told without binding an address.
pub(super) fn refusal(context: &Context<'_>) -> Option<String> {
    let settings = &context.settings;
    let listen = settings.server.listen;
    if settings.protection().is_none() {
        return Some(unprotected(settings));
    }
    if settings.server.health_listen == Some(listen) && listen.port() != 0 {
        return Some(format!(
            "`server.health_listen` is {listen}, where the server itself listens; give it another port"
        ));
    }
    let tls = context.issuer().and_then(|issuer| tls::load(settings, &issuer));
    tls.err().map(|error| error.to_string())
}

/// Why a server that others could listen to is not started, and what to do.
fn unprotected(settings: &Settings) -> String {
    let address = settings.server.listen;
    let advice = if settings.server.behind_proxy {
        "name the address of the proxy in `trusted_proxies` under [server], or set `certificate` and `private_key` \
         under [tls]"
    } else {
        "set `certificate` and `private_key` under [tls], or listen on 127.0.0.1 and put a TLS proxy in front"
    };
    format!(
        "{address} can be reached from other machines, and without TLS secrets would travel in clear; {advice}"
    )
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an IP address with a port is expected, such as `127.0.0.1:8420` or `[::1]:8420`")
}

/// The endpoints over the use cases, as the settings ask for.
pub(super) fn app(
    settings: &Settings,
    server: Arc<crate::authorization_server::AuthorizationServer>,
    bound: SocketAddr,
) -> App {
    let request_from = match settings.check.request_from {
        Configured::Either => RequestFrom::Either,
        Configured::Original => RequestFrom::Original,
        Configured::Forwarded => RequestFrom::Forwarded,
    };
    let trusted = settings.check.trust_forwarded_from.clone();
    let (pages, faults) = Pages::open(&settings.pages);
    for fault in faults {
        tracing::warn!("{fault}; `oauthctl pages check` tells what is not used as it is");
    }
    let mut app = App::new(server, pages, request_from, trusted, bound);
    app.developer_details |= settings.pages.developer_details;
    if settings.server.behind_proxy {
        app.behind_proxies(settings.server.trusted_proxies.clone())
    } else {
        app
    }
}
