//! What the configurations of all proxies share: the service, where clients reach it, and where the proxy reaches us.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use minijinja::context as values;

use super::origin::{NotAnOrigin, Origin, ServerName};
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::domain::issuer::Issuer;
use crate::domain::resource::{Resource, ResourceError};

/// Where a proxy reaches the service, and this server.
#[derive(Debug, Args)]
pub(super) struct Upstreams {
    /// The service to protect; nobody but the proxy may reach it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000", value_parser = service)]
    pub(super) service: Origin,
    /// The server that is asked, where it is another one than that of the settings
    #[arg(long, value_name = "URL", env = "OAUTH_ISSUER", hide_env_values = true)]
    pub(super) issuer: Option<Issuer>,
    /// Where the proxy reaches the server [default: the address it listens on, else its issuer]
    #[arg(long, value_name = "URL", value_parser = server)]
    pub(super) server: Option<Origin>,
    /// The resource that the service is, as it is registered: a token for another one is then refused
    #[arg(long, value_name = "URL", value_parser = plain_resource)]
    pub(super) resource: Option<Resource>,
}

fn service(text: &str) -> Result<Origin, String> {
    text.parse()
        .map_err(|error: NotAnOrigin| format!("{error}: the path of a request goes on as it came"))
}

fn server(text: &str) -> Result<Origin, &'static str> {
    text.parse().map_err(|_: NotAnOrigin| {
        "a URL of scheme, host and port is expected, such as `http://127.0.0.1:8420`; the path of the issuer is added to it"
    })
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address and a port are expected, such as `127.0.0.1:8080` or `[::1]:8080`")
}

/// A resource in characters that mean nothing else in any configuration, and that no proxy writes in another way.
fn plain_resource(text: &str) -> Result<Resource, String> {
    let resource: Resource = text.parse().map_err(|error: ResourceError| error.to_string())?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:[]".contains(&byte);
    let path = resource.metadata_path();
    if text.bytes().all(is_plain) && !path.contains("//") {
        return Ok(resource);
    }
    Err(
        "a configuration can be printed for a resource of letters, digits, `-`, `_`, `.`, `~` and single `/`"
            .to_owned(),
    )
}

/// What a configuration says of the resource that it protects.
pub(super) fn resource_values(upstreams: &Upstreams) -> Option<minijinja::Value> {
    let resource = upstreams.resource.as_ref()?;
    Some(values! {
        url => resource.as_str(),
        metadata_url => resource.metadata_url(),
        metadata_path => resource.metadata_path(),
    })
}

/// Where clients reach a proxy that says so in its configuration.
#[derive(Debug, Args)]
pub(super) struct Front {
    /// Where the proxy listens; with TLS unless it is this machine alone
    #[arg(long, value_name = "ADDR", value_parser = listen_address,
        default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))]
    pub(super) listen: SocketAddr,
    /// The name by which clients reach the service
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<ServerName>,
}

impl Front {
    /// The name where clients come by TLS; bearer tokens never travel in clear between machines (RFC 6750 §5.3).
    pub(super) fn tls_host(&self) -> Result<Option<&str>, CliError> {
        if self.listen.ip().is_loopback() {
            return Ok(None);
        }
        match &self.host {
            Some(host) => Ok(Some(host.as_str())),
            None => Err(CliError::Usage(format!(
                "clients on other machines reach {} by TLS, which needs a name: add `--host api.example.com`",
                self.listen
            ))),
        }
    }

    /// The name, where there is one.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_ref().map(ServerName::as_str)
    }
}

/// Where the proxy reaches this server.
#[derive(Debug)]
pub(super) struct Server {
    /// Scheme, host and port.
    pub(super) origin: Origin,
    /// The path of the issuer, beneath which the endpoints lie: empty, or such as `/oauth`.
    pub(super) path: String,
}

impl Server {
    /// As the options say, or the variables of a development server; else as the settings in force do.
    pub(super) fn of(upstreams: &Upstreams, context: &Context<'_>) -> Result<Self, CliError> {
        let (own, settings) = (context.issuer()?, &context.settings.server);
        let issuer = upstreams.issuer.as_ref().unwrap_or(&own);
        let listens_here = settings.listen.ip().is_loopback() || settings.listen.ip().is_unspecified();
        let has_port = settings.listen.port() != 0;
        // A certificate is for the name that the issuer has.
        let has_tls = context.settings.tls.files().is_some();
        // One without TLS is on this machine, where its issuer says.
        let is_named = upstreams
            .issuer
            .as_ref()
            .is_some_and(|named| !named.is_https() || *named != own);
        let origin = match &upstreams.server {
            Some(origin) => origin.clone(),
            None if listens_here && has_port && !has_tls && !is_named => {
                Origin::of_listen_address(settings.listen)
            }
            None if is_named || settings.issuer.is_some() || (has_tls && has_port) => {
                let url = issuer.as_str();
                let origin = url.strip_suffix(issuer.path()).unwrap_or(url);
                origin
                    .parse()
                    .map_err(|error| CliError::Usage(format!("{issuer}: {error}")))?
            }
            None => {
                return Err(CliError::Usage(
                    "the server takes a free port, which is not known yet: say where it is reached, \
                     `--server http://127.0.0.1:8420`"
                        .to_owned(),
                ));
            }
        };
        Ok(Self {
            origin,
            path: issuer.path().to_owned(),
        })
    }

    /// The URL of an endpoint, such as `/check`.
    pub(super) fn url(&self, endpoint: &str) -> String {
        format!("{}{}{endpoint}", self.origin, self.path)
    }

    /// Path and query of the check, which say at which resource it asks.
    pub(super) fn check(&self, upstreams: &Upstreams) -> String {
        let mut check = format!("{}/check", self.path);
        if let Some(resource) = &upstreams.resource {
            // Of the characters that `plain_resource` lets through, these do not belong into a query.
            let resource = resource.as_str().replace('[', "%5B").replace(']', "%5D");
            check.push_str("?resource=");
            check.push_str(resource.as_str());
        }
        check
    }
}

/// `check.trust_forwarded_from`, as people read it.
pub(super) fn trusted(context: &Context<'_>) -> String {
    let networks = &context.settings.check.trust_forwarded_from;
    if networks.is_empty() {
        return "nowhere".to_owned();
    }
    let shown: Vec<String> = networks.iter().map(ToString::to_string).collect();
    shown.join(", ")
}
