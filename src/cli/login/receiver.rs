//! Where the browser brings the answer: a listener on a loopback port (RFC 8252 §7.3).

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::http::pages::{LoginAnswer, Pages};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::{Parameters, names_any};

/// Bound, and not yet listened to. A browser that comes early waits.
pub(super) struct Bound {
    listeners: Vec<Listener>,
    /// Scheme, host and port.
    origin: String,
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
    let listener = listen(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => CliError::Failed(anyhow::anyhow!(
            "another program listens on {address}, where the answer to {text} would come; give --redirect-uri another port, \
             or none for a free one"
        )),
        _ => CliError::io(format!("listen on {address} for the answer"))(error),
    })?;
    let bound = listener.local_addr().map_err(CliError::io("find the port"))?;
    let mut listeners = vec![listener];
    if host == "localhost" {
        // A browser may look for it there first. Where there is no IPv6, it does not.
        listeners.extend(listen(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), bound.port())).ok());
    }
    let (_, after) = text.split_once(host).unwrap_or_default();
    let rest = after.find(['/', '?']).map_or("", |start| &after[start..]);
    let origin = format!("http://{host}:{}", bound.port());
    Ok(Bound {
        listeners,
        redirect_uri: format!("{origin}{rest}"),
        origin,
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

/// How long a browser that has brought the answer is waited for, until it has fetched the page that says so.
const FAREWELL: Duration = Duration::from_secs(2);

/// The answer, and what shows the browser its last page. The listeners end when this is dropped.
pub(super) struct Answered {
    pub(super) parameters: Parameters,
    shown: Receiver<()>,
    _hosts: Vec<Hosted>,
}

impl Drop for Answered {
    fn drop(&mut self) {
        // A browser that does not come for it misses a page, and nothing else.
        let _ = self.shown.recv_timeout(FAREWELL);
    }
}

/// Waits for the one answer that belongs to the request.
pub(super) fn wait(bound: Bound, expected: Expected, patience: Duration) -> Result<Answered, CliError> {
    let (sender, receiver) = sync_channel(1);
    let (has_shown, shown) = sync_channel(1);
    let page = Arc::new(Page {
        closed: format!("{}/closed", bound.path.trim_end_matches('/')),
        origin: bound.origin,
        path: bound.path,
        expected,
        pages: Pages::new("oauthctl"),
        answered: OnceLock::new(),
        has_foreign: AtomicBool::new(false),
        sender,
        has_shown,
    });
    let hosts: Result<Vec<Hosted>, _> = bound
        .listeners
        .into_iter()
        .map(|listener| Hosted::start(listener, Arc::clone(&page) as Arc<dyn Handler>))
        .collect();
    let hosts = hosts.map_err(CliError::io("start a thread"))?;
    let parameters = receiver.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => page.nothing_within(patience),
        RecvTimeoutError::Disconnected => anyhow::anyhow!("the listener ended"),
    });
    Ok(Answered {
        parameters: parameters.map_err(CliError::Failed)?,
        shown,
        _hosts: hosts,
    })
}

/// The page that the browser ends at.
struct Page {
    origin: String,
    path: String,
    /// Where it is shown: a path that is not that of the answer, so that the code stays neither in the address bar nor
    /// in the history.
    closed: String,
    expected: Expected,
    pages: Pages,
    /// Set by the first request with the right state. Others change nothing.
    answered: OnceLock<LoginAnswer>,
    /// Whether something came that may have been meant for an answer.
    has_foreign: AtomicBool,
    sender: SyncSender<Parameters>,
    has_shown: SyncSender<()>,
}

impl Page {
    fn nothing_within(&self, patience: Duration) -> anyhow::Error {
        let patience = span::format(patience);
        if self.has_foreign.load(Ordering::Relaxed) {
            return anyhow::anyhow!(
                "within {patience} only an answer came whose `state` was not the one that was sent: it belongs to another \
                 request, or the server does not give `state` back as it was"
            );
        }
        anyhow::anyhow!("no answer came within {patience}; --timeout waits longer")
    }

    fn answer(&self, request: &Request) -> Response {
        let Some(parameters) = self.expected.own(request.query()) else {
            if names_any(request.query().as_bytes(), &["code", "error"]) {
                self.has_foreign.store(true, Ordering::Relaxed);
            }
            return self.show(request, 400, LoginAnswer::Foreign);
        };
        let answer = match (self.expected.code(&parameters), parameters.get("error")) {
            (Ok(_), _) => LoginAnswer::Approved,
            (Err(_), Some(_)) => LoginAnswer::Refused,
            (Err(_), None) => LoginAnswer::Unusable,
        };
        if self.answered.set(answer).is_err() {
            return self.show(request, 400, LoginAnswer::Repeated);
        }
        // Nobody waits any more where this fails.
        let _ = self.sender.try_send(parameters);
        // Whole, for a path that begins with two slashes would name another host.
        let location = HeaderValue::encoded(&format!("{}{}", self.origin, self.closed));
        private(Response::redirect(303, location))
    }

