//! The address of whoever asks, where a proxy stands in between.

use std::net::{IpAddr, SocketAddr};

use crate::domain::network::Networks;

/// The field in which a proxy adds the address of its caller to those that the caller sent (RFC 7239 §1 tells of it).
pub const FORWARDED_FOR: &str = "X-Forwarded-For";

/// Where a request comes from: the address at the other end of the connection, or, where that is a trusted proxy, the
/// rightmost address in `forwarded` that is not one.
///
/// `forwarded` holds the values of all fields of the name, in the order in which they came. Each proxy adds what it
/// sees itself at the right end; only what stands there was written by somebody who is trusted, and to the left of
/// the first address that is no trusted proxy stands what the caller made up. An entry that is no address ends the
/// way as well: then the last address that was to be believed counts.
pub fn client_address<'v>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'v [u8]>,
    trusted: &Networks,
) -> IpAddr {
    let mut believed = peer.to_canonical();
    let mut entries = forwarded
        .rev()
        .flat_map(|value| value.rsplit(|byte| *byte == b','));
    while trusted.contain(believed) {
        match entries.next().map(address) {
            Some(Some(address)) => believed = address,
            Some(None) | None => break,
        }
    }
    believed
}

/// An address as proxies write it: some add the port, and put IPv6 into brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bracketed = || {
        text.strip_prefix('[')?
            .strip_suffix(']')?
            .parse()
            .ok()
            .map(IpAddr::V6)
    };
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(bracketed)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_trusted_proxy_added_is_believed() {
        let trusted: Networks = ["127.0.0.0/8", "::1", "10.0.0.0/8", "2001:db8::/32"]
            .into_iter()
            .map(|network| network.parse().unwrap())
            .collect();
        for (peer, fields, expected) in [
            // Nobody to believe.
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("192.0.2.1", &["127.0.0.1"], "192.0.2.1"),
            // One proxy.
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::1", &["2001:db9::7"], "2001:db9::7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // What the caller made up stands to the left.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["127.0.0.1, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["127.0.0.1", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            // Several proxies, in one field and in several.
            ("10.0.0.1", &["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (
                "10.0.0.1",
                &["203.0.113.9,198.51.100.7 ,\t10.0.0.2,10.0.0.3"],
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                &["198.51.100.7", "10.0.0.2", "2001:db8::2"],
                "198.51.100.7",
            ),
            // A program among the proxies asks itself.
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            // What is no address.
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7,"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.7, 10.0.0.2 10.0.0.3"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.256"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.07"], "10.0.0.1"),
            ("10.0.0.1", &["id.example"], "10.0.0.1"),
            ("10.0.0.1", &["caf\u{e9}"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7", ""], "10.0.0.1"),
            // With a port, and as IPv6 is written.
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", &["[2001:db9::7]:4711"], "2001:db9::7"),
            ("10.0.0.1", &["[2001:db9::7]"], "2001:db9::7"),
            ("10.0.0.1", &["[198.51.100.7]"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db9::7"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7:port"], "10.0.0.1"),
            // IPv4 in the clothes of IPv6 is IPv4.
            ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, ::ffff:10.0.0.2"], "198.51.100.7"),
        ] {
            let found = client_address(
                peer.parse().unwrap(),
                fields.iter().map(|field| field.as_bytes()),
                &trusted,
            );
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {fields:?}");
        }
    }
}
