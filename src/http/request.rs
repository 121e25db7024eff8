//! A request that has been read whole.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use super::request_id::RequestId;

/// A request: method, target, header fields and body, as they came.
///
/// The listener has seen to the framing and to the bounds (see [`crate::http::listener`]); what the parts *mean* has not
/// been looked at: the path is not decoded, the query not taken apart.
///
/// `Debug` shows no field value, no query and no body: those hold secrets.
#[derive(Clone)]
pub struct Request {
    method: String,
    target: String,
    fields: Vec<Field>,
    body: Vec<u8>,
    peer: SocketAddr,
    id: RequestId,
}

#[derive(Clone)]
struct Field {
    name: Box<str>,
    value: Box<[u8]>,
}

impl Request {
    /// Begins a request with the given method and target (`/path` or `/path?query`). Until it is told otherwise it
    /// has no fields, no body, and comes from port 0 of 127.0.0.1.
    pub fn builder(method: &str, target: &str) -> RequestBuilder {
        RequestBuilder(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            body: Vec::new(),
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            id: RequestId::default(),
        })
    }

    /// The method, such as `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as it was sent: not decoded, without the query. It begins with `/`.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// What follows the first `?` of the target, as it was sent; empty where nothing does.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of the first field of that name, whatever its case, without the space around it.
    ///
    /// `None` also where the value has a byte that is neither visible ASCII nor a space nor a tab: such a value is
    /// read with [`headers_named`](Self::headers_named). Where a second field of the name matters, or where its mere
    /// presence does, ask there too. (A request with two `Host`, `Content-Length` or `Authorization` fields never
    /// gets here: the listener refuses it.)
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers_named(name).next()?;
        let readable = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        if readable {
            str::from_utf8(value).ok()
        } else {
            None
        }
    }

    /// The values of all fields of that name, whatever its case, in the order in which they were sent.
    pub fn headers_named(&self, name: &str) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| &*field.value)
    }

    /// The body; empty where there is none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The address at the other end of the connection, which may be a proxy's. An IPv4 address that came through
    /// an IPv6 socket is shown as IPv4.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What it is called in the log and in the answer.
    pub fn id(&self) -> RequestId {
        self.id
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path())
            .field(
                "header_names",
                &self.fields.iter().map(|field| &*field.name).collect::<Vec<_>>(),
            )
            .field("body_bytes", &self.body.len())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Puts a [`Request`] together: in the listener, and where a handler is called without a socket.
#[derive(Debug, Clone)]
#[must_use]
pub struct RequestBuilder(Request);

impl RequestBuilder {
    /// Adds a header field after those that are there.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.0.fields.push(Field {
            name: name.into(),
            value: value.as_ref().into(),
        });
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Sets the address at the other end.
    pub fn peer(mut self, peer: SocketAddr) -> Self {
        self.0.peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        self
    }

    /// Sets what it is called.
    pub fn id(mut self, id: RequestId) -> Self {
        self.0.id = id;
        self
    }

    /// The request.
    pub fn build(self) -> Request {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_cut_at_the_first_question_mark() {
        for (target, path, query) in [
            ("/", "/", ""),
            ("/a%2Fb", "/a%2Fb", ""),
            ("/a?", "/a", ""),
            ("/a?b=c?d", "/a", "b=c?d"),
        ] {
            let request = Request::builder("GET", target).build();
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
        }
    }

    #[test]
    fn names_ignore_case_and_a_second_field_can_be_seen() {
        let request = Request::builder("GET", "/")
            .header("Cookie", "a=1")
            .header("X-Name", b"caf\xe9")
            .header("cookie", "b=2")
            .build();
        assert_eq!(request.header("COOKIE"), Some("a=1"));
        assert_eq!(
            request.headers_named("Cookie").collect::<Vec<_>>(),
            [b"a=1", b"b=2"]
        );
        assert_eq!(request.header("X-Name"), None, "not ASCII");
        assert_eq!(request.headers_named("x-name").collect::<Vec<_>>(), [b"caf\xe9"]);
        assert_eq!(request.header("Host"), None);
    }

    #[test]
    fn debug_shows_nothing_that_may_be_secret() {
        let request = Request::builder("POST", "/token?code=SECRET")
            .header("Authorization", "SECRET")
            .body("SECRET")
            .build();
        let shown = format!("{request:?}");
        assert!(
            shown.contains("/token") && shown.contains("Authorization"),
            "{shown}"
        );
        assert!(!shown.contains("SECRET"), "{shown}");
    }

    #[test]
    fn a_mapped_address_is_shown_as_the_one_it_stands_for() {
        let peer = "[::ffff:192.0.2.7]:99".parse().unwrap();
        let request = Request::builder("GET", "/").peer(peer).build();
        assert_eq!(request.peer().to_string(), "192.0.2.7:99");
    }
}
