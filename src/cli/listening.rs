//! The settings as the bounds of the listener.

use crate::config::Settings;
use crate::http::listener::Limits;

/// The bounds that the settings ask for.
pub(super) fn limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    Limits {
        connections: limits.connections,
        requests_per_connection: limits.requests_per_connection,
        head_bytes: limits.head_bytes,
        body_bytes: limits.body_bytes,
        head_time: limits.head_time.duration(),
        body_time: limits.body_time.duration(),
        idle_time: limits.idle_time.duration(),
        write_time: limits.write_time.duration(),
        grace_time: settings.server.shutdown_grace.duration(),
        ..Limits::default()
    }
}
