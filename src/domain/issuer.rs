//! The issuer identifier: the URL by which clients know this server (RFC 8414 §2).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Url;

use super::excerpt::excerpt;
use super::loopback::is_loopback_host;

/// The longest issuer, in bytes. It stands in every redirect and in every introspection.
const LONGEST: usize = 512;

/// Why a text is not an [`Issuer`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an absolute `http` or `https` URL in printable ASCII, or one that is longer than 512 bytes.
    #[error("{0} is not an issuer; write an `https` URL such as `https://id.example.com`")]
    NotAUrl(String),
    /// A query or a fragment, which RFC 8414 §2 refuses.
    #[error("{0} has a query or a fragment; an issuer has neither, write it like `https://id.example.com`")]
    QueryOrFragment(String),
    /// A username or a password in front of the host.
    #[error("{0} names a user before the host; write it like `https://id.example.com`")]
    UserInfo(String),
    /// A slash at the end. Clients compare issuers as strings, so there must be one spelling.
    #[error("{0} ends with a slash; leave the slash out")]
    TrailingSlash(String),
    /// `http` on a host that is not this machine.
    #[error("{0} is not `https`; `http` is accepted for `127.0.0.1`, `[::1]` and `localhost` only")]
    NotHttps(String),
    /// Another spelling of a URL than its normal one.
    #[error("{0} is not in normal form; write `{1}`")]
    NotNormal(String, String),
    /// A path that a router, a cookie or a proxy could read in two ways.
    #[error(
        "{0} has a path that is not accepted; an issuer's path has segments of letters, digits, \
         `-`, `.`, `_` and `~`"
    )]
    Path(String),
    /// A path where the metadata of others lie (RFC 8615 §3): requests there would be taken for questions about those.
    #[error("{0} lies beneath `/.well-known`, which is kept for metadata; give the issuer a path of its own")]
    WellKnown(String),
    /// An address that gives no issuer by itself.
    #[error(
        "listening on `{0}` needs an issuer, because clients reach that address by an `https` URL of its own"
    )]
    Needed(SocketAddr),
}

/// An issuer identifier, byte for byte as it was given.
///
/// An `https` URL in normal form (or `http` on this machine) without query, fragment, user and trailing
/// slash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer {
    text: String,
    /// Where the path starts in `text`; its length where there is none.
    path_start: usize,
    port: u16,
}

impl Issuer {
    /// Reads an issuer.
    ///
    /// # Errors
    /// [`IssuerError`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let shown = || excerpt(text);
        let not_a_url = || IssuerError::NotAUrl(shown());
        // The `url` crate repairs as browsers do (blanks, backslashes, missing slashes); an issuer is not
        // repaired.
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(not_a_url());
        }
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or_else(not_a_url)?;
        if rest.contains(['?', '#']) {
            return Err(IssuerError::QueryOrFragment(shown()));
        }
        let authority = rest.find('/').map_or(rest, |end| &rest[..end]);
        if authority.contains('@') {
            return Err(IssuerError::UserInfo(shown()));
        }
        if authority.is_empty() {
            return Err(not_a_url());
        }
        if text.ends_with('/') {
            return Err(IssuerError::TrailingSlash(shown()));
        }
        let url = Url::parse(text).map_err(|_| not_a_url())?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(not_a_url());
        };
        let path_start = text.len() - (rest.len() - authority.len());
        let normal = url.as_str().trim_end_matches('/');
        if normal != text {
            return Err(IssuerError::NotNormal(shown(), normal.to_owned()));
        }
        if !text[path_start..].split('/').skip(1).all(is_plain_segment) {
            return Err(IssuerError::Path(shown()));
        }
        if text[path_start..].split('/').nth(1) == Some(".well-known") {
            return Err(IssuerError::WellKnown(shown()));
        }
        if url.scheme() != "https" && !is_loopback_host(host) {
            return Err(IssuerError::NotHttps(shown()));
        }
        Ok(Self {
            text: text.to_owned(),
            path_start,
            port,
        })
    }

    /// The issuer of a server that was given none: `https://` where it speaks TLS, else `http://`, and the address
    /// on which it listens.
    ///
    /// A server that listens on all addresses is `http://127.0.0.1` (or `http://[::1]`) to the machine it
    /// runs on.
    ///
    /// # Errors
    /// [`IssuerError::Needed`] for an address by which others reach this server: a certificate is for a name, and
    /// without one there is no TLS.
    pub fn of_listen_address(address: SocketAddr, tls: bool) -> Result<Self, IssuerError> {
        let (scheme, default_port) = if tls { ("https", 443) } else { ("http", 80) };
        if tls && !address.ip().is_loopback() {
            return Err(IssuerError::Needed(address));
        }
        let host = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        // A URL in normal form leaves the default port out.
        let text = if address.port() == default_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{}", address.port())
        };
        Self::parse(&text).map_err(|_| IssuerError::Needed(address))
    }

    /// The issuer as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path, beneath which all endpoints lie: empty, or such as `/oauth`.
    pub fn path(&self) -> &str {
        &self.text[self.path_start..]
    }

    /// Whether clients reach this server by TLS, its own or a proxy's.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// The host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        let authority = self.text[..self.path_start]
            .split_once("://")
            .map_or("", |(_, authority)| authority);
        match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split_once(':').map_or(authority, |(host, _)| host),
        }
    }

    /// The URL of an endpoint; `path` starts with a slash, such as `/token`.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Where the metadata lies: the well-known part stands between host and path (RFC 8414 §3.1).
    pub fn metadata_url(&self) -> String {
        let (origin, path) = self.text.split_at(self.path_start);
        format!("{origin}/.well-known/oauth-authorization-server{path}")
    }

    /// The port of the origin, also where the URL leaves it out: 443 for `https`, 80 for `http`.
    pub fn origin_port(&self) -> u16 {
        self.port
    }
}

