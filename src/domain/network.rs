//! Which addresses somebody is trusted at.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::excerpt::excerpt;

/// An IP address, or all addresses of a network: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether `address` lies in it. An IPv4 address that came through an IPv6 socket counts as IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

/// What is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor one with a prefix.
    #[error("{0} is neither an IP address nor a network such as `10.0.0.0/8`")]
    Malformed(String),
    /// An address within the network where the network's own is expected: which of the two was meant?
    #[error("{given} is an address within a network; the network itself is `{network}`")]
    HostBits {
        /// As it was written.
        given: String,
        /// The network that the address lies in.
        network: IpNet,
    },
    /// IPv4 addresses in the clothes of IPv6, which never are compared as such.
    #[error("{0} stands for IPv4 addresses; write them as such")]
    Mapped(String),
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let net = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| NetworkError::Malformed(excerpt(text)))?;
        if let IpAddr::V6(address) = net.addr()
            && address.to_ipv4_mapped().is_some()
        {
            return Err(NetworkError::Mapped(excerpt(text)));
        }
        if net.trunc() != net {
            return Err(NetworkError::HostBits {
                given: excerpt(text),
                network: net.trunc(),
            });
        }
        Ok(Self(net))
    }
}

/// Several networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// The addresses of this machine to itself.
    pub fn loopback() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
        Self(vec![Network(v4.into()), Network(v6.into())])
    }

    /// Whether `address` lies in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether one of them is not an address of this machine to itself.
    pub fn reach_beyond_loopback(&self) -> bool {
        self.0.iter().any(|network| !network.0.addr().is_loopback())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("::/0", "2001:db8::1", "203.0.113.1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.to_string(), network);
            assert!(parsed.contains(inside.parse().unwrap()), "{inside} in {network}");
            assert!(
                !parsed.contains(outside.parse().unwrap()),
                "{outside} in {network}"
            );
        }
        let loopback = Networks::loopback();
        assert!(
            loopback.contain("127.9.9.9".parse().unwrap()) && loopback.contain(Ipv6Addr::LOCALHOST.into())
        );
        assert!(!loopback.contain("192.0.2.1".parse().unwrap()));
        assert!(!loopback.reach_beyond_loopback() && !Networks::default().reach_beyond_loopback());
        let with_one: Networks = loopback
            .iter()
            .copied()
            .chain(["10.0.0.0/8".parse().unwrap()])
            .collect();
        assert!(with_one.reach_beyond_loopback());
        let shown: Vec<String> = loopback.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.0/8", "::1"]);
    }

    #[test]
    fn what_is_refused() {
        for (text, reason) in [
            (
                "",
                "`` is neither an IP address nor a network such as `10.0.0.0/8`",
            ),
            (
                "localhost",
                "`localhost` is neither an IP address nor a network such as `10.0.0.0/8`",
            ),
            (
                "10.0.0.0/33",
                "`10.0.0.0/33` is neither an IP address nor a network such as `10.0.0.0/8`",
            ),
            (
                "10.0.0.1:80",
                "`10.0.0.1:80` is neither an IP address nor a network such as `10.0.0.0/8`",
            ),
            (
                "10.0.0.1/8",
                "`10.0.0.1/8` is an address within a network; the network itself is `10.0.0.0/8`",
            ),
            (
                "::ffff:10.0.0.0/104",
                "`::ffff:10.0.0.0/104` stands for IPv4 addresses; write them as such",
            ),
        ] {
            assert_eq!(text.parse::<Network>().unwrap_err().to_string(), reason);
        }
    }
}
