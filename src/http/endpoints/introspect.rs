//! `POST /introspect` (RFC 7662).
//!
//! Answers are plain JSON, not the signed JWTs of RFC 9701. Those need a signing key with its rotation, a published key
//! set, and an algorithm and a caller to agree upon, and give one thing: an answer that its receiver can show to others.
//! Here the receiver asks over TLS and decides at once, so a key that could forge any answer would be kept for nothing;
//! a caller that sends `Accept: application/token-introspection+jwt` gets JSON, as §4 of that RFC has it.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::form_body;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
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
    match app.server.introspect(
        request.header("Authorization"),
        &body,
        app.client_address(request),
    ) {
        Err(error) => caller_error(&error),
        Ok(None) => json(200, &json!({ "active": false })),
        Ok(Some(token)) => {
            let username = token.username.as_str();
            json(
                200,
                &Members {
                    active: true,
                    scope: &token.scope,
                    client_id: token.client.as_str(),
                    username,
                    sub: username,
                    token_type: token.token_type,
                    iat: token.issued_at.as_seconds(),
                    exp: token.expires_at.as_seconds(),
                    iss: app.server.issuer().as_str(),
                    aud: audience(&token.resources),
                },
            )
        }
    }
}

/// The members of an active token's answer (§2.2).
#[derive(Serialize)]
struct Members<'t> {
    active: bool,
    #[serde(serialize_with = "as_text")]
    scope: &'t ScopeSet,
    client_id: &'t str,
    username: &'t str,
    sub: &'t str,
    token_type: &'static str,
    iat: i64,
    exp: i64,
    iss: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Value>,
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A text where there is one resource, which every library reads; a list where there are several (RFC 7519 §4.1.3);
/// nothing where the token is bound to none.
fn audience(resources: &ResourceSet) -> Option<Value> {
    let texts: Vec<&str> = resources.iter().map(|resource| resource.as_str()).collect();
    match texts.as_slice() {
        [] => None,
        [one] => Some((*one).into()),
        several => Some(several.into()),
    }
}
