//! The demo's resource server: a few services and routes, each behind the check of the authorization server.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::http_client::{Answer, HttpClient};
use crate::domain::issuer::Issuer;
use crate::http::header_value::HeaderValue;
use crate::http::listener::Handler;
use crate::http::request::Request;
use crate::http::response::Response;

/// Answers for orders and stock, after asking `/check` whether the token that came along opens them.
pub(super) struct ResourceServer {
    http: HttpClient,
    issuer: Issuer,
    last: Mutex<Option<Checked>>,
}

/// What was asked of `/check`, and what it answered.
pub(super) struct Checked {
    /// The query of the check.
    pub(super) query: String,
    /// Its answer.
    pub(super) answer: Answer,
}

impl ResourceServer {
    pub(super) fn new(http: HttpClient, issuer: Issuer) -> Self {
        Self {
            http,
            issuer,
            last: Mutex::default(),
        }
    }

    /// The last check, once.
    pub(super) fn take_last_check(&self) -> Option<Checked> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn answer(&self, request: &Request) -> Response {
        let query = what_to_check(request);
        let url = format!("{}?{query}", self.issuer.endpoint("/check"));
        let token = request
            .header("Authorization")
            .map(|value| ("Authorization", value));
        let answer = match self.http.get(&url, token.as_slice()) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the check cannot be asked");
                return Response::text(502, "the authorization server does not answer\n");
            }
        };
        let response = match answer.status() {
            200 => data(request),
            // What the check says about the token is what its bearer should hear (RFC 6750 §3).
            status @ (401 | 403) => {
                let error = answer.error().map(|(error, _)| error);
                let response = Response::json(status, &json!({ "error": error }));
                match answer.header("WWW-Authenticate") {
                    Some(challenge) => response.header("WWW-Authenticate", HeaderValue::encoded(challenge)),
                    None => response,
                }
            }
            _ => Response::text(502, "the authorization server cannot check this\n"),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Checked { query, answer });
        response
    }
}

impl Handler for ResourceServer {
    fn handle(&self, request: Request) -> Response {
        self.answer(&request)
    }
}

/// A service where the path names one, else the request itself.
fn what_to_check(request: &Request) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    match request.path().strip_prefix("/invoke/") {
        Some(service) => query.append_pair("service", service),
        None => query
            .append_pair("method", request.method())
            .append_pair("path", request.path()),
    };
    query.finish()
}

fn data(request: &Request) -> Response {
    match (request.method(), request.path()) {
        ("GET", "/invoke/orders.eu:list") => Response::json(200, &json!({ "orders": [17, 23] })),
        ("GET", "/orders/17") => Response::json(200, &json!({ "order": 17, "item": "lamp" })),
        ("GET", "/invoke/warehouse.stock:count") => Response::json(200, &json!({ "lamp": 42 })),
        _ => Response::json(404, &json!({ "error": "not_found" })),
    }
}
