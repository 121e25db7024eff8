//! `GET /.well-known/oauth-protected-resource` and beneath (RFC 9728 §3): the metadata of each registered resource.
//!
//! They are to be found at the resource's own host, with the well-known part between host and path; the proxy in front
//! of the resource passes these requests on with the `Host` that they came with. Path and `Host` say which resource is
//! meant. Whoever sends another `Host` learns nothing by it: the document is public, and says no more than what is
//! registered. `X-Forwarded-Host` is not read, so that a cache which goes by the host cannot be made to keep the
//! document of one resource for another.
//!
//! `scopes_supported` is left out: a scope is not tied to a resource here, and a client that took all scopes for its own
//! would ask for some that it may not have. One that asks for none gets all that it may.

use serde_json::json;

use crate::http::app::App;
use crate::http::error::failed;
use crate::http::header_value::HeaderValue;
use crate::http::request::Request;
use crate::http::response::Response;

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let host = request.header("Host").unwrap_or_default();
    let found = match app.server.resource_described_at(host, request.path()) {
        Ok(found) => found,
        Err(error) => return failed(&error.into()),
    };
    let Some((server, resource)) = found.and_then(|server| server.resource.clone().map(|of| (server, of)))
    else {
        return Response::text(404, "no resource of this host and path is registered\n");
    };
    let metadata = json!({
        "resource": resource.as_str(),
        "authorization_servers": [app.server.issuer().as_str()],
        "bearer_methods_supported": ["header"],
        "resource_name": server.name.as_str(),
    });
    Response::json(200, &metadata).header("X-Content-Type-Options", HeaderValue::from_static("nosniff"))
}
