//! Where the browser brings the answer: a listener on a loopback port (RFC 8252 §7.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use url::Url;

use super::answer::Expected;
use crate::cli::exit::CliError;
use crate::cli::hosted::Hosted;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::span;
use crate::http::header_value::HeaderValue;
use crate::http::listener::{Handler, Limits, Listener};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;

/// Bound, and not yet listened to. A browser that comes early waits.
pub(super) struct Bound {
    listeners: Vec<Listener>,
    /// With the port that is bound: what goes with the request.
    pub(super) redirect_uri: String,
    path: String,
}

/// Binds where the browser will come to: the port of the URI where it has one and it is not said that any will do, else a
/// free one.
pub(super) fn bind(redirect_uri: &RedirectUri, any_port: bool) -> Result<Bound, CliError> {
    let text = redirect_uri.as_str();
    let url = Url::parse(text).map_err(|error| CliError::Usage(format!("{text}: {error}")))?;
    let port = if any_port { 0 } else { url.port().unwrap_or(0) };
    let host = redirect_uri.host();
    let first = if host == "[::1]" {
        IpAddr::V6(Ipv6Addr::LOCALHOST)
    } else {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    };
    let listen = |address: SocketAddr| Listener::bind(address, limits());
    let address = SocketAddr::new(first, port);
    let listener = listen(address).map_err(CliError::io(format!("listen on {address} for the answer")))?;
    let bound = listener.local_addr().map_err(CliError::io("find the port"))?;
    let mut listeners = vec![listener];
    if host == "localhost" {
        // A browser may look for it there first. Where there is no IPv6, it does not.
        listeners.extend(listen(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), bound.port())).ok());
    }
    let (_, after) = text.split_once(host).unwrap_or_default();
    let rest = after.find(['/', '?']).map_or("", |start| &after[start..]);
    Ok(Bound {
        listeners,
        redirect_uri: format!("http://{host}:{}{rest}", bound.port()),
        path: url.path().to_owned(),
    })
}

/// One browser, which asks for one page, and whoever else looks for open ports.
fn limits() -> Limits {
    Limits {
        connections: 16,
        connections_per_address: 16,
        requests_per_connection: 16,
        head_bytes: 32 * 1024,
        target_bytes: 16 * 1024,
        body_bytes: 0,
        grace_time: Duration::from_secs(1),
        ..Limits::default()
    }
}

/// Waits for the one answer that belongs to the request.
pub(super) fn wait(bound: Bound, expected: Expected, patience: Duration) -> Result<Parameters, CliError> {
    let (sender, receiver) = sync_channel(1);
    let page = Arc::new(Page {
        path: bound.path,
        expected,
        answered: OnceLock::new(),
        sender,
    });
    let hosts: Result<Vec<Hosted>, _> = bound
        .listeners
        .into_iter()
        .map(|listener| Hosted::start(listener, Arc::clone(&page) as Arc<dyn Handler>))
        .collect();
    let hosts = hosts.map_err(CliError::io("start a thread"))?;
    let answer = receive(&receiver, patience);
    // The browser is still given its page: requests in flight finish.
    drop(hosts);
    answer
}

fn receive(receiver: &Receiver<Parameters>, patience: Duration) -> Result<Parameters, CliError> {
    receiver.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => CliError::Failed(anyhow::anyhow!(
            "no answer came within {}; --timeout waits longer",
            span::format(patience)
        )),
        RecvTimeoutError::Disconnected => CliError::Failed(anyhow::anyhow!("the listener ended")),
    })
}

/// The page that the browser ends at.
struct Page {
    path: String,
    expected: Expected,
    /// Set by the first request with the right state. Others change nothing.
    answered: OnceLock<()>,
    sender: SyncSender<Parameters>,
}

impl Page {
    fn answer(&self, request: &Request) -> Response {
        let Some(parameters) = self.expected.own(request.query()) else {
            return text(
                400,
                "This address belongs to no login that is waiting here: the state in it is none that was sent.\n",
            );
        };
        let said = match (self.expected.code(&parameters), parameters.get("error")) {
            (Ok(_), _) => "Approved. The terminal goes on; this window can be closed.\n",
            (Err(_), Some(_)) => "Not approved. The terminal says why; this window can be closed.\n",
            (Err(_), None) => {
                "The answer cannot be used. The terminal says why; this window can be closed.\n"
            }
        };
        if self.answered.set(()).is_err() {
            return text(400, "This login was answered already.\n");
        }
        // Nobody waits any more where this fails.
        let _ = self.sender.try_send(parameters);
        text(200, said)
    }
}

impl Handler for Page {
    fn handle(&self, request: Request) -> Response {
        match (request.method(), request.path() == self.path) {
            ("GET", true) => self.answer(&request),
            (_, true) => text(405, "method not allowed\n").header("Allow", HeaderValue::from_static("GET")),
            (_, false) => text(404, "not found\n"),
        }
    }
}

/// The address of the page holds a code, which is nobody else's business.
fn text(status: u16, text: &str) -> Response {
    Response::text(status, text)
        .header("Cache-Control", HeaderValue::from_static("no-store"))
        .header("Referrer-Policy", HeaderValue::from_static("no-referrer"))
        .header("X-Content-Type-Options", HeaderValue::from_static("nosniff"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> (Page, Receiver<Parameters>) {
        let (sender, receiver) = sync_channel(1);
        let expected = Expected {
            state: "af0ifjsldkj".to_owned(),
            issuer: "https://id.example".to_owned(),
            sends_issuer: false,
        };
        let page = Page {
            path: "/cb".to_owned(),
            expected,
            answered: OnceLock::new(),
            sender,
        };
        (page, receiver)
    }

    #[test]
    fn only_the_first_request_with_the_right_state_counts() {
        let (page, receiver) = page();
        let status =
            |method: &str, target: &str| page.handle(Request::builder(method, target).build()).status();
        for (method, target, expected) in [
            ("GET", "/", 404),
            ("GET", "/favicon.ico", 404),
            ("GET", "/cb", 400),
            ("GET", "/cb?code=evil&state=other", 400),
            ("POST", "/cb?code=evil&state=af0ifjsldkj", 405),
            ("HEAD", "/cb?code=evil&state=af0ifjsldkj", 405),
        ] {
            assert_eq!(status(method, target), expected, "{method} {target}");
        }
        assert!(receiver.try_recv().is_err());
        assert_eq!(status("GET", "/cb?code=good&state=af0ifjsldkj"), 200);
        assert_eq!(status("GET", "/cb?code=late&state=af0ifjsldkj"), 400);
        assert_eq!(receiver.try_recv().unwrap().get("code"), Some("good"));
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn the_port_is_a_free_one_or_the_one_that_is_named() {
        for (uri, host, rest) in [
            ("http://127.0.0.1/cb?a=b", "127.0.0.1", "/cb?a=b"),
            ("http://localhost:1/cb", "localhost", "/cb"),
            ("http://127.0.0.1", "127.0.0.1", ""),
        ] {
            let bound = bind(&uri.parse().unwrap(), true).unwrap();
            let port = bound.listeners[0].local_addr().unwrap().port();
            assert_eq!(bound.redirect_uri, format!("http://{host}:{port}{rest}"));
        }
        let first = bind(&"http://127.0.0.1/cb".parse().unwrap(), false).unwrap();
        let taken: RedirectUri = first.redirect_uri.parse().unwrap();
        assert!(matches!(bind(&taken, false), Err(CliError::Io { .. })));
    }
}
