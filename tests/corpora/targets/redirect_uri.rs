//! Redirect URIs: what is registered on the first line, what is presented on the second; against the `url` crate, which
//! reads URLs as browsers do.

use oauthctl::domain::redirect_uri::{MAX_REDIRECT_URI_BYTES, RedirectUri};
use url::Url;

pub(super) fn run(input: &[u8]) {
    let Some(input) = super::text(input) else { return };
    let (registered, presented) = input.split_once('\n').unwrap_or((input, ""));
    let uri = match registered.parse::<RedirectUri>() {
        Ok(uri) => uri,
        Err(error) => return super::assert_message(&error.to_string()),
    };
    assert_registered(&uri, registered);
    assert!(uri.matches(registered));
    let Some(accepted) = uri.accept(presented) else {
        assert_ne!(registered, presented);
        return;
    };
    // Byte for byte, or another port of the machine itself and nothing else.
    assert_eq!(accepted.as_str(), presented);
    if presented != registered {
        assert!(uri.is_loopback_http());
        let (mut own, mut other) = (Url::parse(registered).unwrap(), Url::parse(presented).unwrap());
        own.set_port(None).unwrap();
        other.set_port(None).unwrap();
        assert_eq!(own, other);
        // It could have been registered itself.
        assert_eq!(
            presented.len() > MAX_REDIRECT_URI_BYTES,
            presented.parse::<RedirectUri>().is_err()
        );
    }
    // A browser takes the answer where the request said, with the parameters behind what was there.
    let sent = [
        ("code", "oac_1&=#/?x"),
        ("state", "ä \r\n%00"),
        ("iss", "https://id.example"),
    ];
    let target = accepted.with_parameters(&sent);
    assert!(
        target.starts_with(presented) && target.bytes().all(|byte| byte.is_ascii_graphic()),
        "{target}"
    );
    let (before, after) = (Url::parse(presented).unwrap(), Url::parse(&target).unwrap());
    assert_eq!((before.origin(), before.path()), (after.origin(), after.path()));
    assert_eq!(after.fragment(), None);
    let own = before.query_pairs().count();
    let behind: Vec<(String, String)> = after.query_pairs().into_owned().skip(own).collect();
    let expected = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(behind, expected, "{target}");
}

fn assert_registered(uri: &RedirectUri, text: &str) {
    assert_eq!(uri.as_str(), text);
    assert!(text.len() <= MAX_REDIRECT_URI_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!text.contains(['#', '\\', '"', '<', '>']));
    let url = Url::parse(text).unwrap();
    assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None));
    // No host but the one that is written.
    assert!(url.host_str().unwrap().eq_ignore_ascii_case(uri.host()), "{url}");
    assert!(
        Url::parse(uri.origin()).unwrap().origin() == url.origin(),
        "{url}"
    );
    assert!(url.scheme() == "https" || uri.is_loopback_http(), "{url}");
    if uri.is_loopback_http() {
        assert!(["127.0.0.1", "[::1]", "localhost"].contains(&url.host_str().unwrap()));
    }
}
