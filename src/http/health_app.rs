//! Health and metrics on an address of their own, in plain HTTP: there is nothing secret in them.

use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::listener::{Handler, Limits};
use super::request::Request;
use super::response::Response;
use super::router::Endpoint;

/// Answers `/healthz`, `/readyz` and `/metrics`, and nothing else.
#[derive(Debug)]
pub struct HealthApp(pub Arc<App>);

impl HealthApp {
    /// Bounds of its own, so that a flood at the main address does not silence health.
    pub fn limits(main: &Limits) -> Limits {
        Limits {
            connections: 32,
            body_bytes: 0,
            head_bytes: 4 * 1024,
            target_bytes: 256,
            idle_time: main.idle_time.min(Duration::from_secs(30)),
            // It stops after the main address, which may have used its time up.
            grace_time: main.grace_time.min(Duration::from_secs(1)),
            ..main.clone()
        }
    }
}

impl Handler for HealthApp {
    fn handle(&self, request: Request) -> Response {
        self.0.answer(&request, |endpoint| {
            matches!(endpoint, Endpoint::Health | Endpoint::Ready | Endpoint::Metrics)
        })
    }
}
