//! `example client`: a program that gets an access token, with somebody else's library and this server's values.

use clap::{Args, ValueEnum};
use minijinja::context as values;
use serde_json::Value;

use super::template;
use crate::cli::at_hand::{self, OwnServer, USUAL_REDIRECT_URI};
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::exit::CliError;
use crate::cli::parties::client::url;
use crate::cli::{complete, shell, variables};
use crate::domain::client::{Client, ClientId};
use crate::domain::issuer::Issuer;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;

/// The port of the redirect URI of `curl`, where none is registered. Nothing listens there.
const NOBODY: u16 = 9000;

/// What the code is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Library {
    /// Python
    Authlib,
    /// JavaScript
    OpenidClient,
    /// JavaScript
    Oauth4webapi,
    /// Rust
    Oauth2,
    /// A shell script
    Curl,
}

impl Library {
    /// The name of the file, and the template.
    fn template(self) -> (&'static str, &'static str) {
        match self {
            // A module named as the library would be imported in its place.
            Self::Authlib => ("authlib_client.py", include_str!("authlib.py")),
            Self::OpenidClient => ("openid-client.mjs", include_str!("openid-client.mjs")),
            Self::Oauth4webapi => ("oauth4webapi.mjs", include_str!("oauth4webapi.mjs")),
            Self::Oauth2 => ("main.rs", include_str!("oauth2.rs")),
            Self::Curl => ("curl.sh", include_str!("curl.sh")),
        }
    }
}

// Beside a mistake the library would take for required whatever was given.
#[derive(Debug, Args)]
#[command(override_usage = "oauthctl example client [OPTIONS] --for <LIBRARY> [CLIENT]")]
pub(in crate::cli) struct Opts {
    // Variables are read by hand: they are about one client, and about no other.
    #[arg(help = "Which client [env: OAUTH_CLIENT_ID] [default: the only one that is registered]")]
    #[arg(value_name = "CLIENT", add = complete::any_of(&[complete::Kind::Client]))]
    client: Option<ClientId>,
    /// The library
    #[arg(long = "for", value_enum, value_name = "LIBRARY")]
    library: Library,
    #[arg(
        help = "The server that the client is registered at [env: OAUTH_ISSUER] [default: the server of the settings]"
    )]
    #[arg(long, value_name = "URL")]
    issuer: Option<Issuer>,
    #[arg(
        help = "Where the answer is sent to [env: OAUTH_REDIRECT_URI] [default: one on this machine that the client has registered]"
    )]
    #[arg(long, value_name = "URI")]
    redirect_uri: Option<RedirectUri>,
    #[arg(
        help = "What to ask for, separated by spaces [env: OAUTH_SCOPE] [default: everything that the client may have]"
    )]
    #[arg(long, value_name = "SCOPE", add = complete::any_of(&[complete::Kind::Scope]))]
    scope: Vec<ScopeSet>,
}

/// What a program has to know.
struct Registered {
    issuer: Issuer,
    client: ClientId,
    redirect_uri: RedirectUri,
    /// The redirect URI where it was asked for.
    asked: Option<RedirectUri>,
    scope: ScopeSet,
}

