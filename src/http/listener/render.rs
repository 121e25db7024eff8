//! A response as the bytes that go out, written by `tiny_http`.

use std::io;

use crate::http::header_value::HeaderValue;
use crate::http::response::Response;

/// The line that ends a head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Renders a whole answer, so that it leaves in one write.
///
/// `connection` is the value of the `Connection` field, where there must be one. `without_body` is for `HEAD`, whose
/// answer has the `Content-Length` of the body that it leaves out (RFC 9110 §9.3.2).
///
/// `strict_transport_security` is for answers that travel by TLS, and for no others (RFC 6797 §7.2).
///
/// Three things are seen to here because the writer does otherwise by itself: it is not shown the request's `TE`,
/// which would make it send chunks for the asking; it is told that no body is too large for a `Content-Length`; and it
/// drops every `Connection` field, so ours is put into the head that it has written. It also gives a 204 and a 304 a
/// `Content-Length`, which the one must not have and which in the other would be the wrong one (RFC 9110 §8.6).
pub(super) fn render(
    response: &Response,
    connection: Option<&str>,
    without_body: bool,
    strict_transport_security: Option<&HeaderValue>,
) -> io::Result<Vec<u8>> {
    let own = [("Server", "oauthctl")].into_iter();
    let fields = own
        .chain(strict_transport_security.map(|value| ("Strict-Transport-Security", value.as_str())))
        .chain(response.headers().map(|(name, value)| (name, value.as_str())))
        // None is lost: names are tokens and values visible ASCII, which is all that the constructor asks for.
        .filter_map(|(name, value)| tiny_http::Header::from_bytes(name, value).ok())
        .collect();
    let body = response.body_bytes();
    let status = tiny_http::StatusCode(response.status());
    let mut bytes = Vec::with_capacity(512 + body.len());
    tiny_http::Response::new(status, fields, body, Some(body.len()), None)
        .with_chunked_threshold(usize::MAX)
        .raw_print(&mut bytes, tiny_http::HTTPVersion(1, 1), &[], without_body, None)?;

    if matches!(response.status(), 204 | 304) {
        // It is the last field, and there is no body after it.
        if let Some(length) = find_last(&bytes, b"\r\nContent-Length: ") {
            bytes.truncate(length);
            bytes.extend_from_slice(HEAD_END);
        }
    }
    if let Some(value) = connection
        && let Some(end) = bytes
            .windows(HEAD_END.len())
            .position(|window| window == HEAD_END)
    {
        let field = format!("\r\nConnection: {value}");
        bytes.splice(end..end, field.into_bytes());
    }
    Ok(bytes)
}

fn find_last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rendered answer as text, without its date.
    fn rendered(response: &Response, connection: Option<&str>, without_body: bool) -> String {
        let text = String::from_utf8(render(response, connection, without_body, None).unwrap()).unwrap();
        let (before, rest) = text.split_once("Date: ").unwrap();
        format!("{before}{}", rest.split_once("\r\n").unwrap().1)
    }

    #[test]
    fn an_answer_has_its_length_and_its_fields() {
        let response = Response::text(200, "hello")
            .add_header("Set-Cookie", HeaderValue::from_static("a=1"))
            .add_header("Set-Cookie", HeaderValue::from_static("b=2"));
        let head = "HTTP/1.1 200 OK\r\nServer: oauthctl\r\nContent-Type: text/plain; charset=utf-8\r\n\
                    Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 5";
        assert_eq!(rendered(&response, None, false), format!("{head}\r\n\r\nhello"));
        assert_eq!(rendered(&response, None, true), format!("{head}\r\n\r\n"));
        assert_eq!(
            rendered(&response, Some("close"), false),
            format!("{head}\r\nConnection: close\r\n\r\nhello")
        );
    }

    #[test]
    fn an_answer_by_tls_says_that_there_is_nothing_else() {
        let value = HeaderValue::from_static("max-age=60");
        let bytes = render(&Response::new(204), None, false, Some(&value)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains("\r\nStrict-Transport-Security: max-age=60\r\n"),
            "{text}"
        );
    }

    #[test]
    fn a_large_body_is_not_sent_in_chunks() {
        let response = Response::new(200).body(vec![b'x'; 100_000]);
        let text = rendered(&response, None, false);
        assert!(text.contains("\r\nContent-Length: 100000\r\n\r\nxxx"));
        assert!(!text.contains("chunked"));
    }

    #[test]
    fn a_body_that_looks_like_a_head_stays_as_it_is() {
        let body = "\r\n\r\nContent-Length: 9\r\n\r\n";
        let text = rendered(&Response::new(200).body(body), Some("close"), false);
        assert!(
            text.ends_with(&format!("\r\nConnection: close\r\n\r\n{body}")),
            "{text}"
        );
    }

    #[test]
    fn an_answer_that_has_no_body_has_no_length() {
        for status in [204, 304] {
            let text = rendered(&Response::new(status).body("left out"), Some("close"), false);
            assert!(
                !text.contains("Content-Length") && !text.contains("left out"),
                "{text}"
            );
            assert!(
                text.ends_with("\r\nServer: oauthctl\r\nConnection: close\r\n\r\n"),
                "{text}"
            );
        }
    }
}
