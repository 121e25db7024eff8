//! `example caddy`: the check as `forward_auth`.

use clap::Args;
use minijinja::context as values;

use super::header_names::{ANOTHER_REQUEST, ANOTHER_SENDER, IDENTITY, PUNCTUATION};
use super::protected::{Front, Server, Upstreams, resource_values, trusted};
use super::template;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::exit::CliError;
use crate::config::RequestFrom;

#[derive(Debug, Args)]
pub(in crate::cli) struct Opts {
    #[command(flatten)]
    upstreams: Upstreams,
    #[command(flatten)]
    front: Front,
}

pub(super) fn document(opts: &Opts, context: &Context<'_>) -> Result<Document, CliError> {
    let server = Server::of(&opts.upstreams, context)?;
    let (listen, front) = (opts.front.listen, &opts.front);
    let site = match (front.tls_host()?, front.host()) {
        (Some(host), _) => format!("https://{host}:{}", listen.port()),
        (None, host) => format!("http://{}:{}", host.unwrap_or_default(), listen.port()),
    };
    template::fill(
        "Caddyfile",
        include_str!("caddyfile"),
        values! {
            site,
            bind => (!listen.ip().is_unspecified()).then(|| listen.ip().to_string()),
            is_tls => front.tls_host()?.is_some(),
            service => opts.upstreams.service.to_string(),
            check => format!("{}{}", server.origin, server.check(&opts.upstreams)),
            check_path => server.check(&opts.upstreams),
            resource => resource_values(&opts.upstreams),
            server_path => &server.path,
            server => server.origin.to_string(),
            server_is_https => server.origin.is_https(),
            service_is_https => opts.upstreams.service.is_https(),
            wants_original => context.settings.check.request_from == RequestFrom::Original,
            trusted => trusted(context),
            identity => IDENTITY,
            another_request => ANOTHER_REQUEST,
            another_sender => ANOTHER_SENDER,
            punctuation => PUNCTUATION.map(String::from),
        },
    )
}
