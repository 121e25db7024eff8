//! Approvals that are remembered, and `prompt`, `max_age` and `login_hint`, over HTTP.

use crate::support::browser::Browser;
use crate::support::flow::{Tokens, authorize, authorize_with, exchange, sign_in, signed_in};
use crate::support::form::Form;
use crate::support::home::{Client, PASSWORD};
use crate::support::http::Answer;
use crate::support::server::Server;

fn remembering(server: &Server) -> Client {
    server.home.client("orders", &["--consent", "remember"])
}

/// Approves what the page at `path` asks for, with `remember` ticked, and with what is unticked.
#[track_caller]
fn remember(browser: &mut Browser, path: &str, unticked: &[&str]) -> Answer {
    let page = browser.open(path);
    let value = page
        .body
        .split("name=\"remember\" value=\"")
        .nth(1)
        .expect("it is offered");
    let value = value.split('"').next().unwrap().to_owned();
    let mut form = Form::with(&page.body, "decision").press("decision", "approve");
    for scope in unticked {
        form = form.untick("scope", scope);
    }
    form.fields.push(("remember".to_owned(), value));
    let answer = browser.submit(&form);
    assert_eq!(answer.status, 303, "{answer:?}");
    answer
}

#[test]
fn an_approval_that_is_remembered_is_not_asked_for_again() {
    let server = Server::start();
    let client = remembering(&server);
    let mut browser = signed_in(&server);
    let path = authorize(&client);
    // Not ticked to begin with.
    let page = browser.open(&path);
    let form = Form::with(&page.body, "decision");
    assert!(form.fields.iter().all(|(name, _)| name != "remember"));
    remember(&mut browser, &path, &[]);

    let answer = browser.open(&path);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
    assert_eq!(answer.parameter("state").as_deref(), Some("xyz"));
    assert_eq!(answer.parameter("iss").as_deref(), Some(server.base.as_str()));
    let code = answer.parameter("code").unwrap();
    let tokens = Tokens::of(&exchange(&server, &client, &code));
    assert_eq!(tokens.scope, "orders:read stock");
    assert!(server.opens(&tokens.access));
    let silent = browser.open(&authorize_with(&client, &[("prompt", "none")]));
    assert!(silent.parameter("code").is_some(), "{silent:?}");
    let asked = browser.open(&authorize_with(&client, &[("prompt", "consent")]));
    Form::with(&asked.body, "decision");

    // The account page shows it, and ends it; another page has no form for that.
    let account = browser.open("/account");
    assert!(account.body.contains("Not asked again"), "{}", account.body);
    let forget = Form::with(&account.body, "approval");
    let mut no_token = forget.clone();
    no_token.fields.retain(|(name, _)| name != "form_token");
    assert_eq!(browser.submit(&no_token).status, 403);
    assert_eq!(signed_in(&server).submit(&forget).status, 403, "another browser");
    assert_eq!(browser.open(&path).status, 303);
    let answer = browser.submit(&forget);
    assert_eq!((answer.status, answer.location()), (303, "/account"));
    Form::with(&browser.open(&path).body, "decision");
    assert!(server.opens(&tokens.access));
    assert!(!browser.open("/account").body.contains("Not asked again"));
}

#[test]
fn less_was_approved_so_the_rest_is_asked_for() {
    let server = Server::start();
    let client = remembering(&server);
    let mut browser = signed_in(&server);
    remember(&mut browser, &authorize(&client), &["stock"]);
    Form::with(&browser.open(&authorize(&client)).body, "decision");
    let narrow = authorize_with(&client, &[("scope", "orders:read")]);
    assert!(browser.open(&narrow).parameter("code").is_some());
    let none = browser.open(&authorize_with(&client, &[("prompt", "none")]));
    assert_eq!(none.parameter("error").as_deref(), Some("consent_required"));
}

#[test]
fn a_client_that_always_asks_offers_no_checkbox() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let page = browser.open(&authorize(&client));
    assert!(!page.body.contains("name=\"remember\""));
    let mut form = Form::with(&page.body, "decision").press("decision", "approve");
    form.fields.push(("remember".to_owned(), "x".to_owned()));
    assert_eq!(browser.submit(&form).status, 303);
    Form::with(&browser.open(&authorize(&client)).body, "decision");
}

#[test]
fn what_needs_a_page_is_an_error_without_one() {
    let server = Server::start();
    let client = remembering(&server);
    for (mut browser, more, expected) in [
        (Browser::at(&server), "none", "login_required"),
        (signed_in(&server), "none", "consent_required"),
        (signed_in(&server), "none login", "invalid_request"),
        (signed_in(&server), "create", "invalid_request"),
    ] {
        let answer = browser.open(&authorize_with(&client, &[("prompt", more)]));
        assert_eq!(answer.status, 302, "{answer:?}");
        assert_eq!(answer.parameter("error").as_deref(), Some(expected));
        assert_eq!(answer.parameter("state").as_deref(), Some("xyz"));
        assert_eq!(answer.parameter("iss").as_deref(), Some(server.base.as_str()));
    }
}

#[test]
fn a_sign_in_that_is_asked_for_happens_once() {
    let server = Server::start();
    let client = remembering(&server);
    for more in [
        ("prompt", "login"),
        ("prompt", "select_account"),
        ("prompt", "login consent"),
        ("max_age", "0"),
    ] {
        let mut browser = signed_in(&server);
        let page = sign_in(&mut browser, &authorize_with(&client, &[more]), "alice");
        Form::with(&page.body, "decision");
    }
    // A young sign-in is as good, and an old one is not.
    let mut browser = signed_in(&server);
    let path = authorize_with(&client, &[("max_age", "3600")]);
    Form::with(&browser.open(&path).body, "decision");
    assert!(
        server
            .home
            .sql("UPDATE sessions SET signed_in_at = signed_in_at - 3601000", &[])
            > 0
    );
    Form::with(&browser.open(&path).body, "password");
}

#[test]
fn the_hint_stands_in_the_field_and_nowhere_else() {
    let server = Server::start();
    let client = remembering(&server);
    let hinted = |hint: &str| {
        let page = Browser::at(&server).open(&authorize_with(&client, &[("login_hint", hint)]));
        assert_eq!(page.status, 200);
        Form::with(&page.body, "password").value("username").to_owned()
    };
    assert_eq!(hinted("alice@example.org"), "alice@example.org");
    assert_eq!(hinted("\"><script>"), "\"><script>");
    for no_hint in ["two words", "a\u{202e}b", &"x".repeat(101)] {
        assert_eq!(hinted(no_hint), "");
    }
}

#[test]
fn two_tabs_with_two_clients_at_once() {
    let server = Server::start();
    let (orders, billing) = (remembering(&server), server.home.client("billing", &[]));
    let mut browser = Browser::at(&server);
    let second = browser.open(&authorize(&billing));
    let page = sign_in(&mut browser, &authorize(&orders), "alice");
    // The form of the second tab was made for the cookie of before.
    let form = Form::with(&second.body, "password")
        .fill("username", "alice")
        .fill("password", PASSWORD);
    let answer = browser.submit(&form);
    assert_eq!(answer.status, 303, "{answer:?}");
    let other_page = browser.open(answer.location());
    for (client, page) in [(&orders, page), (&billing, other_page)] {
        let form = Form::with(&page.body, "decision").press("decision", "approve");
        let code = browser.submit(&form).parameter("code").unwrap();
        Tokens::of(&exchange(&server, client, &code));
    }
}
