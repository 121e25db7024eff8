//! Whose address counts: a line with the networks of trusted proxies between commas, one with the address of the
//! connection, and one for each `X-Forwarded-For`.

use std::net::IpAddr;

use oauthctl::domain::network::{Network, Networks};
use oauthctl::http::client_address::client_address;

pub(super) fn run(input: &[u8]) {
    let (networks, rest) = super::first_line(input);
    let (peer, fields) = super::first_line(rest);
    let Some(networks) = super::text(networks) else {
        return;
    };
    let mut trusted = Vec::new();
    for text in networks.split(',') {
        match text.parse::<Network>() {
            Ok(network) => {
                assert_network(network, text);
                trusted.push(network);
            }
            Err(error) => super::assert_message(&error.to_string()),
        }
    }
    let Some(peer) = super::text(peer).and_then(|peer| peer.parse::<IpAddr>().ok()) else {
        return;
    };
    let trusted: Networks = trusted.into_iter().collect();
    let fields: Vec<&[u8]> = fields.split(|byte| *byte == b'\n').collect();
    let found = client_address(peer, fields.iter().copied(), &trusted);
    // IPv4 is IPv4.
    assert_eq!(found, found.to_canonical());
    if !trusted.contain(peer) {
        assert_eq!(found, peer.to_canonical());
    }
    // What stands to the left of an address that is believed and not trusted is of no consequence.
    if !trusted.contain(found) {
        let mut more: Vec<&[u8]> = vec![b"203.0.113.9, 127.0.0.1", b"::1"];
        more.extend(&fields);
        assert_eq!(client_address(peer, more.into_iter(), &trusted), found);
    }
    // One field or several: the same.
    let joined = fields.join(&b',');
    assert_eq!(
        client_address(peer, std::iter::once(joined.as_slice()), &trusted),
        found
    );
}

/// By arithmetic on the bits of addresses.
fn assert_network(network: Network, text: &str) {
    let shown = network.to_string();
    assert_eq!(shown.parse::<Network>().unwrap(), network);
    let (address, length) = shown.split_once('/').unwrap_or((&shown, ""));
    let address: IpAddr = address.parse().unwrap();
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32_u32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let (own, width) = bits(address);
    let length: u32 = length.parse().unwrap_or(width);
    assert!(length <= width, "{text}");
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    assert_eq!(own & !mask, 0, "{text} has bits of a host");
    for other in [
        "127.0.0.1",
        "10.1.2.3",
        "::1",
        "2001:db8::7",
        "::ffff:10.1.2.3",
        "255.255.255.255",
        "::",
    ] {
        let other: IpAddr = other.parse().unwrap();
        let (its, its_width) = bits(other.to_canonical());
        let inside = width == its_width && its & mask == own;
        assert_eq!(network.contains(other), inside, "{other} in {network}");
    }
    assert!(network.contains(address));
}
