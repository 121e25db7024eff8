//! `access check`.

use std::time::Duration;

use oauthctl::clock::{Clock, SystemClock, Timestamp};
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::resource::ResourceSet;
use oauthctl::domain::secret::Secret;
use oauthctl::domain::token::{AccessToken, TokenKind, TokenValue};
use oauthctl::entropy::OsEntropy;
use oauthctl::store::{NewGrant, Store, StoreError, StoreOptions};

use crate::harness::{Cli, Home};

#[test]
fn a_client_in_each_format() {
    let home = Home::with_client();
    let allowed = "allowed    yes\n\
                   reason     the scope orders:read covers it by the folder orders\n\
                   scope      orders:read\n\
                   client_id  orders-web\n\
                   scopes     orders:read\n";
    let denied = "allowed    no\n\
                  reason     the scope orders:read does not cover it\n\
                  scope\n\
                  client_id  orders-web\n\
                  scopes     orders:read\n";
    let allowed_line = "{\"allowed\":true,\"reason\":\"the scope orders:read covers it by the folder orders\",\
                        \"scope\":\"orders:read\",\"client_id\":\"orders-web\",\"scopes\":[\"orders:read\"]}\n";
    let denied_line = "{\"allowed\":false,\"reason\":\"the scope orders:read does not cover it\",\
                       \"scope\":null,\"client_id\":\"orders-web\",\"scopes\":[\"orders:read\"]}\n";
    let denied_csv = "allowed,reason,scope,client_id,scopes\n\
                      no,the scope orders:read does not cover it,,orders-web,orders:read\n";
    for (service, format, shown, code) in [
        ("orders.eu:list", "table", allowed, 0),
        ("stock:count", "table", denied, 6),
        ("orders.eu:list", "jsonl", allowed_line, 0),
        ("stock:count", "jsonl", denied_line, 6),
        ("stock:count", "csv", denied_csv, 6),
        ("orders.eu:list", "id", "yes\n", 0),
        ("stock:count", "id", "no\n", 6),
    ] {
        Cli::new(&home)
            .args([
                "access",
                "check",
                "--client",
                "orders-web",
                "--service",
                service,
                "-o",
                format,
            ])
            .stdout(shown)
            .code(code)
            .run();
    }
    let json = home.json("access check --client orders-web --service orders.eu:list");
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["allowed", "reason", "scope", "client_id", "scopes"]);
}

#[test]
fn a_request() {
    let home = Home::with_client();
    for (method, path, reason, code) in [
        (
            "GET",
            "/orders/17",
            "the scope orders:read covers it by the route /orders/{id}",
            0,
        ),
        (
            "POST",
            "/orders/17?x=1",
            "the scope orders:read covers it by the route /orders/{id}",
            0,
        ),
        (
            "GET",
            "/invoke/orders.eu/list",
            "the scope orders:read covers it by the folder orders",
            0,
        ),
        ("GET", "/stock", "the scope orders:read does not cover it", 6),
        (
            "GET",
            "/orders/../17",
            "the path is not in normal form: the path has a `.` or `..` segment",
            6,
        ),
    ] {
        let scope = if code == 0 {
            "scope      orders:read"
        } else {
            "scope"
        };
        let allowed = if code == 0 { "yes" } else { "no" };
        Cli::new(&home)
            .args(["access", "check", "--client", "orders-web", "--method", method, "--path", path])
            .stdout(&format!(
                "allowed    {allowed}\nreason     {reason}\n{scope}\nclient_id  orders-web\nscopes     orders:read\n"
            ))
            .code(code)
            .run();
    }
}

#[test]
fn a_client_that_is_not_there() {
    let home = Home::with_client();
    Cli::new(&home)
        .args("access check --client orders-wbe --service orders:list".split(' '))
        .stderr("error: no client `orders-wbe`; did you mean `orders-web`?\n")
        .code(3)
        .run();
}

