//! What this machine calls itself, as it stands in URLs and in `Host`.

/// The names, exactly so spelled (RFC 8252 §7.3 and §8.3).
pub const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Whether a host is this machine, whoever reads it.
pub fn is_loopback_host(host: &str) -> bool {
    LOOPBACK_HOSTS.contains(&host)
}
