//! `POST /introspect` (RFC 7662).

use serde_json::json;

use super::form_body;
use crate::http::app::App;
use crate::http::error::{caller_error, json};
use crate::http::request::Request;
use crate::http::response::Response;

const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let body = match form_body::parameters(request, &KNOWN) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    match app
        .server
        .introspect(request.header("Authorization"), &body, request.peer().ip())
    {
        Err(error) => caller_error(&error),
        Ok(None) => json(200, &json!({ "active": false })),
        Ok(Some(token)) => {
            let username = token.username.as_str();
            let body = json!({
                "active": true,
                "scope": token.scope.to_string(),
                "client_id": token.client.as_str(),
                "username": username,
                "sub": username,
                "token_type": token.token_type,
                "iat": token.issued_at.as_seconds(),
                "exp": token.expires_at.as_seconds(),
                "iss": app.server.issuer().as_str(),
            });
            json(200, &body)
        }
    }
}
