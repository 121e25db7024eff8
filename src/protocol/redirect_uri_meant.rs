//! Which registered redirect URI was probably meant by one that is not registered. For people only: what the server accepts
//! is decided by [`RedirectUri::accept`](crate::domain::redirect_uri::RedirectUri::accept).

use std::ops::Range;

use crate::domain::likeness::{common, distance, is_near};
use crate::domain::loopback::LOOPBACK_HOSTS;

/// The registered redirect URIs, the nearest to what was sent first. The port of a loopback URI does not count.
pub fn nearest_first(sent: &str, registered: &mut [String]) {
    let sent = comparable(sent);
    registered.sort_by_cached_key(|known| distance(&sent, &comparable(known)));
}

/// What to send in place of `sent`, where one of the registered is so near that it was meant, or is the only one: with the
/// port that was sent where any will do.
pub fn meant(sent: &str, registered: &[String]) -> Option<String> {
    let mut known = registered.to_vec();
    nearest_first(sent, &mut known);
    let nearest = known.first()?;
    let is_meant = known.len() == 1 || is_near(&comparable(sent), &comparable(nearest));
    is_meant.then(|| match (loopback_port(sent), loopback_host(nearest)) {
        (Some(port), Some(host)) if nearest.starts_with("http:") && loopback_port(nearest).is_none() => {
            let (before, after) = nearest.split_at(host.end);
            format!("{before}{}{after}", sent.get(port).unwrap_or_default())
        }
        _ => nearest.clone(),
    })
}

/// Where a redirect URI begins to differ from a registered one, in bytes of the first. The port of a loopback URI may.
pub fn difference(sent: &str, registered: &str) -> usize {
    let port = loopback_port(sent);
    let at = common(&without_port(sent), &without_port(registered));
    match port {
        Some(port) if at >= port.start => at + port.len(),
        _ => at,
    }
}

/// Where the host of a loopback URI stands.
fn loopback_host(uri: &str) -> Option<Range<usize>> {
    let start = uri.find("://")? + 3;
    let rest = uri.get(start..)?;
    let host = LOOPBACK_HOSTS.into_iter().find(|host| {
        rest.get(..host.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(host))
    })?;
    let after = rest.get(host.len()..)?;
    (after.is_empty() || after.starts_with([':', '/', '?', '#'])).then_some(start..start + host.len())
}

/// Where the port of a loopback URI stands, colon and digits.
fn loopback_port(uri: &str) -> Option<Range<usize>> {
    let host = loopback_host(uri)?;
    let digits = uri.get(host.end..)?.strip_prefix(':')?;
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some(host.end..host.end + 1 + count)
}

fn without_port(uri: &str) -> String {
    let mut text = uri.to_owned();
    if let Some(port) = loopback_port(uri) {
        text.replace_range(port, "");
    }
    text
}

/// As people compare them: nobody means another case.
fn comparable(uri: &str) -> String {
    without_port(uri).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_found_behind_a_port_that_may_differ() {
        let registered = "http://127.0.0.1/callback";
        for (sent, from) in [
            ("http://127.0.0.1:9000/calback", "back"),
            ("http://127.0.0.1/callbak", "k"),
            ("http://127.0.0.1:9000/callback/", "/"),
            ("https://127.0.0.1/callback", "s://127.0.0.1/callback"),
            ("http://127.0.0.1:9000", ""),
            ("http://127.0.0.10:9000/callback", "0:9000/callback"),
        ] {
            assert_eq!(&sent[difference(sent, registered)..], from, "{sent}");
        }
    }

    #[test]
    fn what_was_meant_keeps_the_port_and_nonsense_means_nothing() {
        let registered = [
            "http://127.0.0.1/callback",
            "http://localhost/callback",
            "http://[::1]/callback",
            "http://127.0.0.1/cb",
            "https://app.example:8443/oauth",
        ]
        .map(str::to_owned);
        for (sent, expected) in [
            (
                "https://127.0.0.1:3000/callback",
                Some("http://127.0.0.1:3000/callback"),
            ),
            (
                "http://LOCALHOST:3000/callback",
                Some("http://localhost:3000/callback"),
            ),
            ("http://127.0.0.1/callback/", Some("http://127.0.0.1/callback")),
            ("http://[::1]:1/calback", Some("http://[::1]:1/callback")),
            (
                "https://app.example/oauth",
                Some("https://app.example:8443/oauth"),
            ),
            ("/callback", None),
            ("myapp://cb", None),
            ("", None),
        ] {
            assert_eq!(meant(sent, &registered).as_deref(), expected, "{sent}");
        }
        let only = ["https://app.example/cb".to_owned()];
        assert_eq!(
            meant("myapp://x", &only).as_deref(),
            Some("https://app.example/cb")
        );
        assert_eq!(meant("myapp://x", &[]), None);
    }
}
