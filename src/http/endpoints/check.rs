//! `GET, POST /check`: stage 8, for proxies and resource servers.

use serde_json::json;

use crate::authorization_server::CheckRefusal;
use crate::domain::resource::Resource;
use crate::http::app::App;
use crate::http::error::{failed, json, json_error};
use crate::http::header_value::HeaderValue;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::authorization_error::description_text;
use crate::protocol::bearer;
use crate::protocol::check_request::{self, Asked, CheckRequestError, Header, HeaderPair, Sender};
use crate::protocol::check_resource::{self, CheckResourceError};

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let resource = match check_resource::read(request.query()) {
        Ok(None) => return answer(app, request, None),
        Ok(Some(resource)) => resource,
        Err(error) => return json_error(400, "invalid_request", &error.to_string()),
    };
    match app.server.is_registered(&resource) {
        Err(error) => failed(&error.into()),
        Ok(true) => with_metadata(answer(app, request, Some(&resource)), &resource),
        Ok(false) => json_error(400, "invalid_request", &CheckResourceError::Unknown.to_string()),
    }
}

/// The answer, with where a client learns to get a token for this resource in the challenge (RFC 9728 §5.1).
fn with_metadata(response: Response, resource: &Resource) -> Response {
    let Some(challenge) = response.header_value("WWW-Authenticate") else {
        return response;
    };
    let challenge = format!("{challenge}, resource_metadata=\"{}\"", resource.metadata_url());
    response.header("WWW-Authenticate", HeaderValue::encoded(&challenge))
}

fn answer(app: &App, request: &Request, resource: Option<&Resource>) -> Response {
    let asked = match asked(app, request) {
        Ok(asked) => asked,
        Err(error) => return json_error(400, "invalid_request", &error.to_string()),
    };
    let Some(token) = request.header("Authorization").and_then(bearer::token) else {
        // Without a token there is no error to speak of (RFC 6750 §3.1).
        let challenge = HeaderValue::from_static("Bearer realm=\"oauthctl\"");
        return json(401, &json!({ "error_description": "a bearer token is missing" }))
            .header("WWW-Authenticate", challenge);
    };
    match app.server.check_token_at(resource, token, &asked) {
        Err(error) => failed(&error.into()),
        Ok(Err(CheckRefusal::Inactive(inactive))) => challenge(401, "invalid_token", &inactive.to_string()),
        Ok(Err(CheckRefusal::Denied(reason))) => challenge(403, "insufficient_scope", &reason),
        Ok(Ok(passed)) => Response::new(200)
            .header("Cache-Control", HeaderValue::from_static("no-store"))
            .header("X-OAuth-Client", HeaderValue::encoded(passed.client.as_str()))
            .header("X-OAuth-Owner", owner_header(passed.owner.as_str()))
            .header(
                "X-OAuth-Scope",
                HeaderValue::encoded(&passed.scope_in_force.to_string()),
            )
            .header("X-OAuth-Grant", HeaderValue::encoded(&passed.grant.to_string())),
    }
}

/// What is asked for, in the query or in headers.
pub(in crate::http) fn asked(app: &App, request: &Request) -> Result<Asked, CheckRequestError> {
    let pair = |method, uri| HeaderPair {
        method: header(request, method),
        uri: header(request, uri),
    };
    let original = pair("X-Original-Method", "X-Original-URI");
    let forwarded = pair("X-Forwarded-Method", "X-Forwarded-Uri");
    // The address of the connection, never one that a header names.
    let sender = if app.trust_forwarded_from.contain(request.peer().ip()) {
        Sender::Trusted
    } else {
        Sender::Stranger
    };
    check_request::read(request.query(), original, forwarded, app.request_from, sender)
}

fn header<'r>(request: &'r Request, name: &str) -> Header<'r> {
    let mut values = request.headers_named(name);
    match (values.next(), values.next()) {
        (None, _) => Header::Absent,
        (Some(value), None) => Header::Once(value),
        (Some(_), Some(_)) => Header::Repeated,
    }
}

/// A username in a header, with `%` encoded too: `é` and the username `%C3%A9` must not look alike.
fn owner_header(username: &str) -> HeaderValue {
    HeaderValue::encoded(&username.replace('%', "%25"))
}

/// The longest reason in a challenge, in characters. It may name every scope of a token; proxies take a few kilobytes of
/// header fields (nginx 4 by default), and answer 500 to more.
const LONGEST_REASON: usize = 300;

/// RFC 6750 §3.
pub(crate) fn challenge(status: u16, error: &str, description: &str) -> Response {
    let mut description = description_text(description);
    // It is ASCII.
    if description.len() > LONGEST_REASON {
        description.truncate(LONGEST_REASON);
        description.push_str("...");
    }
    let challenge =
        format!("Bearer realm=\"oauthctl\", error=\"{error}\", error_description=\"{description}\"");
    json_error(status, error, &description).header("WWW-Authenticate", HeaderValue::encoded(&challenge))
}
