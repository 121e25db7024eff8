//! `serve`: the server.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::context::Context;
use super::exit::CliError;
use super::health_listener::HealthListener;
use super::housekeeping::Housekeeping;
use super::{listening, log};
use crate::config::{RequestFrom as Configured, Settings};
use crate::domain::issuer::Issuer;
use crate::http::app::App;
use crate::http::listener::{Listener, Stop};
use crate::protocol::check_request::RequestFrom;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  oauthctl serve\n  \
    oauthctl serve --listen 127.0.0.1:0                     # a free port; the first line on stderr says which\n  \
    oauthctl serve --issuer https://id.example              # behind a TLS proxy on this machine")]
pub(super) struct Opts {
    /// Address to listen on [default: 127.0.0.1:8420]; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(super) listen: Option<SocketAddr>,
    /// What the server calls itself [default: the address, as http]
    #[arg(long, value_name = "URL")]
    pub(super) issuer: Option<Issuer>,
}

pub(super) fn run(context: &mut Context<'_>) -> Result<(), CliError> {
    let _log = log::start(context)?;
    let address = context.settings.server.listen;
    if !address.ip().is_loopback() {
        return Err(CliError::Usage(format!(
            "{address} can be reached from other machines, and without TLS secrets would travel in clear; listen on \
             127.0.0.1 and put a TLS proxy in front"
        )));
    }
    let listener = Listener::bind(address, listening::limits(&context.settings))
        .map_err(CliError::io(format!("listen on {address}")))?;
    let bound = listener.local_addr().map_err(CliError::io("find the port"))?;
    let server = Arc::new(context.server_at(bound)?);
    let is_empty = server.clients()?.is_empty();
    let housekeeping =
        Housekeeping::start(&server, &context.settings.tokens).map_err(CliError::io("start a thread"))?;
    let mut app = app(&context.settings, server, bound);
    app.listeners.push(("main", listener.traffic()));
    let health = HealthListener::bind(&context.settings, &mut app)?;
    let app = Arc::new(app);
    stop_on_signal(listener.stop_handle())?;
    // The socket is bound, so whoever connects now is answered. A stderr that is closed does not keep anybody from it.
    let _ = writeln!(context.stderr, "listening on http://{bound}");
    let health = health.map(|health| health.start(&app)).transpose()?;
    if let Some(health) = &health {
        let _ = writeln!(context.stderr, "health and metrics on http://{}", health.address);
    }
    if is_empty {
        let _ = context.say_on_terminal("no client is registered yet; `oauthctl client register` makes one");
    }
    listener.run(app);
    drop(health);
    drop(housekeeping);
    Ok(())
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
    App::new(server, &settings.pages.title, request_from, bound)
}

/// SIGTERM and SIGINT let requests in flight finish. A second one does not wait.
pub(super) fn stop_on_signal(stop: Stop) -> Result<(), CliError> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(CliError::io("wait for signals"))?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for (count, signal) in signals.forever().enumerate() {
                if count > 0 {
                    std::process::exit(128 + signal);
                }
                stop.stop();
            }
        })
        .map_err(CliError::io("start a thread"))?;
    Ok(())
}
