//! `example traefik`: the check as `forwardAuth`.

use clap::Args;
use minijinja::context as values;

use super::header_names::{ANOTHER_REQUEST, ANOTHER_SENDER, IDENTITY, underscored};
use super::origin::ServerName;
use super::protected::{Server, Upstreams, resource_values, trusted};
use super::template;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::exit::CliError;
use crate::config::RequestFrom;

#[derive(Debug, Args)]
pub(in crate::cli) struct Opts {
    #[command(flatten)]
    upstreams: Upstreams,
    /// The name by which clients reach the service, by TLS
    #[arg(long, value_name = "NAME", default_value = "api.example.com")]
    host: ServerName,
    /// The entry point of the static configuration
    #[arg(long, value_name = "NAME", default_value = "websecure", value_parser = entry_point)]
    entry_point: String,
}

fn entry_point(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 letters, digits, `-` and `_` are expected")
    }
}

pub(super) fn document(opts: &Opts, context: &Context<'_>) -> Result<Document, CliError> {
    if context.settings.check.request_from == RequestFrom::Original {
        // The pair that Traefik sets would not be read, and the one that is read would be the client's.
        return Err(CliError::Usage(
            "check.request_from is `original`, and Traefik says what is asked for in X-Forwarded-Method and \
             X-Forwarded-Uri: set it to `forwarded`"
                .to_owned(),
        ));
    }
    let server = Server::of(&opts.upstreams, context)?;
    let remove: Vec<String> = IDENTITY
        .iter()
        .chain(&ANOTHER_REQUEST)
        .chain(&ANOTHER_SENDER)
        .flat_map(|name| [vec![(*name).to_owned()], underscored(name)].concat())
        .chain(["Connection", "Upgrade"].map(str::to_owned))
        .collect();
    template::fill(
        "oauthctl.toml",
        include_str!("traefik.toml"),
        values! {
            host => opts.host.as_str(),
            entry_point => opts.entry_point.as_str(),
            service => opts.upstreams.service.to_string(),
            check => format!("{}{}", server.origin, server.check(&opts.upstreams)),
            resource => resource_values(&opts.upstreams),
            server => server.origin.to_string(),
            server_path => server.path,
            trusted => trusted(context),
            identity => IDENTITY,
            remove,
        },
    )
}