/// Whether a path segment means the same to everyone who reads it.
fn is_plain_segment(segment: &str) -> bool {
    !segment.is_empty()
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

impl FromStr for Issuer {
    type Err = IssuerError;

    fn from_str(text: &str) -> Result<Self, IssuerError> {
        Self::parse(text)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Issuer").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_kept_as_given_and_taken_apart() {
        for (text, host, path, port, https) in [
            ("https://id.example.com", "id.example.com", "", 443, true),
            ("https://id.example.com:8443", "id.example.com", "", 8443, true),
            (
                "https://id.example.com/oauth",
                "id.example.com",
                "/oauth",
                443,
                true,
            ),
            (
                "https://id.example/a/b.c~d_e-f",
                "id.example",
                "/a/b.c~d_e-f",
                443,
                true,
            ),
            ("https://192.0.2.1", "192.0.2.1", "", 443, true),
            ("http://127.0.0.1:8420", "127.0.0.1", "", 8420, false),
            ("http://[::1]:8420/oauth", "::1", "/oauth", 8420, false),
            ("http://localhost", "localhost", "", 80, false),
        ] {
            let issuer = Issuer::parse(text).unwrap();
            assert_eq!(issuer.host(), host, "{text}");
            assert_eq!(issuer.as_str(), text);
            assert_eq!(issuer.path(), path, "{text}");
            assert_eq!(issuer.origin_port(), port, "{text}");
            assert_eq!(issuer.is_https(), https, "{text}");
            assert_eq!(issuer.endpoint("/token"), format!("{text}/token"));
        }
    }

    #[test]
    fn what_is_not_an_issuer_is_refused() {
        type Kind = fn(String) -> IssuerError;
        let table: [(&str, Kind); 27] = [
            ("", IssuerError::NotAUrl),
            ("id.example.com", IssuerError::NotAUrl),
            ("https:id.example.com", IssuerError::NotAUrl),
            ("HTTPS://id.example.com", IssuerError::NotAUrl),
            ("ftp://id.example.com", IssuerError::NotAUrl),
            ("https://", IssuerError::NotAUrl),
            ("https:///oauth", IssuerError::NotAUrl),
            ("https://id example.com", IssuerError::NotAUrl),
            ("https://id.example.com\n", IssuerError::NotAUrl),
            ("https://bücher.example", IssuerError::NotAUrl),
            ("https://id.example.com\\oauth", IssuerError::NotAUrl),
            ("https://id.example.com:99999", IssuerError::NotAUrl),
            ("https://id.example.com?a=b", IssuerError::QueryOrFragment),
            ("https://id.example.com/?", IssuerError::QueryOrFragment),
            ("https://id.example.com#", IssuerError::QueryOrFragment),
            ("https://owner:secret@id.example.com", IssuerError::UserInfo),
            ("https://@id.example.com", IssuerError::UserInfo),
            ("https://id.example.com/", IssuerError::TrailingSlash),
            ("https://id.example.com/oauth/", IssuerError::TrailingSlash),
            ("https://id.example.com//oauth", IssuerError::Path),
            ("https://id.example.com/a%20b", IssuerError::Path),
            ("https://id.example.com/a;b", IssuerError::Path),
            (
                "https://id.example.com/.well-known/oauth-protected-resource",
                IssuerError::WellKnown,
            ),
            ("http://id.example.com", IssuerError::NotHttps),
            ("http://127.0.0.2:8420", IssuerError::NotHttps),
            ("http://localhost.example.com", IssuerError::NotHttps),
            ("http://192.168.1.5:8420", IssuerError::NotHttps),
        ];
        for (text, kind) in table {
            assert_eq!(Issuer::parse(text), Err(kind(excerpt(text))), "{text}");
        }
        assert!(matches!(
            Issuer::parse(&format!("https://{}", "a".repeat(600))),
            Err(IssuerError::NotAUrl(_))
        ));
    }

    #[test]
    fn a_refusal_says_what_is_accepted_on_one_line() {
        assert_eq!(
            Issuer::parse("https://id.example.com/a;b")
                .unwrap_err()
                .to_string(),
            "`https://id.example.com/a;b` has a path that is not accepted; an issuer's path has segments of \
             letters, digits, `-`, `.`, `_` and `~`"
        );
    }

    #[test]
    fn another_spelling_is_refused_with_the_normal_one() {
        for (text, normal) in [
            ("https://ID.example.com", "https://id.example.com"),
            ("https://id.example.com:443", "https://id.example.com"),
            ("http://127.1:8420", "http://127.0.0.1:8420"),
            ("https://id.example.com/a/../b", "https://id.example.com/b"),
        ] {
            assert_eq!(
                Issuer::parse(text),
                Err(IssuerError::NotNormal(excerpt(text), normal.to_owned())),
                "{text}"
            );
            assert!(Issuer::parse(normal).is_ok(), "{normal}");
        }
    }

    #[test]
    fn a_server_without_an_issuer_is_known_by_its_loopback_address() {
        let of = |address: &str| Issuer::of_listen_address(address.parse().unwrap(), false);
        let of_tls = |address: &str| Issuer::of_listen_address(address.parse().unwrap(), true);
        for (address, issuer) in [
            ("127.0.0.1:8420", "http://127.0.0.1:8420"),
            ("127.0.0.1:80", "http://127.0.0.1"),
            ("[::1]:8420", "http://[::1]:8420"),
            ("0.0.0.0:8420", "http://127.0.0.1:8420"),
            ("[::]:8420", "http://[::1]:8420"),
        ] {
            assert_eq!(of(address).unwrap().as_str(), issuer, "{address}");
        }
        for address in ["192.168.1.5:8420", "127.0.0.2:8420", "[2001:db8::1]:443"] {
            assert_eq!(
                of(address),
                Err(IssuerError::Needed(address.parse().unwrap())),
                "{address}"
            );
        }
        for (address, issuer) in [
            ("127.0.0.1:8420", "https://127.0.0.1:8420"),
            ("127.0.0.1:443", "https://127.0.0.1"),
            ("[::1]:80", "https://[::1]:80"),
        ] {
            assert_eq!(of_tls(address).unwrap().as_str(), issuer, "{address}");
        }
        for address in ["192.168.1.5:8420", "0.0.0.0:8420", "[::]:443"] {
            assert!(of_tls(address).is_err(), "{address}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "https?://[a-z0-9.:/\\[\\]@%é]{0,24}") {
            if let Ok(issuer) = Issuer::parse(&text) {
                proptest::prop_assert_eq!(issuer.as_str(), text);
            }
        }
    }
}
