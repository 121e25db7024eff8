//! Races of the command line, which is another process, with the server.

use std::sync::atomic::{AtomicBool, Ordering};

use oauthctl::clock::Stopwatch;

use crate::moment::{Asker, Span, at_once, error_of, patient, rounds, timed};
use crate::support::flow::{Tokens, code, signed_in, tokens};
use crate::support::server::Server;

/// Sets a flag when it goes, also in a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `command` while others go on with `ask`, some time before it and some time after it. When the command ran, and what
/// each of the others was told, with when.
fn beside<T: Send>(
    server: &Server,
    watch: Stopwatch,
    command: impl Fn() + Sync,
    ask: impl Fn(usize, &crate::support::http::Agent) -> T + Sync,
) -> (Span, Vec<(Span, T)>) {
    const ASKING: usize = 6;
    const AFTERWARDS: usize = 5;
    let over = AtomicBool::new(false);
    let told = at_once(server, ASKING + 1, |number, agent| {
        let mut told = Vec::new();
        if number == 0 {
            let _end = SetOnDrop(&over);
            return (Some(timed(watch, &command).0), told);
        }
        let mut left = AFTERWARDS;
        while left > 0 {
            left -= usize::from(over.load(Ordering::SeqCst));
            told.push(timed(watch, || ask(number - 1, agent)));
        }
        (None, told)
    });
    let span = told.iter().find_map(|(span, _)| *span).unwrap();
    (span, told.into_iter().flat_map(|(_, told)| told).collect())
}

#[test]
fn a_client_that_is_disabled_while_it_exchanges_holds_nothing_that_works() {
    const CODES: usize = 12;
    let server = patient();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    for _ in 0..rounds(3) {
        let codes: Vec<String> = (0..CODES).map(|_| code(&mut browser, &client)).collect();
        let watch = Stopwatch::start();
        let told = at_once(&server, CODES + 1, |number, agent| {
            let asker = Asker {
                server: &server,
                agent,
                client: &client,
            };
            if number == CODES {
                let disable = || server.home.run(&["client", "disable", "orders", "--yes"], "");
                return (timed(watch, disable).0, None);
            }
            // Some at once, some while the command begins, some at its end.
            for _ in 0..number * 4 {
                asker.check("oat_none");
            }
            let (span, answer) = timed(watch, || asker.exchange(&codes[number]));
            (span, Some(answer))
        });
        let disabled = told[CODES].0;
        let held: Vec<Option<Tokens>> = told[..CODES]
            .iter()
            .map(|(span, answer)| {
                let answer = answer.as_ref().unwrap();
                if answer.status == 200 {
                    assert!(
                        !disabled.is_before(*span),
                        "exchanged after the client was disabled"
                    );
                    let held = Tokens::of(answer);
                    assert!(!server.opens(&held.access));
                    return Some(held);
                }
                assert!(
                    !span.is_before(disabled),
                    "refused before the client was disabled"
                );
                assert_eq!(
                    (answer.status, error_of(answer).as_str()),
                    (401, "invalid_client")
                );
                None
            })
            .collect();
        server.home.run(&["client", "enable", "orders"], "");
        // What was issued works again; an attempt that failed has not used its code up.
        for (code, held) in codes.iter().zip(held) {
            let held =
                held.unwrap_or_else(|| Tokens::of(&crate::support::flow::exchange(&server, &client, code)));
            assert!(server.opens(&held.access));
        }
    }
}

