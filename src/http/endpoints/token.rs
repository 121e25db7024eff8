//! `POST /token` (RFC 6749 §3.2): stages 5 and 6.

use serde_json::json;

use super::form_body;
use crate::authorization_server::TokenResponse;
use crate::http::app::App;
use crate::http::error::{caller_error, json};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::token_request::{GrantType, KNOWN};

pub(crate) fn handle(app: &App, request: &Request, implied: Option<GrantType>) -> Response {
    let body = match form_body::parameters(request, &KNOWN) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let authorization = request.header("Authorization");
    match app
        .server
        .token(authorization, &body, implied, app.client_address(request))
    {
        Ok(response) => json(200, &body_of(&response)),
        Err(error) => caller_error(&error),
    }
}

/// RFC 6749 §5.1.
fn body_of(response: &TokenResponse) -> serde_json::Value {
    let mut body = json!({
        "access_token": response.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": response.expires_in.as_secs(),
        "scope": response.scope.to_string(),
    });
    if let Some(refresh_token) = &response.refresh_token {
        body["refresh_token"] = refresh_token.reveal().into();
    }
    body
}
