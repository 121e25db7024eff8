//! The head of a request: where it ends, whether it is in order, and what it says about the body.
//!
//! Two steps. [`Scan`] looks at each byte once, as it arrives: it holds the bounds, finds the end, and refuses at
//! once what could be read in two ways (a bare CR or LF, a folded line, a control character), so that a broken peer
//! need not run into a time limit to learn of it. Then [`Head::parse`] lets `httparse` take the fields apart, and
//! settles the framing: wherever RFC 9112 leaves room to repair a message, this one refuses it, because a proxy in
//! front may have repaired it differently (request smuggling).

use super::limits::Limits;
use super::refusal::Refusal;
use crate::http::request::{Request, RequestBuilder};
use crate::http::token::is_token_byte;

/// The longest method that is read; the longest that is registered with IANA has 17 characters.
const METHOD_BYTES: usize = 32;

/// The length of `HTTP/1.1`.
const VERSION_BYTES: usize = 8;

/// Looks for the end of a head while it arrives.
#[derive(Debug)]
pub struct Scan {
    at: usize,
    place: Place,
}

/// What the next byte belongs to. Lengths count what has been read of the thing so far.
#[derive(Debug, Clone, Copy)]
enum Place {
    Beginning,
    LeadingLineFeed,
    Method { length: usize },
    Target { length: usize },
    Version { start: usize },
    LineFeed,
    LineStart,
    Line,
    LastLineFeed,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            at: 0,
            place: Place::Beginning,
        }
    }
}

impl Scan {
    /// At the beginning of a request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads on in `buffer`, which holds what it held before and whatever has arrived since. Gives the length of
    /// the head once it is whole; what follows in the buffer is body, or the next request.
    ///
    /// # Errors
    /// [`Refusal`] as soon as the bytes cannot become a request, or are beyond the bounds.
    pub fn advance(&mut self, buffer: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
        while let Some(&byte) = buffer.get(self.at) {
            if self.at >= limits.head_bytes {
                return Err(Refusal::HEAD_TOO_LARGE);
            }
            let whole = matches!((self.place, byte), (Place::LastLineFeed, b'\n'));
            self.place = self.step(byte, buffer, limits)?;
            self.at += 1;
            if whole {
                return Ok(Some(self.at));
            }
        }
        Ok(None)
    }

    fn step(&self, byte: u8, buffer: &[u8], limits: &Limits) -> Result<Place, Refusal> {
        match (self.place, byte) {
            // One empty line before the request is let pass (RFC 9112 §2.2).
            (Place::Beginning, b'\r') => Ok(Place::LeadingLineFeed),
            (Place::LeadingLineFeed, b'\n') => Ok(Place::Method { length: 0 }),
            (Place::Beginning, _) if is_method_byte(byte) => Ok(Place::Method { length: 1 }),
            (Place::Method { length }, _) if is_method_byte(byte) && length < METHOD_BYTES => {
                Ok(Place::Method { length: length + 1 })
            }
            (Place::Method { length: 1.. }, b' ') => Ok(Place::Target { length: 0 }),
            (Place::Beginning | Place::Method { .. }, _) => Err(Refusal::malformed(
                "this is not an HTTP/1.1 request: a method of capital letters and one space come first",
            )),
            (Place::Target { length: 0 }, b'/') => Ok(Place::Target { length: 1 }),
            (Place::Target { length: 0 }, _) => Err(Refusal::malformed(
                "the request target must be a path that begins with /",
            )),
            (Place::Target { .. }, b' ') => Ok(Place::Version { start: self.at + 1 }),
            (Place::Target { length }, b'!'..=b'~') if byte != b'#' => {
                if length < limits.target_bytes {
                    Ok(Place::Target { length: length + 1 })
                } else {
                    Err(Refusal::TARGET_TOO_LONG)
                }
            }
            (Place::Target { .. }, _) => Err(Refusal::malformed(
                "the request target must be visible ASCII without a fragment, and an HTTP version must follow it",
            )),
            (Place::Version { start }, b'\r') => version(buffer.get(start..self.at).unwrap_or_default()),
            (Place::Version { start }, b'!'..=b'~') if self.at - start < VERSION_BYTES => Ok(self.place),
            (Place::Version { .. }, _) => Err(Refusal::malformed("the request line must end with HTTP/1.1")),
            (Place::LineStart, b'\r') => Ok(Place::LastLineFeed),
            (Place::LineStart, b' ' | b'\t') => {
                Err(Refusal::malformed("a header field must stand on one line"))
            }
            (Place::Line, b'\r') => Ok(Place::LineFeed),
            (Place::LineStart | Place::Line, b'\t' | b' '..=b'~' | 0x80..) => Ok(Place::Line),
            (Place::LineStart | Place::Line, _) => Err(Refusal::malformed(
                "a header field must not have control characters, and its line must end with CR LF",
            )),
            // After the last one the head is whole; the place is not looked at again.
            (Place::LineFeed | Place::LastLineFeed, b'\n') => Ok(Place::LineStart),
            (Place::LeadingLineFeed | Place::LineFeed | Place::LastLineFeed, _) => {
                Err(Refusal::malformed("a line must end with CR LF"))
            }
        }
    }
}

