//! Races of clients: for one code, for one refresh token, for its end.

use std::collections::BTreeSet;

use oauthctl::clock::Stopwatch;

use crate::moment::{Asker, at_once, error_of, newest_grant, rounds, timed};
use crate::support::flow::{Tokens, code, signed_in, tokens};
use crate::support::home::{Client, Home};
use crate::support::server::Server;

const MANY: usize = 50;

fn asker<'a>(server: &'a Server, agent: &'a crate::support::http::Agent, client: &'a Client) -> Asker<'a> {
    Asker {
        server,
        agent,
        client,
    }
}

#[test]
fn one_code_is_exchanged_once_and_whoever_repeats_it_ends_the_grant() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    for _ in 0..rounds(3) {
        let code = code(&mut browser, &client);
        let answers = at_once(&server, MANY, |_, agent| {
            asker(&server, agent, &client).exchange(&code)
        });
        let (issued, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((issued.len(), refused.len()), (1, MANY - 1));
        for answer in refused {
            assert_eq!((answer.status, error_of(answer).as_str()), (400, "invalid_grant"));
        }
        // The others replayed it with everything right.
        let family = Tokens::of(issued[0]);
        let grant = newest_grant(&server);
        assert_eq!(
            (&grant["state"], &grant["end_cause"]),
            (&"revoked".into(), &"code_replayed".into())
        );
        assert!(!server.opens(&family.access));
        let agent = crate::support::http::agent();
        assert_eq!(
            asker(&server, &agent, &client).refresh(&family.refresh).status,
            400
        );
    }
}

#[test]
fn one_refresh_token_has_one_successor_however_many_use_it() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    for _ in 0..rounds(3) {
        let first = tokens(&server, &mut browser, &client);
        let answers = at_once(&server, MANY, |_, agent| {
            asker(&server, agent, &client).refresh(&first.refresh)
        });
        let got: Vec<Tokens> = answers.iter().map(Tokens::of).collect();
        let successors: BTreeSet<&str> = got.iter().map(|tokens| tokens.refresh.as_str()).collect();
        let access: BTreeSet<&str> = got.iter().map(|tokens| tokens.access.as_str()).collect();
        assert_eq!((successors.len(), access.len()), (1, MANY));
        assert!(access.iter().all(|token| server.opens(token)));
        assert_eq!(newest_grant(&server)["refreshes"], 1);

        // Half of them use the successor, half of them what came before it: the family ends, whoever is first.
        let successor = *successors.first().unwrap();
        let answers = at_once(&server, MANY, |number, agent| {
            let token = if number % 2 == 0 {
                successor
            } else {
                &first.refresh
            };
            (number % 2, asker(&server, agent, &client).refresh(token))
        });
        let next: BTreeSet<String> = answers
            .iter()
            .filter(|(which, answer)| *which == 0 && answer.status == 200)
            .map(|(_, answer)| Tokens::of(answer).refresh)
            .collect();
        assert!(next.len() <= 1, "the family forked: {next:?}");
        let agent = crate::support::http::agent();
        let after = asker(&server, &agent, &client).refresh(&first.refresh);
        assert_eq!((after.status, error_of(&after).as_str()), (400, "invalid_grant"));
        let grant = newest_grant(&server);
        assert_eq!(grant["end_cause"], "refresh_token_reused");
        assert!(!access.iter().any(|token| server.opens(token)));
    }
}

#[test]
fn a_refresh_token_that_may_not_be_repeated_is_used_once() {
    let server = Server::with(Home::furnished(), |command| {
        command.env("OAUTHCTL_TOKENS_REFRESH_RETRY_WINDOW", "0s")
    });
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    for _ in 0..rounds(3) {
        let first = tokens(&server, &mut browser, &client);
        let answers = at_once(&server, MANY, |_, agent| {
            asker(&server, agent, &client).refresh(&first.refresh)
        });
        let issued: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(issued.len(), 1);
        assert_eq!(newest_grant(&server)["end_cause"], "refresh_token_reused");
        assert!(!server.opens(&Tokens::of(issued[0]).access));
    }
}

#[test]
fn what_is_refreshed_after_a_revocation_was_acknowledged_is_refused() {
    const REFRESHING: usize = 8;
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let mut late = 0;
    for _ in 0..rounds(6) {
        let first = tokens(&server, &mut browser, &client);
        let watch = Stopwatch::start();
        let spans = at_once(&server, REFRESHING + 1, |number, agent| {
            let asker = asker(&server, agent, &client);
            let mut seen = Vec::new();
            if number == 0 {
                // When the others are under way.
                asker.check(&first.access);
                let (span, answer) = timed(watch, || asker.revoke(&first.refresh));
                assert_eq!(answer.status, 200);
                seen.push((span, Err(200)));
            } else {
                for _ in 0..12 {
                    let (span, answer) = timed(watch, || asker.refresh(&first.refresh));
                    let issued = (answer.status == 200).then(|| Tokens::of(&answer).access);
                    seen.push((span, issued.ok_or(answer.status)));
                }
            }
            seen
        });
        let revoked = spans[0][0].0;
        for (span, issued) in spans[1..].iter().flatten() {
            match issued {
                Ok(access) => {
                    assert!(!revoked.is_before(*span), "issued after the end");
                    assert!(!server.opens(access), "what was issued before lives on");
                }
                Err(status) => {
                    assert_eq!(*status, 400);
                    assert!(!span.is_before(revoked), "refused before the end");
                    late += 1;
                }
            }
        }
        assert_eq!(newest_grant(&server)["end_cause"], "refresh_token_revoked");
    }
    assert!(
        late > 0,
        "nobody came after the revocation: nothing was raced for"
    );
}
