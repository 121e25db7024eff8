//! `/account`: what a resource owner has approved, and takes back; and signing out.

use crate::pages::assert_page_headers;
use crate::support::browser::Browser;
use crate::support::flow::{authorize_with, refresh, sign_in, signed_in, tokens};
use crate::support::form::Form;
use crate::support::server::Server;

/// The forms that take something back, and the page that they stand in.
#[track_caller]
fn approvals(browser: &mut Browser) -> (Vec<Form>, String) {
    let page = browser.open("/account");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Your connected applications"), "{}", page.body);
    let mut forms = Form::all(&page.body);
    forms.retain(|form| form.fields.iter().any(|(name, _)| name == "grant"));
    (forms, page.body)
}

#[test]
fn what_is_taken_back_ends_at_once_with_all_its_tokens() {
    let server = Server::start();
    let (orders, billing) = (
        server.home.client("orders", &[]),
        server.home.client("billing", &[]),
    );
    let mut browser = signed_in(&server);
    assert_eq!(approvals(&mut browser).0.len(), 0);

    let kept = tokens(&server, &mut browser, &billing);
    let taken = tokens(&server, &mut browser, &orders);
    let (forms, page) = approvals(&mut browser);
    assert_eq!(forms.len(), 2);
    for shown in ["alice", "Orders Web", "orders:read", "stock"] {
        assert!(page.contains(shown), "{shown}");
    }
    // The newest stands first.
    let answer = browser.submit(&forms[0]);
    assert_eq!((answer.status, answer.location()), (303, "/account"));
    assert!(!server.opens(&taken.access) && server.opens(&kept.access));
    assert_eq!(refresh(&server, &orders, &taken.refresh).status, 400);
    assert_eq!(refresh(&server, &billing, &kept.refresh).status, 200);
    let left: Vec<String> = approvals(&mut browser)
        .0
        .iter()
        .map(|form| form.value("grant").to_owned())
        .collect();
    assert_eq!(left, [forms[1].value("grant")]);
    // Pressed twice, it has happened.
    assert_eq!(browser.submit(&forms[0]).status, 303);
}

#[test]
fn nobody_takes_back_what_somebody_else_has_approved() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    server.home.owner("bob");
    let mut alice = signed_in(&server);
    let mut bob = Browser::at(&server);
    sign_in(&mut bob, "/account", "bob");
    let of_alice = tokens(&server, &mut alice, &client);
    tokens(&server, &mut bob, &client);
    let (alices, bobs) = (approvals(&mut alice).0.remove(0), approvals(&mut bob).0.remove(0));

    let other_grant = bobs.clone().fill("grant", alices.value("grant"));
    let mut no_token = alices.clone();
    no_token.fields.retain(|(name, _)| name != "form_token");
    for (browser, form) in [
        (&mut bob, &alices),
        (&mut Browser::at(&server), &alices),
        (&mut alice.clone(), &other_grant),
        (&mut alice.clone(), &no_token),
    ] {
        let answer = browser.submit(form);
        assert_eq!(answer.status, 403, "{answer:?}");
        assert_page_headers(&answer);
    }
    assert_eq!(bob.submit(&other_grant).status, 403);
    assert!(server.opens(&of_alice.access));
    assert_eq!(approvals(&mut bob).1.matches("Take access back").count(), 1);
}

#[test]
fn who_is_not_signed_in_signs_in_first() {
    let server = Server::start();
    let mut browser = Browser::at(&server);
    let page = browser.open("/account");
    let form = Form::with(&page.body, "password");
    assert_eq!(form.action, "/account");
    let wrong = browser.submit(&form.clone().fill("username", "alice").fill("password", "wrong"));
    assert_eq!(wrong.status, 403);
    assert!(wrong.body.contains("The username or the password is wrong."));
    sign_in(&mut browser, "/account", "alice");
    approvals(&mut browser);
}

#[test]
fn a_narrower_approval_is_shown_as_it_was_given() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let path = authorize_with(&client, &[("scope", "stock")]);
    let code = crate::support::flow::approve(&mut browser, &path)
        .parameter("code")
        .unwrap();
    assert_eq!(
        crate::support::flow::exchange(&server, &client, &code).status,
        200
    );
    let page = approvals(&mut browser).1;
    assert!(page.contains("stock") && !page.contains("orders:read"), "{page}");
}

#[test]
fn signing_out_ends_the_session_and_no_approval() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let held = tokens(&server, &mut browser, &client);
    let before = browser.clone();
    let form = Form::all(&browser.open("/account").body).remove(0);
    assert_eq!(form.action, "/logout");

    // A page of another site has no form token.
    let mut forged = form.clone();
    forged.fields.clear();
    assert_eq!(browser.submit(&forged).status, 403);
    approvals(&mut browser);

    let answer = browser.submit(&form);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("You are signed out"));
    assert_ne!(browser.cookie(), before.cookie());
    Form::with(&browser.clone().open("/account").body, "password");
    // The cookie is worth nothing any more, whoever kept it.
    let page = before.clone().open("/account");
    Form::with(&page.body, "password");
    assert!(server.opens(&held.access));
}
