//! What answers requests: routes them to endpoints, with what all endpoints share.

use std::net::SocketAddr;
use std::sync::Arc;

use super::cookie::CookiePolicy;
use super::endpoints::{account, authorize, check, health, introspect, logout, metadata, revoke, token};
use super::header_value::HeaderValue;
use super::listener::Handler;
use super::pages::Pages;
use super::request::Request;
use super::response::Response;
use super::router::{Endpoint, endpoint};
use crate::authorization_server::AuthorizationServer;
use crate::clock::Stopwatch;
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
    /// Whether error pages tell a developer what is registered: only where nobody else can ask.
    pub developer_details: bool,
}

impl App {
    /// Over the use cases; `listening` is where the server listens.
    pub fn new(
        server: Arc<AuthorizationServer>,
        title: &str,
        request_from: RequestFrom,
        listening: SocketAddr,
    ) -> Self {
        let cookies = CookiePolicy::new(server.issuer());
        let developer_details = listening.ip().is_loopback() && !server.issuer().is_https();
        Self {
            server,
            pages: Pages::new(title),
            cookies,
            request_from,
            developer_details,
        }
    }

    /// The path of an endpoint as the browser sees it.
    pub fn path(&self, endpoint: &str) -> String {
        format!("{}{endpoint}", self.server.issuer().path())
    }
}

impl Handler for App {
    fn handle(&self, request: Request) -> Response {
        let watch = Stopwatch::start();
        let response = self.route(&request);
        // Neither the query nor any header: those hold codes, tokens and secrets.
        tracing::debug!(
            method = request.method(),
            path = request.path(),
            status = response.status(),
            microseconds = watch.elapsed().as_micros(),
            "answered"
        );
        response
    }
}

impl App {
    fn route(&self, request: &Request) -> Response {
        let Some(endpoint) = endpoint(request.path(), self.server.issuer()) else {
            return Response::text(404, "not found\n");
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
            Endpoint::Health => health::alive(),
            Endpoint::Ready => health::ready(self),
        }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
