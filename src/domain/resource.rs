//! Resources: the URLs by which clients say where a token is to be used (RFC 8707 §2, RFC 9728 §1.2).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use url::Url;

use super::excerpt::excerpt;
use super::loopback::is_loopback_host;

/// The longest resource, in bytes. Several stand in a request, in a token's row and in each introspection.
pub const MAX_RESOURCE_BYTES: usize = 512;

/// The most resources that a token is bound to.
pub const MOST_RESOURCES: usize = 8;

/// What stands between host and path of a resource where its metadata lie (RFC 9728 §3.1).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Why a text is not a [`Resource`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Empty or too long.
    #[error("a resource of {0} bytes: a resource has 1 to {MAX_RESOURCE_BYTES}")]
    Length(usize),
    /// Not an absolute `http` or `https` URL in the characters that URLs have.
    #[error("{0} is not a resource; write an `https` URL such as `https://api.example.com/orders`")]
    NotAUrl(String),
    /// A fragment, which RFC 8707 §2 refuses, or a query, which it advises against.
    #[error(
        "{0} has a query or a fragment; a resource has neither, write it like `https://api.example.com/orders`"
    )]
    QueryOrFragment(String),
    /// A username or a password in front of the host.
    #[error("{0} names a user before the host; write it like `https://api.example.com/orders`")]
    UserInfo(String),
    /// `http` on a host that is not this machine.
    #[error("{0} is not `https`; `http` is accepted for `127.0.0.1`, `[::1]` and `localhost` only")]
    NotHttps(String),
    /// Another spelling of a URL than its normal one.
    #[error("{0} is not in normal form; write `{1}`")]
    NotNormal(String, String),
}

/// A resource, byte for byte as it was given: an `https` URL in normal form (or `http` on this machine) without user,
/// query and fragment.
///
/// Resources are compared as strings, so one that is registered as `https://api.example` is not
/// `https://api.example/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(String);

impl Resource {
    /// The resource as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its metadata are: the well-known part goes between host and path, and a path of nothing but a slash is
    /// left out (RFC 9728 §3.1).
    pub fn metadata_url(&self) -> String {
        let (origin, _) = self.cut();
        format!("{origin}{}", self.metadata_path())
    }

    /// The path of [`metadata_url`](Self::metadata_url).
    pub fn metadata_path(&self) -> String {
        let (_, path) = self.cut();
        format!("{WELL_KNOWN}{path}")
    }

    /// Whether its metadata are asked for by a request for the path `path` at the host `host`, which is the `Host` of
    /// the request, with or without the port that the scheme implies.
    pub fn has_metadata_at(&self, host: &str, path: &str) -> bool {
        let (origin, own_path) = self.cut();
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let implied = if scheme == "https" { ":443" } else { ":80" };
        let is_host = |host: &str| host.eq_ignore_ascii_case(authority);
        (is_host(host) || host.strip_suffix(implied).is_some_and(is_host))
            && path.strip_prefix(WELL_KNOWN) == Some(own_path)
    }

    /// Whether the metadata of both would be asked for in the same way, so that only one of them can have any.
    pub fn shares_metadata_with(&self, other: &Self) -> bool {
        let place = |resource: &Self| {
            let url = resource.metadata_url();
            url.split_once("://").map(|(_, place)| place.to_owned())
        };
        place(self) == place(other)
    }

    /// Scheme, host and port; and the path, empty where it is nothing but a slash.
    fn cut(&self) -> (&str, &str) {
        let after_scheme = self.0.find("://").map_or(0, |at| at + 3);
        let path_start = self.0[after_scheme..]
            .find('/')
            .map_or(self.0.len(), |at| after_scheme + at);
        let (origin, path) = self.0.split_at(path_start);
        (origin, if path == "/" { "" } else { path })
    }
}

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let shown = || excerpt(text);
        if text.is_empty() || text.len() > MAX_RESOURCE_BYTES {
            return Err(ResourceError::Length(text.len()));
        }
        // The `url` crate repairs as browsers do; a resource is not repaired. It stands in lists between spaces, and
        // in a header between quotes.
        let outside = |byte: u8| !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&byte);
        if text.bytes().any(outside) {
            return Err(ResourceError::NotAUrl(shown()));
        }
        let after_scheme = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or_else(|| ResourceError::NotAUrl(shown()))?;
        if text.contains(['?', '#']) {
            return Err(ResourceError::QueryOrFragment(shown()));
        }
        let authority = after_scheme.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(ResourceError::UserInfo(shown()));
        }
        let url = Url::parse(text)
            .ok()
            .filter(|_| !authority.is_empty())
            .ok_or_else(|| ResourceError::NotAUrl(shown()))?;
        if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
            return Err(ResourceError::NotNormal(shown(), url.as_str().to_owned()));
        }
        let is_loopback = url.host_str().is_some_and(is_loopback_host);
        if url.scheme() != "https" && !is_loopback {
            return Err(ResourceError::NotHttps(shown()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resource").field(&self.0).finish()
    }
}

/// Why resources are not a [`ResourceSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceSetError {
    /// One of them is none.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// More than [`MOST_RESOURCES`].
    #[error("more than {MOST_RESOURCES} resources")]
    TooMany,
}

