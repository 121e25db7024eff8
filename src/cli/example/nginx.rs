//! `example nginx`: the check as `auth_request`.

use clap::Args;
use minijinja::context as values;

use super::header_names::{ANOTHER_REQUEST, ANOTHER_SENDER, IDENTITY, underscored};
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
    let (method, uri) = match context.settings.check.request_from {
        RequestFrom::Either | RequestFrom::Original => ("X-Original-Method", "X-Original-URI"),
        RequestFrom::Forwarded => ("X-Forwarded-Method", "X-Forwarded-Uri"),
    };
    let identity = IDENTITY.map(|name| {
        let variable = name.to_ascii_lowercase().replace('-', "_");
        let others = underscored(name)
            .iter()
            .map(|spelling| format!("proxy_set_header {spelling} \"\";"))
            .collect::<Vec<_>>()
            .join(" ");
        values! { name, variable, others }
    });
    let scheme = if server.origin.is_https() { "https" } else { "http" };
    template::fill(
        "oauthctl.conf",
        include_str!("nginx.conf"),
        values! {
            service => opts.upstreams.service.to_string(),
            service_is_https => opts.upstreams.service.is_https(),
            service_host => opts.upstreams.service.host(),
            listen => opts.front.listen.to_string(),
            host => opts.front.host(),
            tls_host => opts.front.tls_host()?,
            check => format!("{}{}", server.origin, server.check(&opts.upstreams)),
            resource => resource_values(&opts.upstreams),
            server_path => &server.path,
            server => server.origin.host_and_port(),
            server_host => server.origin.host(),
            server_is_https => server.origin.is_https(),
            server_pass => format!("{scheme}://oauthctl"),
            check_path => server.check(&opts.upstreams),
            trusted => trusted(context),
            method, uri, identity,
            another_request => ANOTHER_REQUEST,
            another_sender => ANOTHER_SENDER,
        },
    )
}
