//! What is measured, as Prometheus reads it.
//!
//! Requests are counted here; the use cases and the store count their own, and are asked when somebody reads. The
//! names of endpoints and the statuses are the program's own, so no caller can make the text grow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::listener::Traffic;
use crate::authorization_server::AuthorizationServer;
use crate::domain::grant::EndCause;

/// The endpoints by name; the last stands for a path that names none.
const ENDPOINTS: [&str; 13] = [
    "authorize",
    "token",
    "revoke",
    "introspect",
    "check",
    "account",
    "logout",
    "metadata",
    "resource_metadata",
    "healthz",
    "readyz",
    "metrics",
    NO_ENDPOINT,
];

/// What a path that names no endpoint counts for.
pub const NO_ENDPOINT: &str = "none";

/// Statuses of a final answer.
const STATUSES: std::ops::Range<u16> = 200..600;

/// The bounds of the latency histogram, in seconds.
const SECONDS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// The requests that were answered.
#[derive(Debug)]
pub struct Metrics {
    endpoints: Vec<Endpoint>,
    latency: HistogramVec,
}

#[derive(Debug)]
struct Endpoint {
    name: &'static str,
    /// Answers by status.
    answers: Vec<AtomicU64>,
    latency: Histogram,
}

impl Metrics {
    /// With nothing counted yet.
    ///
    /// # Panics
    /// Never: the library accepts the name and the buckets, which stand here.
    pub fn new() -> Self {
        let options = HistogramOpts::new(
            "oauthctl_http_request_duration_seconds",
            "Time from a whole request to its answer.",
        )
        .buckets(SECONDS.to_vec());
        let latency =
            HistogramVec::new(options, &["endpoint"]).expect("the name is one, and the buckets grow");
        let endpoint = |name| Endpoint {
            name,
            answers: STATUSES.map(|_| AtomicU64::new(0)).collect(),
            latency: latency.with_label_values(&[name]),
        };
        Self {
            endpoints: ENDPOINTS.into_iter().map(endpoint).collect(),
            latency,
        }
    }