/// Methods are case-sensitive (RFC 9110 §9.1), and every one there is has capital letters: `get` is a mistake.
fn is_method_byte(byte: u8) -> bool {
    is_token_byte(byte) && !byte.is_ascii_lowercase()
}

/// Where to go on after the version, if it is one of ours.
fn version(text: &[u8]) -> Result<Place, Refusal> {
    match text {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(Place::LineFeed),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9']
        | [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Refusal::VERSION),
        _ => Err(Refusal::malformed("the request line must end with HTTP/1.1")),
    }
}

/// A head in order: the request without its body, and what it says about the body and the connection.
#[derive(Debug)]
pub struct Head {
    /// Method, target and header fields, as they came.
    pub request: RequestBuilder,
    /// How many bytes of body follow; within the bound.
    pub body_bytes: usize,
    /// The peer waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// What becomes of the connection after the answer.
    pub persistence: Persistence,
}

/// Whether the peer wants to go on with the connection (RFC 9112 §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// It ends with this answer.
    Close,
    /// It goes on, as HTTP/1.1 does unless somebody says otherwise.
    Keep,
    /// It goes on because an HTTP/1.0 peer asked for it, who must be told.
    KeepAndSay,
}

impl Head {
    /// Takes apart a head that [`Scan`] found whole.
    ///
    /// # Errors
    /// [`Refusal`] where a field is not in order, or the framing could be read in two ways.
    pub fn parse(head: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut space = vec![httparse::EMPTY_HEADER; limits.headers];
        let mut parsed = httparse::Request::new(&mut space);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HEAD_TOO_LARGE),
            Ok(httparse::Status::Partial) | Err(_) => {
                return Err(Refusal::malformed(
                    "a header field must be a name, a colon and a value",
                ));
            }
        }
        let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(Refusal::malformed("the request line is not whole"));
        };
        let fields: &[httparse::Header<'_>] = parsed.headers;

        host(fields, minor)?;
        only(fields, "Authorization", "a request has at most one Authorization")?;
        let body_bytes = body_bytes(fields, method, limits)?;
        let expects_continue = expects_continue(fields, minor)?;
        let request = fields
            .iter()
            .fold(Request::builder(method, target), |request, field| {
                request.header(field.name, field.value)
            });
        Ok(Self {
            request,
            body_bytes,
            expects_continue,
            persistence: persistence(fields, minor),
        })
    }
}

/// The values of the fields of that name.
fn named<'f>(fields: &'f [httparse::Header<'f>], name: &'f str) -> impl Iterator<Item = &'f [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value)
}

/// The value of the only field of that name, if there is one; a second is refused with `why`, even an equal one.
fn only<'f>(
    fields: &'f [httparse::Header<'f>],
    name: &'f str,
    why: &'static str,
) -> Result<Option<&'f [u8]>, Refusal> {
    let mut values = named(fields, name);
    let value = values.next();
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Refusal::malformed(why)),
    }
}

/// Exactly one `Host` that could be one; HTTP/1.0 may leave it out (RFC 9112 §3.2).
fn host(fields: &[httparse::Header<'_>], minor: u8) -> Result<(), Refusal> {
    match only(fields, "Host", "a request has exactly one Host")? {
        None if minor == 0 => Ok(()),
        None => Err(Refusal::malformed("a request has exactly one Host")),
        Some(host) if !host.is_empty() && host.iter().copied().all(is_host_byte) => Ok(()),
        Some(_) => Err(Refusal::malformed(
            "the Host must be a host name or address, and a port if need be",
        )),
    }
}

/// What RFC 3986 §3.2 allows in a host and a port.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

/// The length of the body, told by one `Content-Length` of digits and by nothing else.
fn body_bytes(fields: &[httparse::Header<'_>], method: &str, limits: &Limits) -> Result<usize, Refusal> {
    if named(fields, "Transfer-Encoding").next().is_some() {
        return Err(Refusal::TRANSFER_ENCODING);
    }
    let Some(digits) = only(
        fields,
        "Content-Length",
        "a request has at most one Content-Length",
    )?
    else {
        return match method {
            "POST" | "PUT" | "PATCH" => Err(Refusal::LENGTH_REQUIRED),
            _ => Ok(0),
        };
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::malformed(
            "the Content-Length must be a number of digits",
        ));
    }
    // Digits that do not fit are a number beyond every bound.
    str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .filter(|length| *length <= limits.body_bytes)
        .ok_or(Refusal::BODY_TOO_LARGE)
}

/// Whether the peer waits for `100 Continue` (RFC 9110 §10.1.1); an HTTP/1.0 peer cannot.
fn expects_continue(fields: &[httparse::Header<'_>], minor: u8) -> Result<bool, Refusal> {
    let mut expects = false;
    for value in named(fields, "Expect").filter(|_| minor > 0) {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::EXPECTATION);
        }
        expects = true;
    }
    Ok(expects)
}

