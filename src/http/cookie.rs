//! The session cookie (RFC 6265).

use super::header_value::HeaderValue;
use super::request::Request;
use crate::domain::issuer::Issuer;
use crate::domain::session::SessionCookie;

/// How the cookie is named and set.
#[derive(Debug, Clone)]
pub struct CookiePolicy {
    name: String,
    secure: bool,
}

impl CookiePolicy {
    /// On https the `__Host-` prefix keeps other hosts of the domain from setting it. On http, which is loopback,
    /// the port is in the name: cookies do not know ports, and two servers on one laptop would sign each other out.
    pub fn new(issuer: &Issuer) -> Self {
        if issuer.is_https() {
            Self {
                name: "__Host-oauthctl".to_owned(),
                secure: true,
            }
        } else {
            Self {
                name: format!("oauthctl_{}", issuer.origin_port()),
                secure: false,
            }
        }
    }

    /// The cookie of a request, if it could be one of ours.
    pub fn read(&self, request: &Request) -> Option<SessionCookie> {
        request
            .headers_named("Cookie")
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name)
            .find_map(|(_, value)| SessionCookie::parse(value))
    }

    /// The `Set-Cookie` that hands a cookie out. It ends with the browser; the session behind it ends by itself.
    pub fn set(&self, cookie: &SessionCookie) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::encoded(&format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
            self.name,
            cookie.reveal()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::identifier::Identifier;
    use crate::domain::secret::Secret;
    use crate::entropy::SeededEntropy;

    fn cookie() -> SessionCookie {
        let secret = Secret::generate(&SeededEntropy::new(1)).unwrap();
        SessionCookie::new(Identifier::at(Timestamp::from_millis(5), 5), secret)
    }

    fn policy(issuer: &str) -> CookiePolicy {
        CookiePolicy::new(&Issuer::parse(issuer).unwrap())
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let value = cookie().reveal();
        assert_eq!(
            policy("http://127.0.0.1:8420").set(&cookie()).as_str(),
            format!("oauthctl_8420={value}; Path=/; HttpOnly; SameSite=Lax")
        );
        assert_eq!(
            policy("https://id.example").set(&cookie()).as_str(),
            format!("__Host-oauthctl={value}; Path=/; HttpOnly; SameSite=Lax; Secure")
        );
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let policy = policy("http://127.0.0.1:8420");
        let read = |header: &str| {
            let request = Request::builder("GET", "/").header("Cookie", header).build();
            policy.read(&request).map(|cookie| cookie.identifier())
        };
        let value = cookie().reveal();
        let expected = Some(cookie().identifier());
        assert_eq!(read(&format!("a=b; oauthctl_8420={value}; c=d")), expected);
        assert_eq!(
            read(&format!("oauthctl_8420=planted; oauthctl_8420={value}")),
            expected
        );
        assert_eq!(read(&format!("oauthctl_8421={value}")), None);
        assert_eq!(read("oauthctl_8420"), None);
    }
}
