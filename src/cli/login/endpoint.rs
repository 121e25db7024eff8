//! URLs of a server that secrets may be sent to.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::cli::parties::http_client::is_this_machine;
use crate::domain::excerpt::excerpt;

/// The longest URL, in bytes.
const LONGEST: usize = 2048;

/// The issuer of any server, as it was given: an `https` URL, or `http` on this machine, without query, fragment and user
/// (RFC 8414 §2). Unlike the issuers that this server accepts as its own, it may end with a slash: there are servers
/// whose issuers do, and issuers are compared as strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerIssuer {
    text: String,
    url: Url,
}

impl ServerIssuer {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// `https`, or `http` on this machine.
    pub(super) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host as a URL has it.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Where metadata may lie: as RFC 8414 §3.1 has it, and then as OpenID Connect Discovery does (RFC 8414 §5), which
    /// many servers know alone.
    pub(super) fn metadata_urls(&self) -> [String; 2] {
        let origin = self.url.origin().ascii_serialization();
        let path = self.url.path().trim_end_matches('/');
        [
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
            format!("{origin}{path}/.well-known/openid-configuration"),
        ]
    }
}

impl fmt::Display for ServerIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ServerIssuer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = safe_url(text)?;
        if text.contains('?') {
            return Err(format!("{} has a query; an issuer has none", excerpt(text)));
        }
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }
}

/// Reads what a server may call a resource: any absolute URI without fragment (RFC 8707 §2). What more this server asks of
/// one, it says itself.
pub(super) fn resource_uri(text: &str) -> Result<String, String> {
    let is_plain = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && !text.contains('#') && Url::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} is not an absolute URI without fragment, such as `https://api.example.com`",
        excerpt(text)
    ))
}

/// Reads a URL by which nobody on the way can listen: `https`, or `http` to this machine.
pub(super) fn safe_url(text: &str) -> Result<Url, String> {
    let shown = excerpt(text);
    let is_plain = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(text)
        .ok()
        .filter(|url| is_plain && url.has_host())
        .ok_or_else(|| format!("{shown} is not a URL such as `https://id.example.com`"))?;
    if text.contains('#') || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{shown} has a fragment or names a user; leave that out"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if url.host_str().is_some_and(is_this_machine) => Ok(url),
        _ => Err(format!(
            "{shown} is not `https`; `http` is accepted for this machine only"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_lies_before_the_path_or_behind_it() {
        for (issuer, first, second) in [
            (
                "https://id.example",
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://id.example/",
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "http://[::1]:8080/realms/a",
                "http://[::1]:8080/.well-known/oauth-authorization-server/realms/a",
                "http://[::1]:8080/realms/a/.well-known/openid-configuration",
            ),
        ] {
            let issuer: ServerIssuer = issuer.parse().unwrap();
            assert_eq!(issuer.metadata_urls(), [first, second]);
        }
    }

    #[test]
    fn resources_are_absolute_uris() {
        for good in ["https://api.example", "urn:example:orders", "api://orders/a?b"] {
            assert_eq!(resource_uri(good), Ok(good.to_owned()));
        }
        for bad in ["", "orders", "/orders", "https://api.example#a", "https://a b"] {
            assert!(resource_uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_go_to_safe_urls_only() {
        for good in [
            "https://id.example/a?b",
            "http://localhost:1/a",
            "http://127.0.0.1",
        ] {
            assert!(safe_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "http://127.0.0.1.evil.example",
            "https://a@id.example",
            "https://id.example#a",
            "ftp://id.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert!(safe_url(bad).is_err(), "{bad}");
        }
        assert!("https://id.example?a".parse::<ServerIssuer>().is_err());
    }
}
