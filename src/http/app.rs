//! What answers requests: routes them to endpoints, with what all endpoints share.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::client_address::{FORWARDED_FOR, client_address};
use super::cookie::CookiePolicy;
use super::development::Development;
use super::endpoints::{
    account, authorize, check, health, introspect, logout, metadata, metrics, resource_metadata, revoke,
    token,
};
use super::header_value::HeaderValue;
use super::listener::{Handler, Traffic};
use super::metrics::{Metrics, NO_ENDPOINT};
use super::pages::{Pages, Spoken};
use super::request::Request;
use super::response::Response;
use super::router::{Endpoint, endpoint};
use crate::authorization_server::AuthorizationServer;
use crate::clock::Stopwatch;
use crate::domain::network::Networks;
use crate::protocol::check_request::RequestFrom;

/// What the endpoints share.
pub struct App {
    /// The use cases.
    pub server: Arc<AuthorizationServer>,
    /// The templates.
    pub pages: Pages,
    /// How the session cookie is named and set.
    pub cookies: CookiePolicy,
    /// Which pair of headers the check believes.
    pub request_from: RequestFrom,
    /// Where connections come from whose headers the check believes.
    pub trust_forwarded_from: Networks,
    /// Whether error pages tell a developer what is registered: only where nobody else can ask.
    pub developer_details: bool,
    /// What was answered.
    pub metrics: Metrics,
    /// The listeners that are measured, by name.
    pub listeners: Vec<(&'static str, Traffic)>,
    /// Whether metrics have an address of their own; then the main one does not tell them.
    pub metrics_are_elsewhere: bool,
    /// What a development server does besides; none at any other.
    pub development: Option<Arc<Development>>,
    /// Whose `X-Forwarded-For` is believed; `None` where there is no proxy.
    proxies: Option<Networks>,
    /// Whether it was said that there seems to be one.
    proxy_noticed: AtomicBool,
}

impl App {
    /// Over the use cases; `listening` is where the server listens.
    pub fn new(
        server: Arc<AuthorizationServer>,
        pages: Pages,
        request_from: RequestFrom,
        trust_forwarded_from: Networks,
        listening: SocketAddr,
    ) -> Self {
        let cookies = CookiePolicy::new(server.issuer());
        let developer_details = listening.ip().is_loopback() && !server.issuer().is_https();
        Self {
            server,
            pages,
            cookies,
            request_from,
            trust_forwarded_from,
            developer_details,
            metrics: Metrics::new(),
            listeners: Vec::new(),
            metrics_are_elsewhere: false,
            development: None,
            proxies: None,
            proxy_noticed: AtomicBool::new(false),
        }
    }

    /// Behind proxies, which name their callers.
    #[must_use]
    pub fn behind_proxies(mut self, proxies: Networks) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// The address of whoever asks: the connection's, or what a proxy that is trusted says.
    pub fn client_address(&self, request: &Request) -> IpAddr {
        let peer = request.peer().ip();
        let mut forwarded = request.headers_named(FORWARDED_FOR);
        if let Some(trusted) = &self.proxies {
            return client_address(peer, forwarded, trusted);
        }
        if peer.is_loopback()
            && forwarded.next().is_some()
            && !self.proxy_noticed.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "a proxy on this machine names its callers in X-Forwarded-For, which is not believed: all of them \
                 count as one address when wrong passwords are throttled; set behind_proxy = true under [server]"
            );
        }
        peer
    }

    /// At a development server, whose pages say so.
    #[must_use]
    pub fn for_development(mut self, development: Arc<Development>) -> Self {
        self.pages = self.pages.for_development();
        self.development = Some(development);
        self
    }

    /// The pages in the language of whoever asks.
    pub fn spoken(&self, request: &Request) -> Spoken<'_> {
        self.pages.spoken(request.header("Accept-Language"))
    }

    /// The path of an endpoint as the browser sees it.
    pub fn path(&self, endpoint: &str) -> String {
        format!("{}{endpoint}", self.server.issuer().path())
    }
}

