//! Redirect URIs: registered as strings, compared as strings, sent back byte for byte (RFC 9700 §2.1).
//!
//! A URI is taken apart only to check it, and refused where a browser would read or rewrite it otherwise than
//! it is written. It is never put together again.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::loopback::is_loopback_host;

/// The longest redirect URI, in bytes.
pub const MAX_REDIRECT_URI_BYTES: usize = 2048;

/// A registered redirect URI (RFC 6749 §3.1.2): absolute, `https` or loopback `http`, without fragment and
/// user information, kept as it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri(String);

/// Why a text is not accepted as a redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Empty or too long.
    #[error("a redirect URI of {0} bytes: a redirect URI has 1 to {MAX_REDIRECT_URI_BYTES}")]
    Length(usize),
    /// A character that URIs do not have (RFC 3986 §2).
    #[error(
        "{0:?} in a redirect URI: accepted are the characters of RFC 3986, so no spaces, quotes, backslashes, `<>^`{{|}}` or letters beyond ASCII; anything else is percent-encoded"
    )]
    Character(char),
    /// `%` without two hexadecimal digits.
    #[error("a `%` in a redirect URI that is not followed by two hexadecimal digits; a literal one is %25")]
    PercentEncoding,
    /// Neither `https://` nor `http://`.
    #[error(
        "a redirect URI begins with `https://`, or with `http://` for 127.0.0.1, [::1] or localhost, in lower case"
    )]
    Scheme,
    /// `http` to another machine.
    #[error("http is accepted for 127.0.0.1, [::1] and localhost only, exactly so spelled; use https")]
    HttpBeyondLoopback,
    /// `#`, even with nothing behind it (RFC 6749 §3.1.2).
    #[error("a redirect URI has no fragment: leave out `#` and what follows")]
    Fragment,
    /// `name@` or `name:password@`.
    #[error("a redirect URI has no user information: leave out `@` and what stands before it")]
    UserInformation,
    /// `*` in the host.
    #[error("a redirect URI has no wildcard: register each host by its full name")]
    Wildcard,
    /// No host, or not one.
    #[error(
        "the host of a redirect URI is a name of letters, digits, `-`, `_` and `.`, an IPv4 address or an IPv6 address in brackets"
    )]
    Host,
    /// A browser would go to a host that is spelled otherwise.
    #[error("a browser reads the host of this redirect URI as `{0}`: write it so")]
    HostSpelling(String),
    /// Not a port.
    #[error(
        "the port of a redirect URI is a number from 1 to 65535 without leading zeros, or left out with its `:`"
    )]
    Port,
    /// A browser would rewrite the path.
    #[error(
        "a browser reads the path of this redirect URI as `{0}`: write it so, without `.` and `..` segments"
    )]
    PathSpelling(String),
    /// The URI is malformed in another way.
    #[error("not a redirect URI: {0}")]
    Malformed(#[from] url::ParseError),
}

/// A URI as its parts are written, each a piece of the text.
struct Written<'a> {
    is_http: bool,
    /// With brackets where it is an IPv6 address.
    host: &'a str,
    /// From the `:` on; empty where there is none.
    port: &'a str,
    /// From the path on.
    rest: &'a str,
}

impl<'a> Written<'a> {
    /// Cuts the text where its syntax says; whether host and port are good is not its concern. None where it
    /// does not begin with `https://` or `http://`.
    fn cut(text: &'a str) -> Option<Self> {
        let (is_http, after_scheme) = match text.strip_prefix("https://") {
            Some(after) => (false, after),
            None => (true, text.strip_prefix("http://")?),
        };
        let authority_end = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
        let (authority, rest) = after_scheme.split_at(authority_end);
        // The colons of an IPv6 address stand before its closing bracket.
        let address_end = authority.find(']').unwrap_or(0);
        let port_start = authority[address_end..]
            .find(':')
            .map_or(authority.len(), |colon| address_end + colon);
        let (host, port) = authority.split_at(port_start);
        Some(Self {
            is_http,
            host,
            port,
            rest,
        })
    }

    fn is_loopback_http(&self) -> bool {
        self.is_http && is_loopback_host(self.host)
    }
}

impl RedirectUri {
    /// The URI as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The presented URI, if it is this one: the same string, but for the port where this one is loopback
    /// `http`, since a native application takes the port that is free (RFC 8252 §7.3).
    pub fn accept(&self, presented: &str) -> Option<AcceptedRedirectUri> {
        let accepted = presented == self.0 || self.differs_in_port_only(presented);
        accepted.then(|| AcceptedRedirectUri(presented.to_owned()))
    }

    /// Whether [`accept`](Self::accept) takes the presented URI.
    pub fn matches(&self, presented: &str) -> bool {
        self.accept(presented).is_some()
    }

