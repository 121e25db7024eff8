//! An answer.

use std::fmt;

use serde::Serialize;

use super::development::LostOnDemand;
use super::header_value::HeaderValue;
use super::token::is_token;

/// The fields by which the listener frames an answer and keeps or ends a connection. They are its own: a wrong
/// `Content-Length` would make the rest of one answer the beginning of the next.
const FRAMING: [&str; 6] = [
    "Connection",
    "Content-Length",
    "Keep-Alive",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

const CONTENT_TYPE: &str = "Content-Type";

/// An answer: status, header fields, body. The listener adds `Server`, `Date`, `Content-Length` and, where it
/// matters, `Connection`.
///
/// `Debug` shows neither field values nor the body: those hold secrets.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Response {
    status: u16,
    fields: Vec<(&'static str, HeaderValue)>,
    body: Vec<u8>,
    is_lost: bool,
}

impl Response {
    /// An answer without fields or body.
    ///
    /// # Panics
    /// Where `status` is not that of a final answer, 200 to 599.
    pub fn new(status: u16) -> Self {
        assert!(
            (200..600).contains(&status),
            "the status of a final answer is 200 to 599"
        );
        Self {
            status,
            fields: Vec::new(),
            body: Vec::new(),
            is_lost: false,
        }
    }

    /// The same answer, of which nothing goes out: the listener closes the connection without a word. Only a development
    /// server has what proves that this was asked for.
    pub(super) fn lost(mut self, _asked_for: &LostOnDemand) -> Self {
        self.is_lost = true;
        self
    }

    /// Whether the peer is to get nothing of it.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// A page.
    ///
    /// # Panics
    /// As [`Response::new`].
    pub fn html(status: u16, page: String) -> Self {
        Self::new(status)
            .header(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
            .body(page)
    }

    /// A JSON document. A value that cannot be written as JSON is a fault of the program: it is logged, and the
    /// answer is a plain 500.
    ///
    /// # Panics
    /// As [`Response::new`].
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Self::text(500, "the server failed to write its answer\n")
            }
        }
    }

    /// Plain text.
    ///
    /// # Panics
    /// As [`Response::new`].
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status)
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("text/plain; charset=utf-8"),
            )
            .body(text)
    }

    /// A redirect.
    ///
    /// # Panics
    /// Where `status` is neither 302 nor 303. The others are wrong here: 307 and 308 make a browser send the
    /// resource owner's password on to the client (RFC 9700 §4.12).
    pub fn redirect(status: u16, location: HeaderValue) -> Self {
        assert!(matches!(status, 302 | 303), "a redirect is 302 or 303");
        Self::new(status).header("Location", location)
    }

    /// Sets a field; every field of that name that is there already goes.
    ///
    /// # Panics
    /// Where `name` is not a field name, or is one that the listener sets itself (such as `Content-Length`).
    pub fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.fields
            .retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        self.add_header(name, value)
    }

    /// Adds a field and leaves those of the same name, as `Set-Cookie` and `WWW-Authenticate` want it.
    ///
    /// # Panics
    /// As [`header`](Self::header).
    pub fn add_header(mut self, name: &'static str, value: HeaderValue) -> Self {
        assert!(is_token(name), "a field name is a token");
        assert!(
            !FRAMING.iter().any(|own| own.eq_ignore_ascii_case(name)),
            "the listener frames the answer"
        );
        self.fields.push((name, value));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first field of that name, whatever its case.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(present, _)| present.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All fields, in the order in which they were set.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &HeaderValue)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    /// The body.
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field(
                "header_names",
                &self.headers().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_replaces_and_adding_appends() {
        let value = HeaderValue::from_static;
        let response = Response::text(200, "x")
            .header("content-type", value("text/css"))
            .add_header("Set-Cookie", value("a=1"))
            .add_header("Set-Cookie", value("b=2"));
        let fields: Vec<_> = response
            .headers()
            .map(|(name, value)| (name, value.as_str()))
            .collect();
        assert_eq!(
            fields,
            [
                ("content-type", "text/css"),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2")
            ]
        );
        assert_eq!(response.header_value("set-cookie"), Some("a=1"));
        assert_eq!(response.header_value("Location"), None);
    }

    #[test]
    fn each_kind_says_what_its_body_is() {
        let json = Response::json(201, &serde_json::json!({"active": false}));
        assert_eq!(json.body_bytes(), br#"{"active":false}"#);
        let redirect = Response::redirect(303, HeaderValue::from_static("/authorize"));
        for (response, status, content_type, body) in [
            (
                Response::html(400, "<p>".to_owned()),
                400,
                Some("text/html; charset=utf-8"),
                "<p>",
            ),
            (json, 201, Some("application/json"), r#"{"active":false}"#),
            (
                Response::text(404, "no"),
                404,
                Some("text/plain; charset=utf-8"),
                "no",
            ),
            (redirect.clone(), 303, None, ""),
        ] {
            assert_eq!(response.status(), status);
            assert_eq!(response.header_value("Content-Type"), content_type);
            assert_eq!(response.body_bytes(), body.as_bytes());
        }
        assert_eq!(redirect.header_value("Location"), Some("/authorize"));
    }

    #[test]
    fn a_value_that_is_no_json_is_a_500() {
        let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert_eq!(Response::json(200, &no_json).status(), 500);
    }

    #[test]
    fn faults_of_the_program_do_not_reach_the_wire() {
        let value = || HeaderValue::from_static("5");
        let faults: [fn(HeaderValue) -> Response; 6] = [
            |value| Response::new(200).header("content-length", value),
            |value| Response::new(200).add_header("Transfer-Encoding", value),
            |value| Response::new(200).header("X\r\nY", value),
            |value| Response::new(200).header("", value),
            |_| Response::new(100),
            |value| Response::redirect(307, value),
        ];
        for (number, fault) in faults.into_iter().enumerate() {
            assert!(
                std::panic::catch_unwind(|| fault(value())).is_err(),
                "fault {number}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing_that_may_be_secret() {
        let response =
            Response::text(200, "SECRET").add_header("Set-Cookie", HeaderValue::from_static("SECRET"));
        let shown = format!("{response:?}");
        assert!(
            shown.contains("Set-Cookie") && !shown.contains("SECRET"),
            "{shown}"
        );
    }
}
