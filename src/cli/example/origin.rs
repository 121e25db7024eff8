//! Where something is reached over HTTP, as a configuration of a proxy names it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Url;

/// Scheme, host and port, such as `http://127.0.0.1:3000`: characters that mean nothing else in any configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    is_https: bool,
    /// As in a URL: an IPv6 address has brackets.
    host: String,
    port: u16,
}

impl Origin {
    /// A server that listens on `address` without TLS, as it is reached from the same machine.
    pub(super) fn of_listen_address(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self {
            is_https: false,
            host: ip,
            port: address.port(),
        }
    }

    /// Whether it is reached by TLS.
    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host, without the port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Host and port, also where the port is the usual one.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// The text is not an [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a URL of scheme, host and port is expected, such as `http://127.0.0.1:3000`, without a path")]
pub(super) struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let url = Url::parse(text).map_err(|_| NotAnOrigin)?;
        // A host and a port in normal form, and nothing else.
        if !matches!(url.scheme(), "http" | "https") || url.as_str().strip_suffix('/') != Some(text) {
            return Err(NotAnOrigin);
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(NotAnOrigin);
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        // Whoever writes a username, a query or a fragment writes another character than these.
        let (_, authority) = text.split_once("://").ok_or(NotAnOrigin)?;
        if !authority.bytes().all(is_plain) {
            return Err(NotAnOrigin);
        }
        Ok(Self {
            is_https: url.scheme() == "https",
            host: host.to_owned(),
            port,
        })
    }
}

/// The name by which clients reach a protected service, such as `api.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerName(String);

impl ServerName {
    /// The name as it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_label = |label: &str| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=63).contains(&label.len()) && label.bytes().all(is_plain)
        };
        if text.len() <= 253 && text.split('.').all(is_label) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a host name in lower case is expected, such as `api.example.com`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, shown) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://orders.internal", "https://orders.internal:443"),
            ("http://orders_1:80", ""),
            ("http://orders_1", "http://orders_1:80"),
            ("http://127.0.0.1:3000/", ""),
            ("http://127.0.0.1:3000/api", ""),
            ("http://127.0.0.1:3000?a", ""),
            ("http://127.0.0.1:3000#a", ""),
            ("http://alice@127.0.0.1:3000", ""),
            ("http://a;b:3000", ""),
            ("http://{env.HOME}:3000", ""),
            ("http://$host:3000", ""),
            ("http://a b:3000", ""),
            ("HTTP://a:3000", ""),
            ("ftp://a:3000", ""),
            ("unix:/run/a", ""),
            ("127.0.0.1:3000", ""),
            ("", ""),
        ] {
            let parsed = text.parse::<Origin>();
            assert_eq!(
                parsed.map(|origin| origin.to_string()).unwrap_or_default(),
                shown,
                "{text}"
            );
        }
    }

    #[test]
    fn a_server_name_is_a_host_name() {
        for good in ["localhost", "api.example.com", "10-0-0-1.example"] {
            assert!(good.parse::<ServerName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "API.example",
            "*.example.com",
            "a;b",
            "a b",
            "a\n",
            "_",
        ] {
            assert!(bad.parse::<ServerName>().is_err(), "{bad:?}");
        }
    }
}
