//! The pages of the demo's client, which a browser is redirected to.
//!
//! `GET /` starts a new authorization request, `GET /cb` is the redirect URI, and `POST /exchange` exchanges the code.
//! A client that is not a demo keeps state and verifier in the session of its own user; so does this one, but for the
//! requests that are made for whoever reads them on the terminal.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::Value;

use super::client::{Client, SentRequest};
use super::http_client::Answer;
use super::shorten::shorten;
use crate::domain::secret::Secret;
use crate::entropy::OsEntropy;
use crate::http::header_value::HeaderValue;
use crate::http::listener::Handler;
use crate::http::pages::{DemoClient, DemoStep, Detail, HiddenField, Pages};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;

/// The most requests of browsers that are remembered; the oldest is forgotten first.
const MOST_REQUESTS: usize = 64;

/// Serves the pages.
pub(super) struct ClientPage {
    client: Arc<Client>,
    pages: Pages,
    /// The port is in it: cookies do not know ports.
    cookie_name: String,
    sent: Mutex<VecDeque<Remembered>>,
}

struct Remembered {
    request: SentRequest,
    /// The cookie of the browser that the request was made for; none where it was made for the terminal.
    browser: Option<String>,
}

impl ClientPage {
    /// The pages of `client`, on this port.
    pub(super) fn new(client: Arc<Client>, port: u16) -> Self {
        Self {
            pages: Pages::new(&client.name),
            client,
            cookie_name: format!("demo_client_{port}"),
            sent: Mutex::default(),
        }
    }

    /// Makes a request whose answer is taken from any browser.
    pub(super) fn begin(&self) -> Result<SentRequest> {
        self.remember(None)
    }

    fn remember(&self, browser: Option<String>) -> Result<SentRequest> {
        let request = SentRequest::new()?;
        let mut sent = self.lock();
        let of_browsers = || sent.iter().filter(|old| old.browser.is_some());
        if of_browsers().count() >= MOST_REQUESTS
            && let Some(oldest) = sent.iter().position(|old| old.browser.is_some())
        {
            sent.remove(oldest);
        }
        sent.push_back(Remembered {
            request: request.clone(),
            browser,
        });
        Ok(request)
    }

    /// The request that `state` belongs to, if it was made for this browser. It is not used up: trying a code a second
    /// time is a part of the show.
    fn recall(&self, state: &str, browser: Option<&str>) -> Option<SentRequest> {
        let sent = self.lock();
        let of_browser = |old: &&Remembered| old.browser.is_none() || old.browser.as_deref() == browser;
        let found = sent
            .iter()
            .filter(of_browser)
            .find(|old| old.request.state == state)?;
        Some(found.request.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Remembered>> {
        // Whoever panicked while holding the lock left whole values behind.
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cookie<'r>(&self, request: &'r Request) -> Option<&'r str> {
        request
            .header("Cookie")?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.cookie_name)
            .map(|(_, value)| value)
    }

    /// Sends the browser to the authorization endpoint with a request of its own.
    fn start(&self, request: &Request) -> Result<Response> {
        let browser = match self.cookie(request).and_then(Secret::parse) {
            Some(known) => known.reveal(),
            None => Secret::generate(&OsEntropy)?.reveal(),
        };
        let cookie = format!("{}={browser}; Path=/; HttpOnly; SameSite=Lax", self.cookie_name);
        let sent = self.remember(Some(browser))?;
        let location = HeaderValue::encoded(&self.client.authorization_url(&sent));
        Ok(Response::redirect(302, location)
            .header("Set-Cookie", HeaderValue::encoded(&cookie))
            .header("Cache-Control", HeaderValue::from_static("no-store"))
            .header("Referrer-Policy", HeaderValue::from_static("no-referrer")))
    }

    /// The redirect URI: what the authorization server answered (RFC 6749 §4.1.2, RFC 9207).
    fn answered(&self, request: &Request) -> Response {
        let known = ["code", "state", "iss", "error", "error_description"];
        let answer = Parameters::parse(request.query().as_bytes(), &known);
        let get = |name| answer.get(name).unwrap_or_default();
        if let Some(error) = answer.get("error") {
            let is_ours = self.recall(get("state"), self.cookie(request)).is_some();
            let stray =
                "The state is none that was sent from this browser, so anybody may have made this address.";
            let description = if is_ours {
                answer.get("error_description")
            } else {
                Some(stray)
            };
            return self.refused(request, 200, error, description);
        }
        let Some(code) = answer.get("code") else {
            return self.refused(
                request,
                400,
                "invalid_request",
                Some("There is neither a code nor an error in the address."),
            );
        };
        let state = get("state");
        let hidden = |name: &str, value: &str| HiddenField {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.page(
            request,
            200,
            DemoStep::Received {
                code: shorten(code),
                state_matches: self.recall(state, self.cookie(request)).is_some(),
                issuer: get("iss").to_owned(),
                issuer_matches: get("iss") == self.client.issuer.as_str(),
                action: "/exchange".to_owned(),
                hidden: vec![hidden("state", state), hidden("code", code)],
            },
        )
    }

    /// The button: the code for an access token. Only for a request that this client sent, so that nobody else has
    /// codes tried out with the client's secret.
    fn exchange(&self, request: &Request) -> Response {
        let form = Parameters::parse(request.body(), &["state", "code"]);
        let get = |name| form.get(name).unwrap_or_default();
        let Some(sent) = self.recall(get("state"), self.cookie(request)) else {
            let description = "This form belongs to no request that was sent from this browser.";
            return self.refused(request, 403, "invalid_request", Some(description));
        };
        match self.client.exchange(get("code"), &sent.verifier) {
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the token endpoint cannot be asked");
                self.refused(
                    request,
                    502,
                    "temporarily_unavailable",
                    Some("The token endpoint does not answer."),
                )
            }
            Ok(answer) => match answer.error() {
                Some((error, description)) => self.refused(request, 200, &error, description.as_deref()),
                None => self.page(
                    request,
                    200,
                    DemoStep::Exchanged {
                        answer: members(&answer),
                    },
                ),
            },
        }
    }

