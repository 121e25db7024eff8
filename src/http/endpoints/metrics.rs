//! `GET /metrics`: what Prometheus reads.

use crate::http::app::App;
use crate::http::header_value::HeaderValue;
use crate::http::request::Request;
use crate::http::response::Response;

/// What proxies add. A request that has one came from further than the peer.
const FORWARDED: [&str; 4] = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"];

/// Whether the main address may answer: only somebody at this machine who calls it so, and no proxy here that asks for
/// somebody else. (A page whose name was made to lead here is told by its `Host`.)
pub(crate) fn is_asked_from_here(request: &Request) -> bool {
    let host = request.header("Host").unwrap_or_default();
    let is_called_here = host == "localhost"
        || host.starts_with("localhost:")
        || host.starts_with("[::1]")
        || host
            .split(':')
            .next()
            .and_then(|host| host.parse::<std::net::Ipv4Addr>().ok())
            .is_some_and(|host| host.is_loopback());
    is_called_here
        && request.peer().ip().is_loopback()
        && FORWARDED
            .iter()
            .all(|name| request.headers_named(name).next().is_none())
}

pub(crate) fn handle(app: &App) -> Response {
    match app.metrics.text(&app.server, &app.listeners) {
        Ok(text) => Response::text(200, &text)
            .header(
                "Content-Type",
                HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            )
            .header("Cache-Control", HeaderValue::from_static("no-store")),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Response::text(500, "the server failed; its log says why\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_on_this_machine_is_not_somebody_at_this_machine() {
        let called = |host: &str, peer: &str| {
            Request::builder("GET", "/metrics")
                .header("Host", host)
                .peer(peer.parse().unwrap())
        };
        let from = |peer: &str| called("127.0.0.1:8420", peer);
        for host in ["localhost", "localhost:8420", "[::1]:8420", "127.0.0.1"] {
            assert!(is_asked_from_here(&called(host, "[::1]:9").build()), "{host}");
        }
        for host in ["id.example", "localhost.example:8420", "192.0.2.1", ""] {
            assert!(
                !is_asked_from_here(&called(host, "127.0.0.1:9").build()),
                "{host}"
            );
        }
        for here in ["127.0.0.1:9", "127.9.9.9:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            assert!(is_asked_from_here(&from(here).build()), "{here}");
            for name in ["forwarded", "X-Forwarded-For", "x-real-ip", "Via"] {
                let proxied = from(here).header(name, "").build();
                assert!(!is_asked_from_here(&proxied), "{here} {name}");
            }
        }
        assert!(!is_asked_from_here(&from("192.0.2.1:9").build()));
    }
}
