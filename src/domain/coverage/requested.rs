//! What a resource server asks for.

use std::fmt;

use super::method::Method;
use super::request_path::RequestPath;
use super::service::ServiceName;

/// What is asked for at stage 8: a service by its name, or an HTTP request.
///
/// A request whose path is `/invoke/folder.sub:service` or `/invoke/folder.sub/service`, and nothing more, asks
/// for that service too, whatever its method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested(Asked);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Service(ServiceName),
    Request {
        method: Method,
        path: RequestPath,
        implied: Option<ServiceName>,
    },
}

impl Requested {
    /// A service is asked for by its name.
    pub fn service(name: ServiceName) -> Self {
        Self(Asked::Service(name))
    }

    /// An HTTP request wants to pass.
    pub fn request(method: Method, path: RequestPath) -> Self {
        let implied = implied_service(&path);
        Self(Asked::Request {
            method,
            path,
            implied,
        })
    }

    /// The service that is asked for, by name or by the path of the request.
    pub fn service_name(&self) -> Option<&ServiceName> {
        match &self.0 {
            Asked::Service(name) => Some(name),
            Asked::Request { implied, .. } => implied.as_ref(),
        }
    }

    /// The method and path, where an HTTP request asks.
    pub fn method_and_path(&self) -> Option<(&Method, &RequestPath)> {
        match &self.0 {
            Asked::Service(_) => None,
            Asked::Request { method, path, .. } => Some((method, path)),
        }
    }
}

/// Shown as `service orders:list` or `GET /orders/1`.
impl fmt::Display for Requested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Asked::Service(name) => write!(f, "service {name}"),
            Asked::Request { method, path, .. } => write!(f, "{method} {path}"),
        }
    }
}

/// The service that a path names. A text that is no name of a service implies none, and only routes can cover it.
fn implied_service(path: &RequestPath) -> Option<ServiceName> {
    match path.segments() {
        [invoke, name] if invoke == "invoke" => name.parse().ok(),
        [invoke, folder, service] if invoke == "invoke" => format!("{folder}:{service}").parse().ok(),
        _ => None,
    }
}
