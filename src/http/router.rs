//! Which endpoint a path names.

use crate::domain::issuer::Issuer;
use crate::domain::resource::WELL_KNOWN;
use crate::protocol::token_request::GrantType;

/// The endpoints of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Stages 1 to 4.
    Authorize,
    /// Stages 5 and 6; the name may imply the grant type.
    Token(Option<GrantType>),
    /// RFC 7009.
    Revoke,
    /// RFC 7662.
    Introspect,
    /// Stage 8.
    Check,
    /// What the resource owner has approved.
    Account,
    /// Ends the session.
    Logout,
    /// RFC 8414.
    Metadata,
    /// RFC 9728.
    ResourceMetadata,
    /// Alive.
    Health,
    /// Can read and write the store.
    Ready,
    /// What Prometheus reads.
    Metrics,
}

impl Endpoint {
    /// What it is called in metrics and in the log, whatever path led there.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Token(_) => "token",
            Self::Revoke => "revoke",
            Self::Introspect => "introspect",
            Self::Check => "check",
            Self::Account => "account",
            Self::Logout => "logout",
            Self::Metadata => "metadata",
            Self::ResourceMetadata => "resource_metadata",
            Self::Health => "healthz",
            Self::Ready => "readyz",
            Self::Metrics => "metrics",
        }
    }

    /// The methods that it answers, for `Allow`. `HEAD` goes where `GET` does.
    pub fn methods(self) -> &'static str {
        match self {
            Self::Authorize | Self::Account | Self::Check => "GET, HEAD, POST",
            Self::Token(_) | Self::Revoke | Self::Introspect | Self::Logout => "POST",
            Self::Metadata | Self::ResourceMetadata | Self::Health | Self::Ready | Self::Metrics => {
                "GET, HEAD"
            }
        }
    }

    /// Whether it answers `method`.
    pub fn answers(self, method: &str) -> bool {
        self.methods().split(", ").any(|answered| answered == method)
    }
}

/// The endpoint that `path` names at a server with this issuer.
///
/// Where the issuer has a path, endpoints stand beneath it, and also at the root, for a proxy that takes it off.
pub fn endpoint(path: &str, issuer: &Issuer) -> Option<Endpoint> {
    // RFC 8414 §3: the well-known part goes between host and path.
    if let Some(rest) = path.strip_prefix("/.well-known/oauth-authorization-server") {
        return (rest == issuer.path() || rest.is_empty()).then_some(Endpoint::Metadata);
    }
    // Which resource it is, is for the host to say as well.
    if let Some(rest) = path.strip_prefix(WELL_KNOWN) {
        return (rest.is_empty() || rest.starts_with('/')).then_some(Endpoint::ResourceMetadata);
    }
    let beneath = path
        .strip_prefix(issuer.path())
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
    Some(match beneath {
        "/authorize" => Endpoint::Authorize,
        "/token" => Endpoint::Token(None),
        "/revoke" => Endpoint::Revoke,
        "/introspect" => Endpoint::Introspect,
        "/check" => Endpoint::Check,
        "/account" => Endpoint::Account,
        "/logout" => Endpoint::Logout,
        "/healthz" => Endpoint::Health,
        "/readyz" => Endpoint::Ready,
        "/metrics" => Endpoint::Metrics,
        _ => return alias(beneath),
    })
}

/// The services of webMethods Integration Server, for clients that move over.
fn alias(path: &str) -> Option<Endpoint> {
    let service = path.strip_prefix("/invoke/pub.oauth")?.strip_prefix(['/', ':'])?;
    Some(match service {
        "authorize" => Endpoint::Authorize,
        "getToken" => Endpoint::Token(None),
        "getAccessToken" => Endpoint::Token(Some(GrantType::AuthorizationCode)),
        "refreshAccessToken" => Endpoint::Token(Some(GrantType::RefreshToken)),
        "introspectToken" => Endpoint::Introspect,
        "revokeToken" => Endpoint::Revoke,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let root = Issuer::parse("http://127.0.0.1:8420").unwrap();
        let beneath = Issuer::parse("https://id.example/oauth").unwrap();
        let well_known = "/.well-known/oauth-authorization-server";
        for (path, issuer, expected) in [
            ("/authorize", &root, Some(Endpoint::Authorize)),
            ("/authorize/", &root, None),
            ("/", &root, None),
            ("/oauth/token", &root, None),
            ("/oauth/token", &beneath, Some(Endpoint::Token(None))),
            ("/token", &beneath, Some(Endpoint::Token(None))),
            ("/oauthtoken", &beneath, None),
            (well_known, &root, Some(Endpoint::Metadata)),
            (&format!("{well_known}/oauth"), &beneath, Some(Endpoint::Metadata)),
            (&format!("{well_known}/other"), &beneath, None),
            (&format!("{well_known}/oauth"), &root, None),
            (WELL_KNOWN, &root, Some(Endpoint::ResourceMetadata)),
            (
                &format!("{WELL_KNOWN}/a/b"),
                &beneath,
                Some(Endpoint::ResourceMetadata),
            ),
            (&format!("{WELL_KNOWN}s"), &root, None),
            (&format!("/oauth{WELL_KNOWN}"), &beneath, None),
            ("/invoke/pub.oauth/authorize", &root, Some(Endpoint::Authorize)),
            ("/invoke/pub.oauth:getToken", &root, Some(Endpoint::Token(None))),
            (
                "/invoke/pub.oauth/getAccessToken",
                &root,
                Some(Endpoint::Token(Some(GrantType::AuthorizationCode))),
            ),
            (
                "/invoke/pub.oauth:refreshAccessToken",
                &root,
                Some(Endpoint::Token(Some(GrantType::RefreshToken))),
            ),
            (
                "/invoke/pub.oauth/introspectToken",
                &root,
                Some(Endpoint::Introspect),
            ),
            ("/invoke/pub.oauth:revokeToken", &root, Some(Endpoint::Revoke)),
            ("/invoke/pub.oauthauthorize", &root, None),
            ("/invoke/pub.oauth/other", &root, None),
        ] {
            assert_eq!(endpoint(path, issuer), expected, "{path} at {}", issuer.as_str());
        }
    }

    #[test]
    fn methods_are_equal_or_not() {
        assert!(Endpoint::Authorize.answers("HEAD") && Endpoint::Token(None).answers("POST"));
        assert!(!Endpoint::Token(None).answers("GET") && !Endpoint::Health.answers("POST"));
        assert!(!Endpoint::Health.answers("get") && !Endpoint::Health.answers("GET, HEAD"));
    }
}