/// The resources that a token is bound to: at most [`MOST_RESOURCES`]. One that is bound to none is good at all of
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceSet(BTreeSet<Resource>);

impl ResourceSet {
    /// Reads the resources of a request; the same one more than once counts once.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, ResourceSetError> {
        let mut set = BTreeSet::new();
        for text in texts {
            set.insert(text.parse()?);
            if set.len() > MOST_RESOURCES {
                return Err(ResourceSetError::TooMany);
            }
        }
        Ok(Self(set))
    }

    /// Those of them for which `is_kept` holds.
    pub fn filtered<E>(&self, mut is_kept: impl FnMut(&Resource) -> Result<bool, E>) -> Result<Self, E> {
        let mut kept = BTreeSet::new();
        for resource in &self.0 {
            if is_kept(resource)? {
                kept.insert(resource.clone());
            }
        }
        Ok(Self(kept))
    }

    /// Whether it binds to none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The resources, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter()
    }

    /// Whether this resource is one of them.
    pub fn contains(&self, resource: &Resource) -> bool {
        self.0.contains(resource)
    }

    /// Whether a token that is bound to these is good at this resource: bound to it, or to none.
    pub fn admits(&self, resource: &Resource) -> bool {
        self.is_empty() || self.contains(resource)
    }
}

impl FromStr for ResourceSet {
    type Err = ResourceSetError;

    /// As [`Display`](fmt::Display) writes it.
    fn from_str(text: &str) -> Result<Self, ResourceSetError> {
        Self::parse(text.split(' ').filter(|text| !text.is_empty()))
    }
}

