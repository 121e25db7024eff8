//! `GET /.well-known/oauth-authorization-server` (RFC 8414).

use serde_json::json;

use crate::http::app::App;
use crate::http::error::failed;
use crate::http::header_value::HeaderValue;
use crate::http::response::Response;
use crate::protocol::prompt::Prompt;

pub(crate) fn handle(app: &App) -> Response {
    let scopes = match app.server.scopes() {
        Ok(scopes) => scopes,
        Err(error) => return failed(&error.into()),
    };
    let servers = match app.server.resource_servers() {
        Ok(servers) => servers,
        Err(error) => return failed(&error.into()),
    };
    let issuer = app.server.issuer();
    let authentication = ["client_secret_basic", "client_secret_post"];
    let mut metadata = json!({
        "issuer": issuer.as_str(),
        "authorization_endpoint": issuer.endpoint("/authorize"),
        "token_endpoint": issuer.endpoint("/token"),
        "revocation_endpoint": issuer.endpoint("/revoke"),
        "introspection_endpoint": issuer.endpoint("/introspect"),
        "scopes_supported": scopes.iter().map(|scope| scope.token.as_str()).collect::<Vec<_>>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": authentication,
        "introspection_endpoint_auth_methods_supported": authentication,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": Prompt::ALL.map(Prompt::as_str),
    });
    let resources: Vec<&str> = servers
        .iter()
        .filter_map(|server| Some(server.resource.as_ref()?.as_str()))
        .collect();
    // RFC 9728 §4.
    if !resources.is_empty() {
        metadata["protected_resources"] = resources.into();
    }
    Response::json(200, &metadata).header("X-Content-Type-Options", HeaderValue::from_static("nosniff"))
}