    fn refused(&self, request: &Request, status: u16, error: &str, description: Option<&str>) -> Response {
        let step = DemoStep::Refused {
            error: error.to_owned(),
            description: description.map(str::to_owned),
        };
        self.page(request, status, step)
    }

    fn page(&self, request: &Request, status: u16, step: DemoStep) -> Response {
        let page = DemoClient {
            client: self.client.name.clone(),
            step,
            again_url: Some("/".to_owned()),
        };
        let spoken = self.pages.spoken(request.header("Accept-Language"));
        self.pages.respond(status, spoken.demo_client(&page))
    }
}

impl Handler for ClientPage {
    fn handle(&self, request: Request) -> Response {
        match (request.method(), request.path()) {
            ("GET", "/") => self.start(&request).unwrap_or_else(|error| {
                tracing::error!(
                    error = format!("{error:#}"),
                    "no authorization request can be made"
                );
                Response::text(500, "the client failed; its log says why\n")
            }),
            ("GET", "/cb") => self.answered(&request),
            ("POST", "/exchange") => self.exchange(&request),
            (_, "/" | "/cb") => {
                Response::text(405, "method not allowed\n").header("Allow", HeaderValue::from_static("GET"))
            }
            (_, "/exchange") => {
                Response::text(405, "method not allowed\n").header("Allow", HeaderValue::from_static("POST"))
            }
            _ => Response::text(404, "not found\n"),
        }
    }
}

/// The members of a token response in their order, with the tokens shortened.
fn members(answer: &Answer) -> Vec<Detail> {
    let Ok(Value::Object(members)) = answer.json() else {
        return Vec::new();
    };
    let shown = |name: &str, value: &Value| match value {
        Value::String(token) if name.ends_with("_token") => shorten(token),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    members
        .iter()
        .map(|(name, value)| Detail {
            label: name.clone(),
            values: vec![shown(name, value)],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::client::Credentials;
    use crate::cli::demo::http_client::HttpClient;
    use crate::domain::client::ClientSecret;

    fn client_page() -> ClientPage {
        let client = Client {
            name: "Orders Web".to_owned(),
            credentials: Credentials {
                id: "orders-web".parse().unwrap(),
                secret: ClientSecret::presented("secret"),
            },
            redirect_uri: "http://127.0.0.1:9/cb".to_owned(),
            scope: "orders:read".to_owned(),
            // Port 9 answers nobody.
            issuer: "http://127.0.0.1:9".parse().unwrap(),
            http: HttpClient::new(),
        };
        ClientPage::new(Arc::new(client), 9)
    }

    /// The state and the cookie of a new request.
    fn start(page: &ClientPage) -> (String, String) {
        let response = page.handle(Request::builder("GET", "/").build());
        let (_, query) = response
            .header_value("Location")
            .unwrap()
            .split_once('?')
            .unwrap();
        let parameters = Parameters::parse(query.as_bytes(), &["state"]);
        let cookie = response
            .header_value("Set-Cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        (parameters.get("state").unwrap().to_owned(), cookie.to_owned())
    }

    fn exchange(page: &ClientPage, state: &str, cookie: &str) -> u16 {
        let body = format!("code=oac_x&state={state}");
        let request = Request::builder("POST", "/exchange")
            .header("Cookie", cookie)
            .body(body);
        page.handle(request.build()).status()
    }

    #[test]
    fn a_code_is_tried_for_the_browser_that_made_the_request_only() {
        let page = client_page();
        let (state, cookie) = start(&page);
        let (other_state, other_cookie) = start(&page);
        assert_eq!(
            exchange(&page, &state, &cookie),
            502,
            "it was tried where nobody answers"
        );
        assert_eq!(exchange(&page, &other_state, &cookie), 403);
        assert_eq!(exchange(&page, &state, &other_cookie), 403);
        assert_eq!(exchange(&page, &state, ""), 403);
        let for_anybody = page.begin().unwrap().state;
        assert_eq!(exchange(&page, &for_anybody, ""), 502);
    }

    #[test]
    fn the_oldest_requests_of_browsers_are_forgotten() {
        let page = client_page();
        let for_anybody = page.begin().unwrap().state;
        let (first, cookie) = start(&page);
        for _ in 0..MOST_REQUESTS {
            start(&page);
        }
        assert_eq!(page.lock().len(), MOST_REQUESTS + 1);
        assert!(
            page.recall(&first, cookie.split_once('=').map(|(_, value)| value))
                .is_none()
        );
        assert!(page.recall(&for_anybody, None).is_some());
    }

    #[test]
    fn an_answer_to_nobodys_request_is_not_believed() {
        let page = client_page();
        let (state, cookie) = start(&page);
        let shown = |state: &str| {
            let target = format!("/cb?error=access_denied&error_description=%3Cb%3Ewhy&state={state}");
            let request = Request::builder("GET", &target).header("Cookie", &cookie);
            String::from_utf8(page.handle(request.build()).body_bytes().to_vec()).unwrap()
        };
        assert!(shown(&state).contains("&lt;b&gt;why"));
        assert!(!shown("stray").contains("why") && shown("stray").contains("none that was sent"));
    }
}
