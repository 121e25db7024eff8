//! Nothing that opens a door is written anywhere: not to the log at its loudest, not to the database.

use crate::support::browser::Browser;
use crate::support::flow::{self, Tokens, VERIFIER, approve, authorize, exchange, refresh};
use crate::support::form::Form;
use crate::support::home::{Client, Home, PASSWORD};
use crate::support::http::send;
use crate::support::server::Server;

const WRONG_PASSWORD: &str = "canary-of-a-wrong-password";
const WRONG_SECRET: &str = "canary-of-a-wrong-client-secret";
const WRONG_TOKEN: &str = "canary-of-a-wrong-token";

#[test]
fn no_secret_is_written_to_the_log_or_to_the_database() {
    for format in ["text", "json"] {
        let server = Server::with(Home::furnished(), |command| {
            command
                .env("OAUTHCTL_LOG_LEVEL", "trace")
                .env("OAUTHCTL_LOG_FORMAT", format)
        });
        let secrets = live_through_everything(&server);
        let (status, log, home) = server.stop();
        assert_eq!(status.code(), Some(0));
        // So that there is something to search, and the search finds what is there.
        assert!(
            log.contains("answered") && log.contains("code exchanged"),
            "{log}"
        );
        assert!(
            log.contains("a request failed") && log.contains("refused"),
            "{log}"
        );

        let mut written = vec![("the log".to_owned(), log.into_bytes())];
        for entry in std::fs::read_dir(home.database().parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                written.push((path.display().to_string(), std::fs::read(path).unwrap()));
            }
        }
        let holds =
            |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|found| found == text.as_bytes());
        assert!(written.iter().any(|(_, bytes)| holds(bytes, "alice")));
        for (what, secret) in &secrets {
            assert!(secret.len() >= 8, "{what}: {secret}");
            for (place, bytes) in &written {
                assert!(!holds(bytes, secret), "{what} stands in {place} ({format})");
            }
        }
    }
}

/// Does what a server sees, right and wrong, and gives every secret that took part.
fn live_through_everything(server: &Server) -> Vec<(&'static str, String)> {
    let client = server.home.client("orders", &[]);
    let warehouse = server.home.resource_server("Warehouse");
    let mut secrets = vec![
        ("the password", PASSWORD.to_owned()),
        ("the password as a form carries it", PASSWORD.replace(' ', "+")),
        ("a wrong password", WRONG_PASSWORD.to_owned()),
        ("a wrong client secret", WRONG_SECRET.to_owned()),
        ("a wrong token", WRONG_TOKEN.to_owned()),
        ("the verifier", VERIFIER.to_owned()),
    ];
    for client in [&client, &warehouse, &Client::new("orders", WRONG_SECRET)] {
        // What follows the identifier: that may be seen.
        secrets.push(("a secret", client.secret.clone()));
        secrets.push(("Basic", client.basic()[20..].to_owned()));
    }

    let mut browser = Browser::at(server);
    let mut cookies = Vec::new();
    let mut form_tokens = Vec::new();
    let page = browser.open(&authorize(&client));
    cookies.push(browser.cookie().to_owned());
    let form = Form::with(&page.body, "password").fill("username", "alice");
    form_tokens.push(form.value("form_token").to_owned());
    browser.submit(&form.clone().fill("password", WRONG_PASSWORD));
    browser.submit(&form.fill("password", PASSWORD));
    cookies.push(browser.cookie().to_owned());
    let page = browser.open(&authorize(&client));
    form_tokens.extend(
        Form::all(&page.body)
            .iter()
            .map(|form| form.value("form_token").to_owned()),
    );

    let mut tokens: Vec<String> = Vec::new();
    let mut code = || {
        let code = approve(&mut browser, &authorize(&client))
            .parameter("code")
            .unwrap();
        tokens.push(code.clone());
        code
    };
    let exchanged = code();
    let failing = code();
    let held = Tokens::of(&exchange(server, &client, &exchanged));
    let next = Tokens::of(&refresh(server, &client, &held.refresh));
    for token in [&held.access, &held.refresh, &next.access, &next.refresh] {
        tokens.push(token.clone());
        server.post("/introspect", &warehouse, &[("token", token)]);
        let bearer = format!("Bearer {token}");
        server.get("/check?service=orders:list", &[("Authorization", &bearer)]);
        server.get("/check?service=other:list", &[("Authorization", &bearer)]);
    }
    // Wrong ones, in every place.
    for path in ["/token", "/revoke", "/introspect"] {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", WRONG_TOKEN),
            ("token", WRONG_TOKEN),
        ];
        server.post(path, &client, &form);
        server.post(path, &Client::new("orders", WRONG_SECRET), &form);
    }
    let bearer = format!("Bearer {WRONG_TOKEN}");
    server.get("/check?service=orders:list", &[("Authorization", &bearer)]);
    exchange(server, &client, WRONG_TOKEN);
    exchange(server, &client, &exchanged);
    // What the listener refuses by itself.
    let bearer = format!("Bearer {}", next.access);
    let refused = [("Authorization", bearer.as_str()), ("Expect", WRONG_TOKEN)];
    assert_eq!(send("GET", &server.url("/check"), &refused, None).status, 417);
    server.post("/revoke", &client, &[("token", &next.refresh)]);
    // What fails in the middle.
    server.home.sql("ALTER TABLE tokens RENAME TO gone", &[]);
    let failed = exchange(server, &client, &failing);
    assert_eq!(
        (failed.status, failed.json()["error"].as_str()),
        (500, Some("server_error"))
    );
    assert!(!failed.body.contains("tokens"), "{}", failed.body);
    let failed = browser.open("/account");
    assert_eq!(failed.status, 500);
    assert!(!failed.body.contains("gone"), "{}", failed.body);
    server.home.sql("ALTER TABLE gone RENAME TO tokens", &[]);
    flow::tokens(server, &mut browser, &client);

    // Of a token and of a cookie the first part is the identifier of a row, which may be seen.
    secrets.extend(
        tokens
            .iter()
            .map(|token| ("a code or token", token[17..].to_owned())),
    );
    secrets.extend(cookies.iter().map(|cookie| ("a cookie", cookie[13..].to_owned())));
    secrets.extend(form_tokens.into_iter().map(|token| ("a form token", token)));
    secrets
}
