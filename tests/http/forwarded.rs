//! Whose address counts where a proxy stands in front.

use crate::support::home::Home;
use crate::support::http::{basic, encode, send};
use crate::support::server::Server;

/// How many failures are answered.
const ANSWERED: usize = 10;

/// The status of an access token request with a wrong secret, with these addresses in the field of proxies.
fn wrong_secret(server: &Server, forwarded: Option<&str>) -> u16 {
    let credentials = basic("orders", "wrong");
    let mut headers = vec![
        ("Authorization", credentials.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    headers.extend(forwarded.map(|addresses| ("X-Forwarded-For", addresses)));
    let body = encode(&[("grant_type", "authorization_code"), ("code", "x")]);
    send("POST", &format!("{}/token", server.base), &headers, Some(&body)).status
}

#[test]
fn behind_a_proxy_each_of_its_callers_is_throttled_by_itself() {
    let server = Server::with(Home::furnished(), |command| {
        command.env("OAUTHCTL_SERVER_BEHIND_PROXY", "true")
    });
    // A proxy that adds no header must not publish them.
    assert_eq!(server.get("/metrics", &[]).status, 404);
    for number in 0..ANSWERED {
        // What the caller wrote itself does not make it another.
        let forwarded = format!("203.0.113.{number}, 198.51.100.7");
        assert_eq!(wrong_secret(&server, Some(&forwarded)), 401);
    }
    for forwarded in [
        "198.51.100.7",
        "198.51.100.7, 127.0.0.2",
        "203.0.113.99, 198.51.100.7:4711",
    ] {
        assert_eq!(wrong_secret(&server, Some(forwarded)), 429, "{forwarded}");
    }
    for forwarded in [Some("198.51.100.8"), Some("198.51.100.7, 198.51.100.8"), None] {
        assert_eq!(wrong_secret(&server, forwarded), 401, "{forwarded:?}");
    }
}

#[test]
fn without_a_proxy_in_the_settings_the_connection_counts_and_that_is_said_once() {
    let server = Server::start();
    for number in 0..ANSWERED {
        let forwarded = format!("198.51.100.{number}");
        assert_eq!(wrong_secret(&server, Some(&forwarded)), 401);
    }
    assert_eq!(wrong_secret(&server, Some("198.51.100.77")), 429);
    assert_eq!(wrong_secret(&server, None), 429);
    let (_, log, _) = server.stop();
    assert_eq!(
        log.matches("set behind_proxy = true under [server]").count(),
        1,
        "{log}"
    );
}
