//! A request that was answered, as a developer may look at it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::shown::{authorization_request, parameter, path, scheme, shown, text};
use crate::authorization_server::noted::Notes;
use crate::clock::Timestamp;
use crate::http::endpoints::form_body::is_form;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::router::Endpoint;
use crate::protocol::authorization_checks::Check;
use crate::protocol::authorization_request::LONGEST_REQUEST;
use crate::protocol::bearer;

/// The most parameters that are shown.
const MOST: usize = 40;

/// A name and a value, cut where it could open anything.
pub(super) type Shown = (String, String);

/// A request with its answer. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The ID in its answer, in the log and on error pages.
    pub request_id: String,
    /// When it was answered, by the clock of the server (RFC 3339, with milliseconds).
    pub at: String,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The name of the endpoint; none where there is none.
    pub endpoint: Option<String>,
    /// Of the query and of the form.
    pub parameters: Vec<Shown>,
    /// The query of an authorization request, to be explained: what the server looks at in it as it came.
    pub authorization_request: Option<String>,
    /// How somebody authenticated in a header.
    pub authorization: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How long it took, in microseconds.
    pub microseconds: u64,
    /// Where the browser is sent, without the query.
    pub location: Option<String>,
    /// Of the query of the redirect, or of the JSON in the body.
    pub answer: Vec<Shown>,
    /// The client that it is about.
    pub client: Option<String>,
    /// The resource owner.
    pub owner: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// Why it was refused.
    pub error: Option<String>,
    /// The fault on demand by which it failed.
    pub fault: Option<String>,
    /// The checks of an authorization request, and of an access token request that was refused.
    #[serde(default)]
    pub checks: Vec<Check>,
}

impl Seen {
    pub(super) fn new(
        request: &Request,
        endpoint: Option<Endpoint>,
        response: &Response,
        notes: Notes,
        fault: Option<String>,
        at: Timestamp,
        took: Duration,
    ) -> Self {
        let form = if request.method() == "POST" && is_form(request) {
            request.body()
        } else {
            &[]
        };
        let query = form_urlencoded::parse(request.query().as_bytes());
        let parameters = query
            .chain(form_urlencoded::parse(form))
            .take(MOST)
            .map(|(name, value)| parameter(&name, &value))
            .collect();
        // What is posted is read from its body. What is too long is nothing else, and would be shorter here.
        let is_asked = endpoint == Some(Endpoint::Authorize)
            && request.method() == "GET"
            && (1..=LONGEST_REQUEST).contains(&request.query().len());
        let location = response.header_value("Location");
        let (location, query) = match location.map(|to| to.split_once('?').unwrap_or((to, ""))) {
            Some((to, query)) => (Some(text(to)), query),
            None => (None, ""),
        };
        let answer = if location.is_some() {
            let query = form_urlencoded::parse(query.as_bytes());
            query
                .take(MOST)
                .map(|(name, value)| parameter(&name, &value))
                .collect()
        } else {
            members(response)
        };
        Self {
            request_id: request.id().to_string(),
            at: at.with_millis(),
            method: text(request.method()),
            path: path(request.path()),
            endpoint: endpoint.map(|endpoint| endpoint.name().to_owned()),
            parameters,
            authorization_request: is_asked.then(|| authorization_request(request.query())),
            authorization: request.header("Authorization").map(authorization),
            status: response.status(),
            microseconds: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            location,
            answer,
            client: notes.client,
            owner: notes.owner,
            outcome: notes.outcome.map(str::to_owned),
            error: notes.error,
            fault,
            checks: Vec::new(),
        }
    }
}

/// The scheme, and which token it is; never what stands behind `Basic`.
fn authorization(header: &str) -> String {
    match bearer::token(header) {
        Some(token) => format!("Bearer {}", shown("access_token", token)),
        None => scheme(header),
    }
}

/// The members of a body in JSON.
fn members(response: &Response) -> Vec<Shown> {
    let is_json = response
        .header_value("Content-Type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return Vec::new();
    }
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(response.body_bytes()) else {
        return Vec::new();
    };
    let member = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => parameter(name, text),
        other => parameter(name, &other.to_string()),
    };
    members.iter().take(MOST).map(member).collect()
}
