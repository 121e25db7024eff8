//! The one place where an error becomes a status.

use serde::Serialize;
use serde_json::json;

use super::header_value::HeaderValue;
use super::response::Response;
use crate::authorization_server::{CallerError, Failure, noted};
use crate::protocol::token_error::{TokenError, TokenErrorCode};
use crate::store::StoreError;

/// How long a client should wait before it tries again after a failure that passes by itself.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Answers of the token endpoint and its siblings (RFC 6749 §5.2).
pub fn caller_error(error: &CallerError) -> Response {
    match error {
        CallerError::Refused(error) => token_error(error),
        CallerError::Throttled(seconds) => {
            let description = "too many failed attempts; wait and try again";
            json_error(429, "invalid_client", description)
                .header("Retry-After", HeaderValue::seconds(*seconds))
        }
        CallerError::Failed(failure) => failed(failure),
    }
}

/// A standard error as JSON.
pub fn token_error(error: &TokenError) -> Response {
    let response = |status| json_error(status, error.code.as_str(), &error.description);
    match error.code {
        TokenErrorCode::InvalidClient => response(401).header(
            "WWW-Authenticate",
            HeaderValue::from_static("Basic realm=\"oauthctl\""),
        ),
        TokenErrorCode::InvalidRequest
        | TokenErrorCode::InvalidGrant
        | TokenErrorCode::UnauthorizedClient
        | TokenErrorCode::UnsupportedGrantType
        | TokenErrorCode::InvalidScope
        | TokenErrorCode::InvalidTarget => response(400),
    }
}

/// The server failed. What failed goes to the log, not to the client.
pub fn failed(failure: &Failure) -> Response {
    tracing::error!(error = %failure, "a request failed");
    match status_of(failure) {
        503 => json_error(
            503,
            "temporarily_unavailable",
            "the server cannot do this now; try again",
        )
        .header("Retry-After", HeaderValue::seconds(RETRY_AFTER_SECONDS)),
        status => json_error(status, "server_error", "the server failed; its log says why"),
    }
}

/// 503 for what may pass by itself, 500 for the rest.
pub fn status_of(failure: &Failure) -> u16 {
    match failure {
        Failure::Store(
            StoreError::Busy
            | StoreError::Crowded
            | StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Replaced(..)
            | StoreError::CommitFailed(_)
            | StoreError::Closed,
        ) => 503,
        Failure::Store(_) | Failure::NoEntropy(_) => 500,
    }
}

/// An error as JSON, not to be kept (RFC 6749 §5.1).
pub fn json_error(status: u16, error: &str, description: &str) -> Response {
    noted::error(error);
    json(
        status,
        &json!({ "error": error, "error_description": description }),
    )
}

/// An answer as JSON, not to be kept.
pub fn json(status: u16, value: &impl Serialize) -> Response {
    Response::json(status, value)
        .header("Cache-Control", HeaderValue::from_static("no-store"))
        .header("Pragma", HeaderValue::from_static("no-cache"))
        .header("X-Content-Type-Options", HeaderValue::from_static("nosniff"))
}
