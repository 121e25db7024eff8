//! The server and the command line are two processes on one file.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

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