impl fmt::Display for ResourceSet {
    /// Separated by spaces, which no resource has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, resource) in self.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(f, "{space}{resource}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        text.parse().unwrap()
    }

    #[test]
    fn a_resource_is_kept_as_given_and_its_metadata_lie_before_its_path() {
        // RFC 9728 §3.1.
        for (text, metadata) in [
            (
                "https://resource.example.com",
                "https://resource.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://resource.example.com/",
                "https://resource.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://resource.example.com/resource1",
                "https://resource.example.com/.well-known/oauth-protected-resource/resource1",
            ),
            (
                "https://resource.example.com:8443/a/",
                "https://resource.example.com:8443/.well-known/oauth-protected-resource/a/",
            ),
            (
                "http://127.0.0.1:8420/a%2Fb;c",
                "http://127.0.0.1:8420/.well-known/oauth-protected-resource/a%2Fb;c",
            ),
            (
                "http://[::1]",
                "http://[::1]/.well-known/oauth-protected-resource",
            ),
            (
                "http://localhost:1",
                "http://localhost:1/.well-known/oauth-protected-resource",
            ),
        ] {
            assert_eq!(resource(text).as_str(), text);
            assert_eq!(resource(text).metadata_url(), metadata, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_resource_is_refused() {
        type Kind = fn(String) -> ResourceError;
        let table: [(&str, Kind); 23] = [
            ("api.example", ResourceError::NotAUrl),
            ("urn:example:api", ResourceError::NotAUrl),
            ("/orders", ResourceError::NotAUrl),
            ("https:api.example", ResourceError::NotAUrl),
            ("HTTPS://api.example", ResourceError::NotAUrl),
            ("https://", ResourceError::NotAUrl),
            ("https:///orders", ResourceError::NotAUrl),
            ("https://api example", ResourceError::NotAUrl),
            ("https://api.example\n", ResourceError::NotAUrl),
            ("https://api.example/\"", ResourceError::NotAUrl),
            ("https://api.example\\orders", ResourceError::NotAUrl),
            ("https://bücher.example", ResourceError::NotAUrl),
            ("https://api.example:99999", ResourceError::NotAUrl),
            ("https://api.example/#", ResourceError::QueryOrFragment),
            ("https://api.example#a", ResourceError::QueryOrFragment),
            ("https://api.example?a=b", ResourceError::QueryOrFragment),
            ("https://api.example/a?", ResourceError::QueryOrFragment),
            ("https://a:b@api.example", ResourceError::UserInfo),
            ("https://@api.example", ResourceError::UserInfo),
            ("http://api.example", ResourceError::NotHttps),
            ("http://127.0.0.2", ResourceError::NotHttps),
            ("http://localhost.example", ResourceError::NotHttps),
            ("http://10.0.0.1/orders", ResourceError::NotHttps),
        ];
        for (text, kind) in table {
            assert_eq!(text.parse::<Resource>(), Err(kind(excerpt(text))), "{text}");
        }
        let longest = format!("https://api.example/{}", "a".repeat(MAX_RESOURCE_BYTES - 20));
        assert_eq!(resource(&longest).as_str(), longest);
        for (text, length) in [(String::new(), 0), (format!("{longest}a"), 513)] {
            assert_eq!(text.parse::<Resource>(), Err(ResourceError::Length(length)));
        }
    }

    #[test]
    fn another_spelling_is_refused_with_the_normal_one() {
        for (text, normal) in [
            ("https://API.example/a", "https://api.example/a"),
            ("https://api.example:443/a", "https://api.example/a"),
            ("https://api.example/a/../b", "https://api.example/b"),
            ("http://127.1/a", "http://127.0.0.1/a"),
        ] {
            let refused = ResourceError::NotNormal(excerpt(text), normal.to_owned());
            assert_eq!(text.parse::<Resource>(), Err(refused));
            assert_eq!(resource(normal).as_str(), normal);
        }
    }

    #[test]
    fn metadata_are_asked_for_at_host_and_path_of_the_resource() {
        let at = |path: &str| format!("{WELL_KNOWN}{path}");
        for (text, host, path, expected) in [
            ("https://api.example", "api.example", "", true),
            ("https://api.example/", "api.example", "", true),
            ("https://api.example", "API.example:443", "", true),
            ("https://api.example", "api.example:80", "", false),
            ("https://api.example", "api.example:8443", "", false),
            ("https://api.example", "api.example", "/", false),
            ("https://api.example", "other.example", "", false),
            ("https://api.example", "", "", false),
            ("https://api.example:8443/a", "api.example:8443", "/a", true),
            ("https://api.example:8443/a", "api.example", "/a", false),
            ("https://api.example/a", "api.example", "/a", true),
            ("https://api.example/a", "api.example", "/A", false),
            ("https://api.example/a", "api.example", "/a/", false),
            ("https://api.example/a", "api.example", "/a/b", false),
            ("http://localhost/a", "localhost:80", "/a", true),
            ("http://[::1]:8420/a", "[::1]:8420", "/a", true),
        ] {
            let found = resource(text).has_metadata_at(host, &at(path));
            assert_eq!(found, expected, "{text} at {host}{path}");
        }
        assert!(!resource("https://api.example").has_metadata_at("api.example", "/"));
    }

    #[test]
    fn two_resources_whose_metadata_would_lie_in_one_place_are_told() {
        for (a, b, expected) in [
            ("https://api.example", "https://api.example/", true),
            ("https://localhost/a", "http://localhost/a", true),
            ("https://api.example/a", "https://api.example/a/", false),
            ("https://api.example/a", "https://api.example:8443/a", false),
            ("https://api.example/a", "https://other.example/a", false),
        ] {
            assert_eq!(
                resource(a).shares_metadata_with(&resource(b)),
                expected,
                "{a} {b}"
            );
        }
    }

    #[test]
    fn a_set_reads_back_and_is_bounded() {
        let set =
            ResourceSet::parse(["https://b.example", "https://a.example", "https://b.example"]).unwrap();
        assert_eq!(set.to_string(), "https://a.example https://b.example");
        assert_eq!(set.to_string().parse::<ResourceSet>().unwrap(), set);
        assert_eq!(
            ResourceSet::default().to_string().parse(),
            Ok(ResourceSet::default())
        );
        assert!(set.admits(&resource("https://a.example")) && !set.admits(&resource("https://c.example")));
        assert!(ResourceSet::default().admits(&resource("https://c.example")));
        let many: Vec<String> = (0..9).map(|n| format!("https://{n}.example")).collect();
        let read = |count: usize| ResourceSet::parse(many[..count].iter().map(String::as_str));
        assert_eq!(read(8).unwrap().iter().count(), 8);
        assert_eq!(read(9), Err(ResourceSetError::TooMany));
        assert!(matches!(
            ResourceSet::parse(["nonsense"]),
            Err(ResourceSetError::Resource(_))
        ));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "https?://[a-z0-9.:/\\[\\]@%é]{0,24}") {
            if let Ok(resource) = text.parse::<Resource>() {
                proptest::prop_assert_eq!(resource.as_str(), &text);
                proptest::prop_assert!(resource.metadata_url().contains(WELL_KNOWN));
            }
        }
    }
}
