//! How far the clock goes, and that it goes where it was told to.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::server::Server;

#[test]
fn the_clock_goes_as_far_as_identifiers_do_and_comes_back() {
    let server = Server::start(&["--dev"]);
    server.told(&["dev", "clock", "set", "2100-01-01T00:00:00Z"]);
    for order in [
        &["dev", "clock", "set", "2150-01-01T00:00:00Z"][..],
        &["dev", "clock", "advance", "3650d"],
    ] {
        let refused = server.command(order, "");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(
            told.contains("to 2109-03-26T") && told.contains("identifiers"),
            "{told}"
        );
    }
    let now = server.told(&["dev", "clock"])["now"].clone();
    assert!(now.as_str().unwrap().starts_with("2100-01-01T"), "{now}");
    let reached = |order: &[&str]| {
        server.told(order);
        let mut token = server.exchange(&server.code("alice")).json()["refresh_token"].clone();
        for _ in 0..20 {
            let refreshed = server.refresh(&token);
            assert_eq!(refreshed.status, 200, "{}", refreshed.body);
            token = refreshed.json()["refresh_token"].clone();
        }
    };
    reached(&["dev", "clock", "set", "2109-03-26T00:00:00Z"]);
    reached(&["dev", "clock", "reset"]);
}

fn ordered(socket: &str, order: &Value) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    writeln!(stream, "{order}").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn of_orders_at_once_each_moves_the_clock_and_is_written_down_with_where_to() {
    let server = Server::start(&["--dev"]);
    let socket = format!("{}-dev", server.variable("OAUTHCTL_DATABASE"));
    let hour = json!({ "order": "advance", "millis": 3_600_000 });
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(ordered(&socket, &hour)["done"].is_object()));
        }
    });
    assert_eq!(server.told(&["dev", "clock"])["offset"], 16 * 3600);
    let trail = server.told(&["audit", "list", "--action", "clock.move"]);
    let to: Vec<jiff::Timestamp> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["detail"]["to"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(to.len(), 16);
    for pair in to.windows(2) {
        assert!(pair[1].as_second() - pair[0].as_second() >= 3600, "{to:?}");
    }
}

#[test]
fn the_newest_grant_is_the_one_approved_last_whatever_the_clock_showed() {
    let mut first = Server::start(&["--dev", "--database", "kept.db"]);
    first.told(&["dev", "clock", "advance", "2d"]);
    first.exchange(&first.code("alice"));
    first.stop();
    let directory = std::mem::replace(&mut first.directory, tempfile::TempDir::new().unwrap());
    let second = Server::start_in(directory, &["--dev", "--database", "kept.db"]);
    let tokens = second.exchange(&second.code("bob")).json();
    let expected = second.told(&["grant", "list", "--owner", "bob"])[0]["grant_id"].clone();
    assert_eq!(second.told(&["dev", "expire"])["grant_id"], expected);
    assert_eq!(second.check(&tokens["access_token"]), 401);
}

#[test]
fn one_too_many_is_told_so_and_goes_by_no_other_clock() {
    let server = Server::start(&["--dev"]);
    let socket = format!("{}-dev", server.variable("OAUTHCTL_DATABASE"));
    let watchers: Vec<BufReader<UnixStream>> = (0..32)
        .map(|_| {
            let mut stream = UnixStream::connect(&socket).unwrap();
            writeln!(stream, "{}", json!({ "order": "watch" })).unwrap();
            let mut reader = BufReader::new(stream);
            reader.read_line(&mut String::new()).unwrap();
            reader
        })
        .collect();
    for command in [&["dev", "clock"][..], &["token", "list"]] {
        let output = server.command(command, "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("32 commands and `oauthctl dev watch` speak"),
            "{told}"
        );
    }
    drop(watchers);
    // The server notices within its pulse.
    while !server.command(&["dev", "clock"], "").status.success() {}
}
