//! The server and the command line are two processes on one file.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::browser::Browser;
use crate::support::flow::{Tokens, authorize, sign_in, signed_in, tokens};
use crate::support::http::{agent, encode};
use crate::support::server::Server;

#[test]
fn what_the_command_line_registers_the_server_knows_at_once() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    tokens(&server, &mut browser, &client);

    server.home.scope("reports", &["--folder", "reports"]);
    let reports = server.home.client("reports", &["--scope", "reports"]);
    let held = tokens(&server, &mut browser, &reports);
    assert_eq!(held.scope, "reports");
    server.home.owner("bob");
    sign_in(&mut Browser::at(&server), &authorize(&reports), "bob");
    let later = server.home.resource_server("Later");
    let told = server.post("/introspect", &later, &[("token", &held.access)]);
    assert_eq!(told.json()["active"], true);
    let metadata = server.get("/.well-known/oauth-authorization-server", &[]).json();
    assert_eq!(
        metadata["scopes_supported"],
        serde_json::json!(["orders:read", "reports", "stock"])
    );

    // And the other way round.
    let may = ["access", "check", "--token-stdin", "--service", "reports:yearly"];
    assert_eq!(
        server.home.run(&may, &format!("{}\n", held.access))["allowed"],
        true
    );
}

#[test]
fn registrations_and_token_traffic_at_the_same_time_lose_nothing() {
    const WRITERS: usize = 3;
    const REGISTRATIONS: usize = 8;
    const CLIENTS: usize = 4;
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let held: Vec<_> = (0..CLIENTS)
        .map(|_| tokens(&server, &mut browser, &client))
        .collect();
    let registering = AtomicBool::new(true);

    let (registered, refreshes) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let server = &server;
                scope.spawn(move || {
                    let register = |number| {
                        let registered = server.home.client(&format!("client-{writer}-{number}"), &[]);
                        let answer = server.post("/revoke", &registered, &[("token", "x")]);
                        assert_eq!(answer.status, 200, "known at once: {answer:?}");
                        registered.id
                    };
                    (0..REGISTRATIONS).map(register).collect::<Vec<String>>()
                })
            })
            .collect();
        let traffic: Vec<_> = held
            .into_iter()
            .map(|mut held| {
                let (server, client, registering) = (&server, &client, &registering);
                scope.spawn(move || {
                    let (agent, authorization) = (agent(), client.basic());
                    let headers = [("Authorization", authorization.as_str())];
                    let mut access = vec![held.access];
                    // At least once, also where the registrations were quicker.
                    loop {
                        let form = [("grant_type", "refresh_token"), ("refresh_token", &held.refresh)];
                        let form = encode(&form);
                        let answer = agent.send("POST", &server.url("/token"), &headers, Some(&form));
                        let refreshed = Tokens::of(&answer);
                        held.refresh = refreshed.refresh;
                        access.push(refreshed.access);
                        if !registering.load(Ordering::SeqCst) {
                            break access;
                        }
                    }
                })
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        // Before a writer that failed ends the test, so that the traffic ends too.
        registering.store(false, Ordering::SeqCst);
        let registered: BTreeSet<String> = written.into_iter().flat_map(Result::unwrap).collect();
        let refreshes: Vec<_> = traffic
            .into_iter()
            .map(|traffic| traffic.join().unwrap())
            .collect();
        (registered, refreshes)
    });

    // Nothing that was acknowledged is lost.
    assert_eq!(registered.len(), WRITERS * REGISTRATIONS);
    let listed = server.home.run(&["client", "list"], "");
    let listed: BTreeSet<String> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|client| client["client_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(registered.is_subset(&listed));
    for access in refreshes.iter().flatten() {
        assert!(server.opens(access));
    }

    let (status, _, home) = server.stop();
    assert_eq!(status.code(), Some(0));
    let database = rusqlite::Connection::open(home.database()).unwrap();
    let check = |pragma: &str| -> Vec<String> {
        let mut statement = database.prepare(pragma).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(check("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(check("PRAGMA foreign_key_check"), [""; 0]);
}

/// A change that must hold for every check which starts after the command has ended.
struct Change {
    /// The command line; `GRANT` stands for the grant of the token.
    command: &'static [&'static str],
    /// What the check then says.
    status: u16,
    /// What undoes it, if anything does.
    undo: &'static [&'static str],
}

const CHANGES: [Change; 6] = [
    Change {
        command: &["client", "disable", "orders", "--yes"],
        status: 401,
        undo: &["client", "enable", "orders"],
    },
    Change {
        command: &["owner", "disable", "alice", "--yes"],
        status: 401,
        undo: &["owner", "enable", "alice"],
    },
    Change {
        command: &["client", "update", "orders", "--remove-scope", "orders:read"],
        status: 403,
        undo: &["client", "update", "orders", "--add-scope", "orders:read"],
    },
    Change {
        command: &["scope", "update", "orders:read", "--remove-folder", "orders"],
        status: 403,
        undo: &["scope", "update", "orders:read", "--add-folder", "orders"],
    },
    Change {
        command: &["client", "disable", "orders", "--yes"],
        status: 401,
        undo: &["client", "enable", "orders"],
    },
    Change {
        command: &["grant", "revoke", "GRANT", "--yes"],
        status: 401,
        undo: &[],
    },
];

/// Sets a flag when it goes, also in a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn every_check_that_starts_after_a_change_of_the_command_line_knows_of_it() {
    const ASKING: usize = 6;
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let held = tokens(&server, &mut signed_in(&server), &client);
    let grants = server.home.run(&["grant", "list"], "");
    let grant = grants[0]["grant_id"].as_str().unwrap();
    let bearer = format!("Bearer {}", held.access);
    // How many commands have ended. Even: allowed. Odd: the change at half of it holds.
    let ended = AtomicUsize::new(0);
    // While this is set, a command runs, and both answers are right.
    let running = AtomicBool::new(false);
    let over = AtomicBool::new(false);
    let told: Vec<AtomicUsize> = (0..=2 * CHANGES.len()).map(|_| AtomicUsize::new(0)).collect();

    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKING)
            .map(|_| {
                scope.spawn(|| {
                    let agent = agent();
                    let headers = [("Authorization", bearer.as_str())];
                    let url = server.url("/check?service=orders:list");
                    while !over.load(Ordering::SeqCst) {
                        let before = ended.load(Ordering::SeqCst);
                        let status = agent.send("GET", &url, &headers, None).status;
                        // A command that began before the answer was there may have been quicker than the check.
                        if running.load(Ordering::SeqCst) || ended.load(Ordering::SeqCst) != before {
                            continue;
                        }
                        let expected = if before.is_multiple_of(2) {
                            200
                        } else {
                            CHANGES[before / 2].status
                        };
                        assert_eq!(status, expected, "after {before} commands");
                        told[before].fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        // However this ends, so does the asking.
        let _end = SetOnDrop(&over);
        let enough = |state: usize| {
            // Until each state was seen often, by whoever asks.
            while told[state].load(Ordering::SeqCst) < 5 * ASKING {
                if asking.iter().any(|asking| asking.is_finished()) {
                    return false;
                }
                std::thread::yield_now();
            }
            true
        };
        let command = |words: &[&str]| {
            let words: Vec<&str> = words
                .iter()
                .map(|word| if *word == "GRANT" { grant } else { word })
                .collect();
            running.store(true, Ordering::SeqCst);
            server.home.run(&words, "");
            ended.fetch_add(1, Ordering::SeqCst);
            running.store(false, Ordering::SeqCst);
        };
        let mut state = 0;
        let mut sound = enough(state);
        for change in &CHANGES {
            for words in [change.command, change.undo] {
                if sound && !words.is_empty() {
                    command(words);
                    state += 1;
                    sound = enough(state);
                }
            }
        }
        over.store(true, Ordering::SeqCst);
        for asking in asking {
            asking.join().unwrap();
        }
        assert!(sound && state == 2 * CHANGES.len() - 1, "{state}");
    });
}