#[test]
fn wrong_usage() {
    let home = Home::with_client();
    for args in [
        "access",
        "access check",
        "access check --client orders-web",
        "access check --service orders:list",
        "access check --client orders-web --method GET",
        "access check --client orders-web --path /orders",
        "access check --client orders-web --path /orders --method GET --service orders:list",
        "access check --client orders-web --token-stdin --service orders:list",
        // A token never goes on the command line.
        "access check --token oat_x --service orders:list",
    ] {
        let output = Cli::new(&home).args(args.split(' ')).output();
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert!(output.stdout.is_empty(), "{args}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("Usage: oauthctl access"), "{args}: {message}");
    }
    Cli::new(&home)
        .args("access check --token-stdin --service orders:list".split(' '))
        .stderr("error: there is no access token on stdin; it is expected on the first line\n")
        .code(2)
        .run();
}

#[test]
fn a_token() {
    let home = Home::with_client();
    Cli::new(&home)
        .args("owner add alice --password-stdin -o id".split(' '))
        .stdin("correct horse\n")
        .stdout("alice\n")
        .run();
    let hour = Duration::from_secs(3600);
    let now = SystemClock.now();
    let (token, grant) = issue(&home, now.after(hour));
    let (expired, _) = issue(&home, now.before(hour));
    let allowed = format!(
        "allowed    yes\n\
         reason     the scope orders:read covers it by the folder orders\n\
         scope      orders:read\n\
         client_id  orders-web\n\
         username   alice\n\
         grant_id   {grant}\n\
         scopes     orders:read\n"
    );
    let denied = |reason| format!("allowed  no\nreason   {reason}\nscope\n");
    let stranger = TokenValue::new(
        TokenKind::AccessToken,
        grant,
        Secret::generate(&OsEntropy).unwrap(),
    );
    let refresh = token.replacen("oat_", "ort_", 1);
    for (stdin, service, shown, code) in [
        (&token, "orders:list", &allowed, 0),
        (&format!("{token}\r\nwhatever\n"), "orders:list", &allowed, 0),
        (
            &token,
            "stock:count",
            &denied("the scope orders:read does not cover it"),
            6,
        ),
        (
            &expired,
            "orders:list",
            &denied("the access token has expired"),
            6,
        ),
        (
            &stranger.reveal(),
            "orders:list",
            &denied("the access token is not one of ours"),
            6,
        ),
        (
            &refresh,
            "orders:list",
            &denied("the access token is not one of ours"),
            6,
        ),
        (
            &"x".repeat(100_000),
            "orders:list",
            &denied("the access token is not one of ours"),
            6,
        ),
    ] {
        Cli::new(&home)
            .args(["access", "check", "--token-stdin", "--service", service])
            .stdin(stdin)
            .stdout(shown)
            .code(code)
            .run();
    }
}

/// An access token of `orders-web`, approved by `alice`, and its grant.
fn issue(home: &Home, expires_at: Timestamp) -> (String, Identifier) {
    let store = Store::open(StoreOptions {
        path: home.join("oauthctl.db"),
        busy_timeout: Duration::from_secs(5),
        readers: 1,
    })
    .unwrap();
    let secret = Secret::generate(&OsEntropy).unwrap();
    let hash = secret.hash();
    let nonce = oauthctl::entropy::random::<16>(&OsEntropy).unwrap();
    let identifier = Identifier::at(
        expires_at,
        u32::from_be_bytes([nonce[0], nonce[1], nonce[2], nonce[3]]),
    );
    store
        .write(move |tx| -> Result<(), StoreError> {
            let client = tx.client(&"orders-web".parse().unwrap())?.unwrap();
            let owner = tx.owner(&"alice".parse().unwrap())?.unwrap();
            tx.insert_grant(&NewGrant {
                identifier,
                client: client.key,
                owner: owner.key,
                scope: client.settings.scopes.clone(),
                resources: ResourceSet::default(),
                created_at: client.created_at,
                form_nonce: nonce,
            })?;
            tx.insert_access_token(&AccessToken {
                identifier,
                grant: identifier,
                secret_hash: hash,
                scope: client.settings.scopes,
                resources: ResourceSet::default(),
                issued_at: client.created_at,
                expires_at,
                revoked_at: None,
            })
        })
        .unwrap();
    (
        TokenValue::new(TokenKind::AccessToken, identifier, secret).reveal(),
        identifier,
    )
}
