//! The authorization code grant as everybody walks through it.

use serde_json::Value;

use super::browser::Browser;
use super::form::Form;
use super::home::{Client, PASSWORD, REDIRECT_URI};
use super::http::{Answer, encode};
use super::server::Server;

/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636, appendix B.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The path of a good authorization request of a client.
pub(crate) fn authorize(client: &Client) -> String {
    authorize_with(client, &[])
}

/// As [`authorize`], with more parameters.
pub(crate) fn authorize_with(client: &Client, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.extend_from_slice(more);
    format!("/authorize?{}", encode(&pairs))
}

/// Signs `username` in on the way to a path; leaves the browser where it is sent then.
#[track_caller]
pub(crate) fn sign_in(browser: &mut Browser, path: &str, username: &str) -> Answer {
    let page = browser.open(path);
    assert_eq!(page.status, 200, "{page:?}");
    let form = Form::with(&page.body, "password")
        .fill("username", username)
        .fill("password", PASSWORD);
    let answer = browser.submit(&form);
    assert_eq!(answer.status, 303, "{answer:?}");
    browser.open(answer.location())
}

/// A browser in which `alice` is signed in.
#[track_caller]
pub(crate) fn signed_in(server: &Server) -> Browser {
    let mut browser = Browser::at(server);
    let page = sign_in(&mut browser, "/account", "alice");
    assert_eq!(page.status, 200, "{page:?}");
    browser
}

/// Approves the request at `path` in a browser that is signed in; the answer redirects to the client.
#[track_caller]
pub(crate) fn approve(browser: &mut Browser, path: &str) -> Answer {
    let page = browser.open(path);
    let form = Form::with(&page.body, "decision").press("decision", "approve");
    let answer = browser.submit(&form);
    assert_eq!(answer.status, 303, "{answer:?}");
    answer
}

/// A fresh authorization code.
#[track_caller]
pub(crate) fn code(browser: &mut Browser, client: &Client) -> String {
    approve(browser, &authorize(client)).parameter("code").unwrap()
}

/// Exchanges a code as it should be done.
#[track_caller]
pub(crate) fn exchange(server: &Server, client: &Client, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    server.post("/token", client, &form)
}

/// Refreshes as it should be done.
#[track_caller]
pub(crate) fn refresh(server: &Server, client: &Client, refresh_token: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    server.post("/token", client, &form)
}

/// What a token response holds.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    /// Empty where there is none.
    pub(crate) refresh: String,
    pub(crate) scope: String,
}

impl Tokens {
    /// Out of an answer that must be a success.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let text = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            scope: text("scope"),
        }
    }
}

/// Fresh tokens of a client, approved in this browser.
#[track_caller]
pub(crate) fn tokens(server: &Server, browser: &mut Browser, client: &Client) -> Tokens {
    let code = code(browser, client);
    Tokens::of(&exchange(server, client, &code))
}