    /// Whether it is `http` to the machine itself, where the port may differ.
    pub fn is_loopback_http(&self) -> bool {
        Written::cut(&self.0).is_some_and(|own| own.is_loopback_http())
    }

    /// The host as it is written, with brackets where it is an IPv6 address.
    pub fn host(&self) -> &str {
        // The text was cut when it was parsed.
        Written::cut(&self.0).map_or("", |own| own.host)
    }

    /// Scheme, host and port as they are written, such as `http://127.0.0.1:9000`.
    pub fn origin(&self) -> &str {
        origin(&self.0)
    }

    fn differs_in_port_only(&self, presented: &str) -> bool {
        let (Some(own), Some(other)) = (Written::cut(&self.0), Written::cut(presented)) else {
            return false;
        };
        own.is_loopback_http()
            && other.is_http
            && other.host == own.host
            && other.rest == own.rest
            && is_port(other.port)
    }
}

impl FromStr for RedirectUri {
    type Err = RedirectUriError;

    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        if text.is_empty() || text.len() > MAX_REDIRECT_URI_BYTES {
            return Err(RedirectUriError::Length(text.len()));
        }
        check_characters(text)?;
        let written = Written::cut(text).ok_or(RedirectUriError::Scheme)?;
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        check_host(&written)?;
        if !is_port(written.port) {
            return Err(RedirectUriError::Port);
        }
        check_as_browsers_read_it(text, &written)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A presented redirect URI that a registered one accepts: where the browser is sent, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRedirectUri(String);

impl AcceptedRedirectUri {
    /// The URI as it was presented.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port as they are written, such as `http://127.0.0.1:9000`.
    pub fn origin(&self) -> &str {
        origin(&self.0)
    }

    /// The URI with these parameters behind it, `application/x-www-form-urlencoded`; a query that it has
    /// stays as it is (RFC 6749 §4.1.2 and §3.1.2).
    pub fn with_parameters(&self, parameters: &[(&str, &str)]) -> String {
        let mut target = self.0.clone();
        let mut separator = match target.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        for (name, value) in parameters {
            target.push_str(separator);
            target.extend(form_urlencoded::byte_serialize(name.as_bytes()));
            target.push('=');
            target.extend(form_urlencoded::byte_serialize(value.as_bytes()));
            separator = "&";
        }
        target
    }
}

impl fmt::Display for AcceptedRedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn origin(text: &str) -> &str {
    let rest = Written::cut(text).map_or(0, |written| written.rest.len());
    &text[..text.len() - rest]
}

/// Nothing, or `:` and a number from 1 to 65535 in plain digits.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    // `u16` would also take a sign and leading zeros.
    digits.starts_with(|c: char| matches!(c, '1'..='9')) && digits.parse::<u16>().is_ok()
}

fn check_characters(text: &str) -> Result<(), RedirectUriError> {
    let outside = |c: &char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c);
    if let Some(character) = text.chars().find(outside) {
        return Err(RedirectUriError::Character(character));
    }
    let two_digits = |after: &str| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if text.split('%').skip(1).all(two_digits) {
        Ok(())
    } else {
        Err(RedirectUriError::PercentEncoding)
    }
}

fn check_host(written: &Written<'_>) -> Result<(), RedirectUriError> {
    // User information ends up in `host` or `port`, wherever its colon stands.
    if written.host.contains('@') || written.port.contains('@') {
        return Err(RedirectUriError::UserInformation);
    }
    if written.host.contains('*') {
        return Err(RedirectUriError::Wildcard);
    }
    let is_address = written.host.starts_with('[') && written.host.ends_with(']');
    let is_name = written
        .host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if written.host.is_empty() || !(is_address || is_name) {
        return Err(RedirectUriError::Host);
    }
    if written.is_http && !written.is_loopback_http() {
        return Err(RedirectUriError::HttpBeyondLoopback);
    }
    Ok(())
}

/// Compares what stands there with what the URL standard, which browsers follow, makes of it: `127.1` is
/// 127.0.0.1, and `/a/%2e%2e/b` is `/b`.
fn check_as_browsers_read_it(text: &str, written: &Written<'_>) -> Result<(), RedirectUriError> {
    let read = Url::parse(text)?;
    let host = read.host_str().ok_or(RedirectUriError::Host)?;
    if !host.eq_ignore_ascii_case(written.host) {
        return Err(RedirectUriError::HostSpelling(host.to_owned()));
    }
    let path = written
        .rest
        .split_once('?')
        .map_or(written.rest, |(path, _)| path);
    // An empty path is sent as `/`, which is the same resource (RFC 9110 §4.2.3).
    if read.path() != path && !(path.is_empty() && read.path() == "/") {
        return Err(RedirectUriError::PathSpelling(read.path().to_owned()));
    }
    Ok(())
}
