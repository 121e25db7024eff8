//! Resource indicators, a line each; against the `url` crate.

use oauthctl::domain::resource::{MAX_RESOURCE_BYTES, MOST_RESOURCES, Resource, ResourceSet};
use oauthctl::protocol::check_resource;
use url::Url;

pub(super) fn run(input: &[u8]) {
    let Some(text) = super::text(input) else { return };
    let mut resources = Vec::new();
    for line in text.split('\n').take(MOST_RESOURCES + 2) {
        match line.parse::<Resource>() {
            Ok(resource) => {
                assert_resource(&resource, line);
                resources.push(resource);
            }
            Err(error) => super::assert_message(&error.to_string()),
        }
    }
    let parsed = ResourceSet::parse(resources.iter().map(Resource::as_str));
    resources.sort();
    resources.dedup();
    assert_eq!(parsed.is_ok(), resources.len() <= MOST_RESOURCES);
    if let Ok(set) = parsed {
        assert!(set.iter().eq(&resources));
        // Bound to some, it is good at these only; bound to none, everywhere.
        let elsewhere: Resource = "https://elsewhere.example".parse().unwrap();
        assert_eq!(set.admits(&elsewhere), set.is_empty() || set.contains(&elsewhere));
        assert!(resources.iter().all(|resource| set.admits(resource)));
    }
    for (at, one) in resources.iter().enumerate() {
        for other in &resources[at + 1..] {
            assert_eq!(one.shares_metadata_with(other), other.shares_metadata_with(one));
            // As strings: never by what they might mean.
            assert_ne!(one, other);
        }
    }
}

fn assert_resource(resource: &Resource, text: &str) {
    assert_eq!(resource.as_str(), text);
    assert!(text.len() <= MAX_RESOURCE_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let url = Url::parse(text).unwrap();
    assert!(
        url.as_str() == text || url.as_str() == format!("{text}/"),
        "{url}"
    );
    assert_eq!(
        (url.query(), url.fragment(), url.username(), url.password()),
        (None, None, "", None)
    );
    let is_loopback = ["127.0.0.1", "[::1]", "localhost"].contains(&url.host_str().unwrap());
    assert!(url.scheme() == "https" || is_loopback);
    // RFC 9728 §3.1: on the same host, and found by who asks there.
    let metadata = Url::parse(&resource.metadata_url()).unwrap();
    assert_eq!(metadata.origin(), url.origin());
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    assert!(
        resource.has_metadata_at(authority, &resource.metadata_path()),
        "{url}"
    );
    assert!(
        !resource.has_metadata_at("other.example", &resource.metadata_path()) || authority == "other.example"
    );
    // In the query of a check it is read as it is written.
    let query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    assert_eq!(
        check_resource::read(&format!("resource={query}"))
            .unwrap()
            .as_ref(),
        Some(resource)
    );
}