#[test]
fn a_scope_that_is_taken_away_and_deleted_is_gone_for_every_check_after() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let held = tokens(&server, &mut signed_in(&server), &client);
    for _ in 0..rounds(2) {
        for (words, before, after) in [
            (
                &["client", "update", "orders", "--remove-scope", "orders:read"][..],
                200,
                403,
            ),
            (&["scope", "delete", "orders:read", "--yes"], 403, 403),
            (
                &["scope", "define", "orders:read", "--folder", "orders"],
                403,
                403,
            ),
            (
                &["client", "update", "orders", "--add-scope", "orders:read"],
                403,
                200,
            ),
        ] {
            let command = || drop(server.home.run(words, ""));
            let watch = Stopwatch::start();
            let (changed, told) = beside(&server, watch, command, |_, agent| {
                let client = &client;
                let server = &server;
                Asker {
                    server,
                    agent,
                    client,
                }
                .check(&held.access)
            });
            for (span, status) in told {
                if span.is_before(changed) {
                    assert_eq!(status, before, "before {words:?}");
                } else if changed.is_before(span) {
                    assert_eq!(status, after, "after {words:?}");
                } else {
                    assert!(status == before || status == after, "{status} beside {words:?}");
                }
            }
        }
    }
}

#[test]
fn a_secret_that_was_replaced_admits_nobody_afterwards_and_the_new_one_does() {
    const ASKING: usize = 6;
    let server = Server::start();
    let mut browser = signed_in(&server);
    for round in 0..rounds(3) {
        // Failures are throttled by name, after ten of them.
        let id = format!("orders-{round}");
        let client = server.home.client(&id, &[]);
        let held = tokens(&server, &mut browser, &client);
        let watch = Stopwatch::start();
        let told = at_once(&server, ASKING + 1, |number, agent| {
            if number == ASKING {
                let words = ["client", "rotate-secret", &id, "--overlap", "0s", "--yes"];
                let (span, printed) = timed(watch, || server.home.run(&words, ""));
                return (span, printed["client_secret"].as_str().map(str::to_owned));
            }
            let asker = Asker {
                server: &server,
                agent,
                client: &client,
            };
            // The last question that was answered, and the first that was not, begin no more than one apart.
            loop {
                let (span, answer) = timed(watch, || asker.refresh(&held.refresh));
                if answer.status != 200 {
                    assert_eq!(
                        (answer.status, error_of(&answer).as_str()),
                        (401, "invalid_client")
                    );
                    return (span, None);
                }
            }
        });
        let (rotated, new) = &told[ASKING];
        for (span, _) in &told[..ASKING] {
            assert!(
                !span.is_before(*rotated),
                "refused before the secret was replaced"
            );
        }
        let client = crate::support::home::Client::new(&id, new.as_deref().unwrap());
        assert_eq!(
            crate::support::flow::refresh(&server, &client, &held.refresh).status,
            200
        );
    }
}

#[test]
fn pruning_beside_refreshes_takes_nothing_of_a_chain_that_lives() {
    let server = Server::start();
    let client = server.home.client("orders", &["--access-token-lifetime", "1s"]);
    let mut browser = signed_in(&server);
    for _ in 0..rounds(2) {
        let chains: Vec<_> = (0..6)
            .map(|_| std::sync::Mutex::new(vec![tokens(&server, &mut browser, &client)]))
            .collect();
        let command = || {
            for _ in 0..4 {
                server
                    .home
                    .run(&["token", "prune", "--older-than", "0s", "--yes"], "");
            }
        };
        let (_, told) = beside(&server, Stopwatch::start(), command, |number, agent| {
            let mut chain = chains[number].lock().unwrap();
            let (server, client) = (&server, &client);
            let last = chain.last().unwrap().refresh.clone();
            let answer = Asker {
                server,
                agent,
                client,
            }
            .refresh(&last);
            chain.push(Tokens::of(&answer));
        });
        assert!(told.len() >= 6 * 5);
        for chain in chains {
            let chain = chain.into_inner().unwrap();
            let agent = crate::support::http::agent();
            let asker = Asker {
                server: &server,
                agent: &agent,
                client: &client,
            };
            // That the first link is used again is still noticed, and ends the last one.
            assert_eq!(asker.refresh(&chain[0].refresh).status, 400);
            assert_eq!(asker.refresh(&chain.last().unwrap().refresh).status, 400);
        }
    }
}
