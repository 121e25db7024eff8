//! Who may connect.

use crate::domain::network::Networks;

/// Who may connect, and who stands for many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    /// From where connections are taken; from elsewhere they are answered with 403. `None` takes them from
    /// everywhere.
    pub only: Option<Networks>,
    /// Whose connections are bounded in total only: proxies, which connect for all their callers, and this machine
    /// itself, where whoever means harm has better ways.
    pub uncounted: Networks,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            only: None,
            uncounted: Networks::loopback(),
        }
    }
}

impl Peers {
    /// Whether connections are taken from there.
    pub(super) fn may_connect(&self, address: std::net::IpAddr) -> bool {
        self.only.as_ref().is_none_or(|only| only.contain(address))
    }
}