pub(super) fn document(opts: &Opts, context: &Context<'_>) -> Result<Document, CliError> {
    let registered = registered(opts, context)?;
    let (file, template) = opts.library.template();
    let redirect_uri = registered.redirect_uri.as_str();
    let is_curl = opts.library == Library::Curl;
    let can_listen = registered.redirect_uri.is_loopback_http() && !redirect_uri.contains('?');
    if !is_curl && !can_listen {
        return Err(CliError::Usage(format!(
            "the program waits for the answer on this machine, at a path without a query, and {redirect_uri} is none such; \
             `oauthctl client update {} --add-redirect-uri {USUAL_REDIRECT_URI}` adds one, \
             and `--for curl` needs none",
            shell::word(registered.client.as_str())
        )));
    }
    let host = registered.redirect_uri.host();
    let path = redirect_uri
        .strip_prefix(registered.redirect_uri.origin())
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    // A browser must not end at a port on which somebody answers.
    let fixed = if redirect_uri == format!("http://{host}{path}") {
        format!("http://{host}:{NOBODY}{path}")
    } else {
        redirect_uri.to_owned()
    };
    // The server does not mind the port, and so nobody need have the registered one free; but one that was asked for is meant.
    let asked = registered.asked.as_ref().map_or("", RedirectUri::origin);
    let (_, port) = asked.split_at(format!("http://{host}").len().min(asked.len()));
    let scope = registered.scope.to_string();
    let issuer = registered.issuer.as_str();
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", registered.client.as_str()),
        ("redirect_uri", &fixed),
    ];
    parameters.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    let query = url("", &parameters);
    let encoded: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
    template::fill(
        file,
        template,
        values! {
            issuer_text => issuer,
            is_http => !registered.issuer.is_https(),
            issuer => literal(issuer),
            metadata_url => literal(&registered.issuer.metadata_url()),
            client_id => literal(registered.client.as_str()),
            scope => literal(&scope),
            redirect_host => literal(host),
            listen_host => literal(host.trim_start_matches('[').trim_end_matches(']')),
            is_ipv6 => host.starts_with('['),
            listen_port => port.strip_prefix(':').unwrap_or("0"),
            redirect_path => literal(path),
            issuer_word => shell::word(issuer),
            issuer_encoded => shell::word(&encoded),
            client_id_word => shell::word(registered.client.as_str()),
            redirect_uri_word => shell::word(&fixed),
            query_word => shell::word(query.trim_start_matches('?')),
        },
    )
}

/// A text of printable ASCII as a literal: Python, JavaScript and Rust read what JSON writes.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

/// From the database where that is here, else from the options and the environment alone.
fn registered(opts: &Opts, context: &Context<'_>) -> Result<Registered, CliError> {
    let client = match &opts.client {
        Some(client) => Some(client.clone()),
        None => variables::read(variables::CLIENT)?,
    };
    let named: Option<Issuer> = match &opts.issuer {
        Some(issuer) => Some(issuer.clone()),
        None => variables::read(variables::ISSUER)?,
    };
    let own = OwnServer::of(context)?;
    let or_scope = |error, id: &ClientId| at_hand::or_scope(error, &opts.scope, id, context);
    let client = match (named, client) {
        (None, Some(id)) => {
            let found = context.server()?.client(&id);
            found.map_err(|error| or_scope(error.into(), &id))?
        }
        (None, None) => only_client(context)?,
        (Some(_), None) => {
            return Err(CliError::Usage(
                "say which client: `oauthctl example client CLIENT --for …`".to_owned(),
            ));
        }
        (Some(issuer), Some(id)) => {
            let found = own.client(issuer.as_str(), &id, context);
            match found.map_err(|error| or_scope(error, &id))? {
                Some(client) => client,
                None => return elsewhere(opts, issuer, id),
            }
        }
    };
    let uris = &client.settings.redirect_uris;
    let known = uris.iter().find(|uri| uri.is_loopback_http()).or(uris.first());
    let asked = variables::redirect_uri(opts.redirect_uri.as_ref(), &client.id)?;
    Ok(Registered {
        issuer: own.issuer,
        redirect_uri: asked
            .as_ref()
            .or(known)
            .cloned()
            .map_or_else(at_hand::usual_redirect_uri, Ok)?,
        asked,
        scope: variables::scope(&opts.scope, &client.id)?.unwrap_or(client.settings.scopes),
        client: client.id,
    })
}

/// At a server whose database is not here.
fn elsewhere(opts: &Opts, issuer: Issuer, client: ClientId) -> Result<Registered, CliError> {
    let asked = variables::redirect_uri(opts.redirect_uri.as_ref(), &client)?;
    Ok(Registered {
        issuer,
        redirect_uri: asked.clone().map_or_else(at_hand::usual_redirect_uri, Ok)?,
        asked,
        scope: variables::scope(&opts.scope, &client)?.unwrap_or_default(),
        client,
    })
}

fn only_client(context: &Context<'_>) -> Result<Client, CliError> {
    let mut clients = context.server()?.clients()?;
    match (clients.pop(), clients.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(CliError::Usage(
            "no clients yet; `oauthctl client register` makes one".to_owned(),
        )),
        (Some(_), others) => Err(CliError::Usage(format!(
            "{} clients are registered; say which: `oauthctl example client CLIENT --for …`",
            others + 1
        ))),
    }
}
