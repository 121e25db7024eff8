//! What a resource owner does on `/account` about their own sign-in: the password, and signing out everywhere.

use crate::pages::assert_page_headers;
use crate::support::browser::Browser;
use crate::support::flow::{sign_in, signed_in};
use crate::support::form::Form;
use crate::support::home::PASSWORD;
use crate::support::http::Answer;
use crate::support::server::Server;

const NEW: &str = "a new password";

#[track_caller]
fn form(browser: &mut Browser) -> Form {
    Form::with(&browser.open("/account").body, "old_password")
}

#[track_caller]
fn change(browser: &mut Browser, form: &Form, old: &str, new: &str, again: &str) -> Answer {
    let filled = form
        .clone()
        .fill("old_password", old)
        .fill("new_password", new)
        .fill("new_password_again", again);
    browser.submit(&filled)
}

#[track_caller]
fn is_signed_in(browser: &mut Browser) -> bool {
    let page = browser.open("/account");
    assert_page_headers(&page);
    page.body.contains("Your connected applications")
}

#[test]
fn the_password_is_changed_and_other_browsers_are_signed_out() {
    let server = Server::start();
    let (mut here, mut elsewhere) = (signed_in(&server), signed_in(&server));
    let form = form(&mut here);
    let answer = change(&mut here, &form, PASSWORD, NEW, NEW);
    assert_eq!(answer.status, 303, "{answer:?}");
    let page = here.open(answer.location());
    assert!(page.body.contains("Your password is changed"), "{}", page.body);
    assert!(is_signed_in(&mut here) && !is_signed_in(&mut elsewhere));
    // Nobody else's link makes a page say so.
    let said = signed_in_with(&server, NEW).open(answer.location());
    assert!(!said.body.contains("Your password is changed"));
    let mut old = Browser::at(&server);
    let sign_in_form = Form::with(&old.open("/account").body, "password");
    let refused = old.submit(&sign_in_form.fill("username", "alice").fill("password", PASSWORD));
    assert_eq!(refused.status, 403);
}

#[track_caller]
fn signed_in_with(server: &Server, password: &str) -> Browser {
    let mut browser = Browser::at(server);
    let form = Form::with(&browser.open("/account").body, "password");
    let answer = browser.submit(&form.fill("username", "alice").fill("password", password));
    assert_eq!(answer.status, 303, "{answer:?}");
    browser
}

#[test]
fn what_is_wrong_is_said_at_the_form() {
    let server = Server::start();
    let (mut here, mut elsewhere) = (signed_in(&server), signed_in(&server));
    let form = form(&mut here);
    for (old, new, again, status, text) in [
        ("wrong", NEW, NEW, 403, "the current password is wrong"),
        (
            PASSWORD,
            NEW,
            "another one",
            400,
            "the two new passwords are not the same",
        ),
        (
            PASSWORD,
            "short",
            "short",
            400,
            "the new one needs at least 8 characters",
        ),
        (PASSWORD, "", "", 400, "the new one needs at least 8 characters"),
    ] {
        let answer = change(&mut here, &form, old, new, again);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_page_headers(&answer);
        assert!(answer.body.contains(text), "{text}: {}", answer.body);
        assert!(answer.body.contains("role=\"alert\""));
        assert!(!answer.body.contains(PASSWORD) && !answer.body.contains(NEW));
    }
    assert!(is_signed_in(&mut elsewhere));
    for _ in 0..9 {
        change(&mut here, &form, "wrong", NEW, NEW);
    }
    let waits = change(&mut here, &form, PASSWORD, NEW, NEW);
    assert_eq!(waits.status, 429);
    assert!(waits.header("Retry-After").is_some());
}

#[test]
fn forms_of_nobody_and_of_somebody_else_are_not_accepted() {
    let server = Server::start();
    server.home.owner("bob");
    let mut alice = signed_in(&server);
    let mut bob = Browser::at(&server);
    sign_in(&mut bob, "/account", "bob");
    let page = alice.open("/account");
    let everywhere = Form::with(&page.body, "everywhere");
    let password = Form::with(&page.body, "old_password")
        .fill("old_password", PASSWORD)
        .fill("new_password", NEW)
        .fill("new_password_again", NEW);
    for form in [&everywhere, &password] {
        let mut no_token = form.clone();
        no_token.fields.retain(|(name, _)| name != "form_token");
        // A token for another purpose is worth nothing.
        let sign_out = Form::all(&page.body).remove(0);
        let other_token = form.clone().fill("form_token", sign_out.value("form_token"));
        for form in [&no_token, &other_token] {
            let answer = alice.submit(form);
            assert_eq!(answer.status, 403, "{answer:?}");
            assert_page_headers(&answer);
        }
        assert_eq!(bob.submit(form).status, 403);
        assert_eq!(Browser::at(&server).submit(form).status, 403);
    }
    assert!(is_signed_in(&mut alice) && is_signed_in(&mut bob));
    signed_in(&server);
}

#[test]
fn signing_out_everywhere_ends_every_session_of_one() {
    let server = Server::start();
    server.home.owner("bob");
    let (mut here, mut elsewhere, mut bob) = (signed_in(&server), signed_in(&server), Browser::at(&server));
    sign_in(&mut bob, "/account", "bob");
    let before = here.clone();
    let form = Form::with(&here.open("/account").body, "everywhere");
    assert_eq!(form.action, "/logout");
    let answer = here.submit(&form);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("You are signed out"));
    assert_ne!(here.cookie(), before.cookie());
    for browser in [&mut here, &mut before.clone(), &mut elsewhere] {
        assert!(!is_signed_in(browser));
    }
    assert!(is_signed_in(&mut bob));
}

#[test]
fn a_second_tab_whose_session_has_ended_leads_to_the_sign_in() {
    let server = Server::start();
    let mut browser = signed_in(&server);
    let second_tab = form(&mut browser);
    let held = browser.clone();
    let sign_out = Form::all(&browser.open("/account").body).remove(0);
    assert_eq!(browser.submit(&sign_out).status, 200);
    // The browser that kept its cookie, and so the key of its forms.
    let answer = change(&mut held.clone(), &second_tab, PASSWORD, NEW, NEW);
    assert_eq!((answer.status, answer.location()), (303, "/account"));
    assert!(!is_signed_in(&mut held.clone()));
    signed_in(&server);
}
