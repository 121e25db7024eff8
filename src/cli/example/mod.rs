//! `example`: files that are ready to be put where they belong, for the settings in force; and programs to begin a client with.

mod apache;
mod caddy;
mod client;
mod cron;
mod development;
mod header_names;
mod housekeeping;
mod nginx;
mod origin;
mod protected;
mod systemd;
mod template;
mod traefik;

use clap::Subcommand;

use super::context::Context;
use super::document;
use super::exit::CliError;
use crate::config::Loaded;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The housekeeping of every night: lines for a crontab
    #[command(after_help = "Examples:\n  oauthctl example cron\n  \
        (crontab -l; oauthctl example cron) | crontab -")]
    Cron,
    /// The server as a hardened service for systemd, its socket, and the housekeeping of every night with its timer
    #[command(after_help = "Examples:\n  oauthctl example systemd\n  \
        oauthctl example systemd -o json | jq -r '.[] | select(.file == \"oauthctl.service\").content'")]
    Systemd,
    /// A service behind nginx, which asks the check before each request
    #[command(
        after_help = "Examples:\n  oauthctl example nginx --service http://127.0.0.1:3000\n  \
        oauthctl example nginx --listen 0.0.0.0:443 --host api.example.com >/etc/nginx/conf.d/api.conf\n\n\
        With the variables of `oauthctl serve --dev` set, that is the server which is asked."
    )]
    Nginx(nginx::Opts),
    /// A service behind Caddy, which asks the check before each request
    #[command(
        after_help = "Examples:\n  oauthctl example caddy --service http://127.0.0.1:3000\n  \
        oauthctl example caddy --listen 0.0.0.0:443 --host api.example.com >>/etc/caddy/Caddyfile"
    )]
    Caddy(caddy::Opts),
    /// A service behind Traefik, which asks the check before each request
    #[command(
        after_help = "Example:\n  oauthctl example traefik --host api.example.com >/etc/traefik/dynamic/api.toml"
    )]
    Traefik(traefik::Opts),
    /// A service behind Apache, which introspects each token and looks at its scope
    #[command(after_help = "Examples:\n  oauthctl example apache --scope orders:read\n  \
        oauthctl example apache --listen 0.0.0.0:443 --host api.example.com >/etc/apache2/sites-available/api.conf")]
    Apache(apache::Opts),
    /// A client: a program that gets an access token, with a library of its language
    #[command(
        after_help = "Examples:\n  oauthctl example client orders-web --for authlib >client.py\n  \
        oauthctl run -- sh -c 'oauthctl example client --for curl >client.sh && sh client.sh'\n\n\
        The secret is not in it: it comes from the variable OAUTH_CLIENT_SECRET."
    )]
    Client(client::Opts),
    /// A file for `serve --dev` and `run --seed` with secrets and passwords of its own, so that each start has the same
    #[command(
        after_help = "Examples:\n  oauthctl example development >dev.toml\n  oauthctl serve --dev dev.toml\n  \
        oauthctl serve --dev dev.toml --database dev.db      # keeps tokens too"
    )]
    Development,
}

pub(super) fn run(command: &Command, loaded: &Loaded, context: &mut Context<'_>) -> Result<(), CliError> {
    let document = match command {
        Command::Cron => cron::document(&housekeeping::lines(loaded, context)?),
        Command::Systemd => {
            let documents = systemd::documents(loaded, context)?;
            return document::print_all(&documents, context);
        }
        Command::Nginx(opts) => nginx::document(opts, context)?,
        Command::Caddy(opts) => caddy::document(opts, context)?,
        Command::Traefik(opts) => traefik::document(opts, context)?,
        Command::Apache(opts) => apache::document(opts, context)?,
        Command::Client(opts) => client::document(opts, context)?,
        Command::Development => development::document()?,
    };
    document::print(&document, context)
}