fn persistence(fields: &[httparse::Header<'_>], minor: u8) -> Persistence {
    let says = |option: &[u8]| {
        named(fields, "Connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(option))
    };
    if says(b"close") {
        Persistence::Close
    } else if minor > 0 {
        Persistence::Keep
    } else if says(b"keep-alive") {
        Persistence::KeepAndSay
    } else {
        Persistence::Close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of `bytes` when they arrive in pieces of `piece`: the length of the head, or the status of the
    /// refusal; `None` while the head is not whole.
    fn outcome(bytes: &[u8], piece: usize) -> Option<Result<usize, u16>> {
        let limits = Limits {
            head_bytes: 200,
            headers: 3,
            target_bytes: 20,
            ..Limits::default()
        };
        let mut scan = Scan::new();
        let mut arrived = 0;
        while arrived < bytes.len() {
            arrived = bytes.len().min(arrived + piece);
            match scan.advance(&bytes[..arrived], &limits) {
                Ok(None) => {}
                Ok(Some(length)) => {
                    let head = Head::parse(&bytes[..length], &limits);
                    return Some(head.map(|_| length).map_err(|refusal| refusal.status));
                }
                Err(refusal) => return Some(Err(refusal.status)),
            }
        }
        None
    }

    #[test]
    fn the_verdict_does_not_depend_on_how_the_bytes_arrive() {
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(200));
        for (bytes, expected) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Some(Ok(27))),
            (
                "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
                Some(Ok(27)),
            ),
            ("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", Some(Ok(29))),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", Some(Err(400))),
            ("GET /3456789012345678901 HTTP/1.0\r\n\r\n", Some(Ok(37))),
            ("GET /34567890123456789012 HTTP/1.0\r\n\r\n", Some(Err(414))),
            ("GET / HTTP/1.0\r\nA:\r\nB:\r\nC:\r\n\r\n", Some(Ok(30))),
            ("GET / HTTP/1.0\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n", Some(Err(431))),
            (long.as_str(), Some(Err(431))),
            ("", None),
            ("GET / HTTP/1.1\r\nHost: x\r\n", None),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r", None),
        ] {
            for piece in [1, 2, 7, usize::MAX / 2] {
                assert_eq!(
                    outcome(bytes.as_bytes(), piece),
                    expected,
                    "{bytes:?} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn what_cannot_become_a_request_is_refused_before_its_end() {
        for bytes in [
            b"\x16\x03\x01\x02\x00".as_slice(),
            b"get ",
            b" GET",
            b"GET  ",
            b"GET *",
            b"GET h",
            b"GET /#",
            b"GET /\xc3",
            b"GET /\r",
            b"GET /\t",
            b"GET / HTTP/1.1 ",
            b"GET / HTTP/1.1\n",
            b"GET / HTTP/1.1\rA",
            b"GET / HTTP/1.1\r\n ",
            b"GET / HTTP/1.1\r\nA: b\n",
            b"GET / HTTP/1.1\r\nA: b\rc",
            b"GET / HTTP/1.1\r\nA: \0",
            b"GET / HTTP/1.1\r\nA: \x7f",
            b"GET / HTTP/1.1\r\nA: b\r\n\rc",
            b"GETGETGETGETGETGETGETGETGETGETGETG",
        ] {
            assert_eq!(outcome(bytes, 1), Some(Err(400)), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn persistence_follows_the_version_and_the_word_of_the_peer() {
        for (version, connection, expected) in [
            ("1.1", "", Persistence::Keep),
            ("1.1", "Connection: close\r\n", Persistence::Close),
            ("1.1", "Connection: Upgrade , CLOSE\r\n", Persistence::Close),
            (
                "1.1",
                "Connection: a\r\nConnection: close\r\n",
                Persistence::Close,
            ),
            ("1.1", "Connection: closed\r\n", Persistence::Keep),
            ("1.0", "", Persistence::Close),
            ("1.0", "Connection: Keep-Alive\r\n", Persistence::KeepAndSay),
            ("1.0", "Connection: keep-alive, close\r\n", Persistence::Close),
        ] {
            let head = format!("GET / HTTP/{version}\r\nHost: x\r\n{connection}\r\n");
            let head = Head::parse(head.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(head.persistence, expected, "{version} {connection:?}");
        }
    }
}
