//! Issuers, and the paths beneath them; against the `url` crate.

use oauthctl::domain::issuer::Issuer;
use oauthctl::http::router::endpoint;
use url::Url;

pub(super) fn run(input: &[u8]) {
    let Some(text) = super::text(input) else { return };
    let (text, path) = text.split_once('\n').unwrap_or((text, "/token"));
    let issuer = match Issuer::parse(text) {
        Ok(issuer) => issuer,
        Err(error) => return super::assert_message(&error.to_string()),
    };
    assert_eq!(issuer.as_str(), text);
    assert!(text.len() <= 512 && !text.ends_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let url = Url::parse(text).unwrap();
    assert_eq!(url.as_str().trim_end_matches('/'), text);
    assert_eq!((url.query(), url.fragment(), url.username()), (None, None, ""));
    assert_eq!(issuer.path(), url.path().trim_end_matches('/'));
    assert_eq!(issuer.is_https(), url.scheme() == "https");
    assert_eq!(issuer.origin_port(), url.port_or_known_default().unwrap());
    // What leads somewhere at the root leads there beneath the issuer.
    let root = Issuer::parse("https://id.example").unwrap();
    if let Some(found) = endpoint(path, &root)
        && !path.starts_with("/.well-known/")
    {
        assert_eq!(
            endpoint(&format!("{}{path}", issuer.path()), &issuer),
            Some(found),
            "{path}"
        );
    }
    if let Some(found) = endpoint(path, &issuer) {
        let beneath = path.strip_prefix(issuer.path()).unwrap_or(path);
        let somewhere = [path, beneath].map(|path| endpoint(path, &root));
        let is_metadata = path == format!("/.well-known/oauth-authorization-server{}", issuer.path());
        assert!(is_metadata || somewhere.contains(&Some(found)), "{path}");
    }
}