    /// Counts an answer; a name that is no endpoint's counts for [`NO_ENDPOINT`].
    pub fn answered(&self, endpoint: &str, status: u16, took: Duration) {
        let named = self.endpoints.iter().find(|each| each.name == endpoint);
        let Some(endpoint) = named.or(self.endpoints.last()) else {
            return;
        };
        endpoint.latency.observe(took.as_secs_f64());
        let place = usize::from(status.saturating_sub(STATUSES.start));
        if let Some(count) = endpoint.answers.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text of all that is measured.
    ///
    /// # Errors
    /// Where the library refuses a name or a text; a fault of the program.
    pub fn text(
        &self,
        server: &AuthorizationServer,
        listeners: &[(&'static str, Traffic)],
    ) -> prometheus::Result<String> {
        // Made for each reading: it puts all in order, and holds nothing that is counted.
        let registry = Registry::new();
        self.requests(&registry)?;
        connections(listeners, &registry)?;
        use_cases(server, &registry)?;
        store(server, &registry)?;
        process(server, &registry)?;
        TextEncoder::new().encode_to_string(&registry.gather())
    }

    fn requests(&self, registry: &Registry) -> prometheus::Result<()> {
        let help = "Requests that were answered.";
        let requests = IntCounterVec::new(
            Opts::new("oauthctl_http_requests_total", help),
            &["endpoint", "status"],
        )?;
        for endpoint in &self.endpoints {
            for (status, count) in STATUSES.zip(&endpoint.answers) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = [endpoint.name, &status.to_string()];
                    requests.with_label_values(&labels).inc_by(count);
                }
            }
        }
        registry.register(Box::new(requests))?;
        registry.register(Box::new(self.latency.clone()))?;
        Ok(())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn connections(listeners: &[(&'static str, Traffic)], registry: &Registry) -> prometheus::Result<()> {
    let open = IntGaugeVec::new(
        Opts::new("oauthctl_http_connections", "Connections that are open."),
        &["listener"],
    )?;
    let refused = IntCounterVec::new(
        Opts::new(
            "oauthctl_http_refused_total",
            "Connections and requests that were refused before an endpoint saw them.",
        ),
        &["listener", "status"],
    )?;
    for (name, traffic) in listeners {
        open.with_label_values(&[name])
            .set(i64::try_from(traffic.open()).unwrap_or(i64::MAX));
        for (status, count) in traffic.refused() {
            refused
                .with_label_values(&[name, status.to_string().as_str()])
                .inc_by(count);
        }
    }
    registry.register(Box::new(open))?;
    registry.register(Box::new(refused))?;
    Ok(())
}

fn use_cases(server: &AuthorizationServer, registry: &Registry) -> prometheus::Result<()> {
    let counts = server.counts();
    let plain = |name, help, count: u64| -> prometheus::Result<()> {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        registry.register(Box::new(counter))?;
        Ok(())
    };
    plain(
        "oauthctl_grants_approved_total",
        "Grants that resource owners approved.",
        counts.grants_approved.get(),
    )?;
    plain(
        "oauthctl_grants_denied_total",
        "Authorization requests that resource owners denied.",
        counts.grants_denied.get(),
    )?;
    plain(
        "oauthctl_tokens_refreshed_total",
        "Refreshes that were answered with tokens.",
        counts.refreshes.get(),
    )?;
    plain(
        "oauthctl_tokens_revoked_total",
        "Access tokens that their client revoked; a revoked refresh token ends its grant.",
        counts.access_tokens_revoked.get(),
    )?;
    plain(
        "oauthctl_code_replays_total",
        "Authorization codes that their own client exchanged a second time.",
        counts.code_replays.get(),
    )?;
    plain(
        "oauthctl_refresh_token_reuses_total",
        "Refresh tokens that their own client used after the successor had been.",
        counts.refresh_token_reuses.get(),
    )?;
    plain(
        "oauthctl_client_authentication_failures_total",
        "Clients and resource servers that failed to authenticate.",
        counts.failed_client_authentications.get(),
    )?;
    plain(
        "oauthctl_pruned_tokens_total",
        "Tokens that pruning removed.",
        counts.pruned_tokens.get(),
    )?;
    plain(
        "oauthctl_prune_steps_total",
        "Steps of pruning, a transaction each.",
        counts.prune_steps.get(),
    )?;
    // What an administrator ends, another process counts, which nobody reads.
    let causes: Vec<_> = EndCause::ALL
        .into_iter()
        .filter(|&cause| cause != EndCause::Administration)
        .map(|cause| (cause.name(), counts.grants_ended(cause).get()))
        .collect();
    labelled(
        registry,
        "oauthctl_grants_ended_total",
        "Grants that ended, with all their tokens, by cause.",
        "cause",
        &causes,
    )?;
    labelled(
        registry,
        "oauthctl_tokens_issued_total",
        "Authorization codes and tokens that were issued.",
        "kind",
        &[
            ("code", counts.codes_issued.get()),
            ("access", counts.access_tokens_issued.get()),
            ("refresh", counts.refresh_tokens_issued.get()),
        ],
    )?;
    labelled(
        registry,
        "oauthctl_sign_ins_total",
        "Sign-ins of resource owners, by outcome.",
        "outcome",
        &[
            ("done", counts.sign_ins.get()),
            ("failed", counts.failed_sign_ins.get()),
            ("throttled", counts.throttled_sign_ins.get()),
            ("crowded_out", counts.crowded_out_sign_ins.get()),
        ],
    )?;
    labelled(
        registry,
        "oauthctl_throttled_total",
        "Attempts that had to wait after too many failures (429), by what failed.",
        "kind",
        &[
            ("password", counts.throttled_sign_ins.get()),
            ("client_secret", counts.throttled_clients.get()),
        ],
    )?;
    Ok(())
}

/// A counter for each value of a label.
fn labelled(
    registry: &Registry,
    name: &str,
    help: &str,
    label: &str,
    values: &[(&str, u64)],
) -> prometheus::Result<()> {
    let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
    for (value, count) in values {
        counters.with_label_values(&[value]).inc_by(*count);
    }
    registry.register(Box::new(counters))
}

fn store(server: &AuthorizationServer, registry: &Registry) -> prometheus::Result<()> {
    let figures = server.store_figures();
    registry.register(Box::new(figures.waiting.clone()))?;
    registry.register(Box::new(figures.batch.clone()))?;
    registry.register(Box::new(figures.commit.clone()))?;
    registry.register(Box::new(figures.failed.clone()))?;
    let bytes = server.store_bytes();
    let size = IntGaugeVec::new(Opts::new("oauthctl_store_bytes", "Size of the store."), &["file"])?;
    for (file, bytes) in [("database", bytes.database), ("write_ahead_log", bytes.log)] {
        size.with_label_values(&[file])
            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    registry.register(Box::new(size))?;
    Ok(())
}

fn process(server: &AuthorizationServer, registry: &Registry) -> prometheus::Result<()> {
    let start = Gauge::new(
        "process_start_time_seconds",
        "When the process started, in seconds since 1970.",
    )?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century fit")]
    start.set(server.started_at().as_millis() as f64 / 1000.0);
    registry.register(Box::new(start))?;
    let options = Opts::new("oauthctl_build_info", "The version that runs.")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    let build = IntGauge::with_opts(options)?;
    build.set(1);
    registry.register(Box::new(build))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::issuer::Issuer;
    use crate::http::router::endpoint;

    #[test]
    fn every_endpoint_is_counted_by_its_name() {
        let issuer = Issuer::parse("https://id.example").unwrap();
        let paths = [
            "/authorize",
            "/token",
            "/revoke",
            "/introspect",
            "/check",
            "/account",
            "/logout",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource",
            "/healthz",
            "/readyz",
            "/metrics",
        ];
        let names = paths.map(|path| endpoint(path, &issuer).unwrap().name());
        assert_eq!(names[..], ENDPOINTS[..ENDPOINTS.len() - 1]);
    }
}
