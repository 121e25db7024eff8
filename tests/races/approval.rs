//! Races of a resource owner with herself: two windows, one session.

#![expect(
    clippy::print_stderr,
    reason = "whoever runs more rounds wants to know what happened in them"
)]

use crate::moment::{at_once, grants, rounds};
use crate::support::flow::{authorize, signed_in};
use crate::support::form::Form;
use crate::support::server::Server;

#[test]
fn a_form_that_is_sent_from_several_connections_approves_once() {
    const WINDOWS: usize = 8;
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    for _ in 0..rounds(10) {
        let before = grants(&server).len();
        let page = browser.open(&authorize(&client));
        let form = Form::with(&page.body, "decision").press("decision", "approve");
        let answers = at_once(&server, WINDOWS, |_, _| browser.clone().submit(&form));
        let approved = answers.iter().filter(|answer| answer.status == 303);
        let codes: Vec<_> = approved.map(|answer| answer.parameter("code")).collect();
        assert!(matches!(codes.as_slice(), [Some(_)]), "{codes:?}");
        assert_eq!(
            answers.iter().filter(|answer| answer.status == 409).count(),
            WINDOWS - 1
        );
        assert_eq!(grants(&server).len(), before + 1);
    }
}

#[test]
fn whoever_approves_and_signs_out_at_once_has_done_one_before_the_other() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let (mut approvals, mut refusals) = (0, 0);
    for round in 0..rounds(16) {
        let mut browser = signed_in(&server);
        let page = browser.open(&authorize(&client));
        let form = Form::with(&page.body, "decision").press("decision", "approve");
        let account = browser.open("/account");
        let mut forms = Form::all(&account.body).into_iter();
        let sign_out = forms.find(|form| form.action.ends_with("/logout")).unwrap();
        let before = grants(&server).len();
        let answers = at_once(&server, 2, |number, _| {
            // Turn by turn the one or the other is a little later.
            if number == round % 2 {
                server.get("/healthz", &[]);
            }
            browser
                .clone()
                .submit(if number == 0 { &form } else { &sign_out })
        });
        assert_eq!(answers[1].status, 200, "{:?}", answers[1]);
        assert_eq!(answers[0].status, 303, "{:?}", answers[0]);
        let made = grants(&server).len() - before;
        if answers[0].location().starts_with("https://orders.example/") {
            assert!(answers[0].parameter("code").is_some());
            assert_eq!(made, 1);
            approvals += 1;
        } else {
            // To sign in again, for the same request.
            assert_eq!(made, 0);
            refusals += 1;
        }
        // The session is over, whatever came first.
        let fresh = browser.clone().submit(&form);
        assert!(
            !fresh.location().starts_with("https://orders.example/"),
            "{fresh:?}"
        );
        let account = browser.open("/account");
        assert!(account.body.contains("name=\"password\""), "{account:?}");
    }
    eprintln!("approved first: {approvals}, signed out first: {refusals}");
}
