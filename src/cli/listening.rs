//! The settings as the bounds of the listener.

use crate::config::{Protection, Settings};
use crate::domain::network::Networks;
use crate::http::listener::{Limits, Peers};

/// The bounds that the settings ask for.
pub(super) fn limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    Limits {
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        requests_per_connection: limits.requests_per_connection,
        head_bytes: limits.head_bytes,
        headers: limits.headers,
        target_bytes: limits.target_bytes,
        body_bytes: limits.body_bytes,
        head_time: limits.head_time.duration(),
        body_time: limits.body_time.duration(),
        idle_time: limits.idle_time.duration(),
        write_time: limits.write_time.duration(),
        grace_time: settings.server.shutdown_grace.duration(),
    }
}

/// Who may connect. Where only a proxy keeps secrets from being read on the way, only that may.
pub(super) fn peers(settings: &Settings, protection: Protection) -> Peers {
    let server = &settings.server;
    let loopback = Networks::loopback();
    let proxies = server.trusted_proxies.iter().filter(|_| server.behind_proxy);
    let uncounted: Networks = loopback.iter().chain(proxies).copied().collect();
    Peers {
        only: (protection == Protection::Proxy).then(|| uncounted.clone()),
        uncounted,
    }
}