impl Handler for App {
    fn handle(&self, request: Request) -> Response {
        self.answer(&request, |endpoint| {
            endpoint != Endpoint::Metrics
                || (!self.metrics_are_elsewhere
                    && self.proxies.is_none()
                    && metrics::is_asked_from_here(&request))
        })
    }
}

impl App {
    /// Answers at an address that has the endpoints for which `is_here`.
    pub fn answer(&self, request: &Request, is_here: impl FnOnce(Endpoint) -> bool) -> Response {
        let watch = Stopwatch::start();
        let endpoint = endpoint(request.path(), self.server.issuer()).filter(|&endpoint| is_here(endpoint));
        let response = match &self.development {
            None => self.route(request, endpoint),
            Some(development) => development.answer(self, request, endpoint),
        };
        let took = watch.elapsed();
        let name = endpoint.map_or(NO_ENDPOINT, Endpoint::name);
        self.metrics.answered(name, response.status(), took);
        log(request, endpoint, response.status(), took);
        response
    }

    pub(super) fn route(&self, request: &Request, endpoint: Option<Endpoint>) -> Response {
        let Some(endpoint) = endpoint else {
            // Most who come here know the addresses of another server.
            let addresses = self.server.issuer().metadata_url();
            return Response::text(
                404,
                &format!("not found; the addresses of this server are in {addresses}\n"),
            );
        };
        if !endpoint.answers(request.method()) {
            return Response::text(405, "method not allowed\n")
                .header("Allow", HeaderValue::from_static(endpoint.methods()));
        }
        match endpoint {
            Endpoint::Authorize => authorize::handle(self, request),
            Endpoint::Token(implied) => token::handle(self, request, implied),
            Endpoint::Revoke => revoke::handle(self, request),
            Endpoint::Introspect => introspect::handle(self, request),
            Endpoint::Check => check::handle(self, request),
            Endpoint::Account => account::handle(self, request),
            Endpoint::Logout => logout::handle(self, request),
            Endpoint::Metadata => metadata::handle(self),
            Endpoint::ResourceMetadata => resource_metadata::handle(self, request),
            Endpoint::Health => health::alive(),
            Endpoint::Ready => health::ready(self),
            Endpoint::Metrics => metrics::handle(self),
        }
    }
}

/// One line for a request: at `info` where it changed or refused something, else at `debug`. What it was about stands in
/// its span.
///
/// Neither the path nor the query, no header and no body: those hold codes, tokens and secrets.
fn log(request: &Request, endpoint: Option<Endpoint>, status: u16, took: Duration) {
    let name = endpoint.map_or(NO_ENDPOINT, Endpoint::name);
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let peer = request.peer().ip();
    if is_news(endpoint, status) {
        tracing::info!(endpoint = name, status, microseconds, %peer, "answered");
    } else {
        tracing::debug!(endpoint = name, status, microseconds, %peer, "answered");
    }
}

/// Whether an answer tells of a change or a refusal. What is asked all the time, and answered by a look, does not.
fn is_news(endpoint: Option<Endpoint>, status: u16) -> bool {
    match endpoint {
        // Scanners fill a log with paths that name nothing. That the server became unready is told once by itself.
        None | Some(Endpoint::Health | Endpoint::Ready | Endpoint::Metrics) => false,
        Some(Endpoint::Token(_) | Endpoint::Revoke | Endpoint::Logout) => true,
        Some(
            Endpoint::Authorize
            | Endpoint::Account
            | Endpoint::Introspect
            | Endpoint::Metadata
            | Endpoint::ResourceMetadata,
        ) => status != 200,
        // A token that may not is the daily work of a check; a proxy that asks wrongly is not.
        Some(Endpoint::Check) => !matches!(status, 200 | 401 | 403),
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
