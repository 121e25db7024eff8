//! `POST /revoke` (RFC 7009).

use serde_json::json;

use super::form_body;
use crate::http::app::App;
use crate::http::error::{caller_error, json};
use crate::http::request::Request;
use crate::http::response::Response;

/// The parameters that it knows.
pub(in crate::http) const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let body = match form_body::parameters(request, &KNOWN) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    match app.server.revoke(
        request.header("Authorization"),
        &body,
        app.client_address(request),
    ) {
        Ok(()) => json(200, &json!({})),
        Err(error) => caller_error(&error),
    }
}