    fn closed(&self, request: &Request) -> Response {
        let Some(&answer) = self.answered.get() else {
            return text(404, "not found\n");
        };
        let page = self.show(request, 200, answer);
        // Said already where this fails.
        let _ = self.has_shown.try_send(());
        page
    }

    fn show(&self, request: &Request, status: u16, answer: LoginAnswer) -> Response {
        let spoken = self.pages.spoken(request.header("Accept-Language"));
        self.pages.respond(status, spoken.login_answer(answer))
    }
}

impl Handler for Page {
    fn handle(&self, request: Request) -> Response {
        let path = request.path();
        match (request.method(), path == self.path, path == self.closed) {
            ("GET", true, _) => self.answer(&request),
            ("GET", _, true) => self.closed(&request),
            (_, false, false) => text(404, "not found\n"),
            _ => text(405, "method not allowed\n").header("Allow", HeaderValue::from_static("GET")),
        }
    }
}

fn text(status: u16, text: &str) -> Response {
    private(Response::text(status, text))
}

/// The address that was asked for holds a code, which is nobody else's business.
fn private(response: Response) -> Response {
    response
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
        let (has_shown, _) = sync_channel(1);
        let page = Page {
            origin: "http://127.0.0.1:1".to_owned(),
            path: "/cb".to_owned(),
            closed: "/cb/closed".to_owned(),
            expected,
            pages: Pages::new("oauthctl"),
            answered: OnceLock::new(),
            has_foreign: AtomicBool::new(false),
            sender,
            has_shown,
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
            ("GET", "/cb/closed", 404),
            ("GET", "/cb", 400),
            ("GET", "/cb?code=evil&state=other", 400),
            ("POST", "/cb?code=evil&state=af0ifjsldkj", 405),
            ("HEAD", "/cb?code=evil&state=af0ifjsldkj", 405),
        ] {
            assert_eq!(status(method, target), expected, "{method} {target}");
        }
        assert!(receiver.try_recv().is_err());
        let told = page.nothing_within(Duration::from_secs(3)).to_string();
        assert!(told.starts_with("within 3s only an answer came"), "{told}");
        assert_eq!(status("GET", "/cb?code=good&state=af0ifjsldkj"), 303);
        assert_eq!(status("GET", "/cb?code=late&state=af0ifjsldkj"), 400);
        assert_eq!(receiver.try_recv().unwrap().get("code"), Some("good"));
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn the_last_page_has_nothing_of_the_answer_and_speaks_to_its_reader() {
        for (query, english, german) in [
            ("code=s3cret", "Approved", "Zugestimmt"),
            (
                "error=access_denied&error_description=s3cret",
                "Not approved",
                "Nicht zugestimmt",
            ),
            (
                "code=s3cret&iss=https://evil.example",
                "The answer cannot be used",
                "Die Antwort ist nicht zu gebrauchen",
            ),
        ] {
            let (page, _receiver) = page();
            let get = |target: &str, language: &'static str| {
                page.handle(
                    Request::builder("GET", target)
                        .header("Accept-Language", language)
                        .build(),
                )
            };
            let target = format!("/cb?state=af0ifjsldkj&{query}");
            let sent_on = get(&target, "en");
            assert_eq!(sent_on.status(), 303);
            let location = sent_on.header_value("Location");
            assert_eq!(location, Some("http://127.0.0.1:1/cb/closed"));
            for (language, said) in [("en", english), ("de-AT", german)] {
                let shown = get("/cb/closed", language);
                assert_eq!(shown.status(), 200);
                let html = String::from_utf8(shown.body_bytes().to_vec()).unwrap();
                assert!(html.contains(&format!("<h1>{said}</h1>")), "{html}");
                assert!(html.contains("color-scheme"), "{html}");
                assert!(
                    !html.contains("s3cret") && !html.contains("af0ifjsldkj"),
                    "{html}"
                );
                for (name, value) in [
                    ("Cache-Control", "no-store"),
                    ("Referrer-Policy", "no-referrer"),
                    ("Content-Security-Policy", "default-src 'none'"),
                ] {
                    let found = shown.header_value(name).unwrap();
                    assert!(found.starts_with(value), "{name}: {found}");
                }
            }
            assert_eq!(sent_on.header_value("Cache-Control"), Some("no-store"));
            assert_eq!(sent_on.header_value("Referrer-Policy"), Some("no-referrer"));
        }
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
        let refused = bind(&taken, false).map(drop).unwrap_err().to_string();
        assert!(refused.contains("--redirect-uri another port"), "{refused}");
    }
}
