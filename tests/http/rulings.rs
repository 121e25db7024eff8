//! What the contract allows where the standards leave a choice: the other side of the refusals.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::flow::{
    self, CHALLENGE, Tokens, approve, authorize, authorize_with, exchange, refresh, signed_in, tokens,
};
use crate::support::form::Form;
use crate::support::home::{Home, REDIRECT_URI};
use crate::support::http::{encode, send};
use crate::support::server::Server;

#[test]
fn requests_that_are_not_refused() {
    let server = Server::start();
    let client = server.home.client("orders", &["--no-pkce"]);
    let native = server.home.client(
        "native",
        &["--redirect-uri", "http://127.0.0.1:9/cb", "http://[::1]/cb"],
    );
    let mut browser = signed_in(&server);
    for more in [
        "",
        // Unknown parameters, repeated or not, are ignored.
        "&foo=1&foo=2&display=none&display=page",
        // An empty value counts as absent.
        "&scope=&response_mode=&foo=",
        "&response_mode=query",
        "&scope=stock",
        "&scope=stock+stock",
    ] {
        let page = browser.open(&format!("{}{more}", authorize(&client)));
        assert_eq!(page.status, 200, "{more}");
        Form::with(&page.body, "decision");
    }
    for uri in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:9/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]:9/cb",
    ] {
        let path = authorize(&native).replace(
            &encode(&[("redirect_uri", REDIRECT_URI)]),
            &encode(&[("redirect_uri", uri)]),
        );
        let answer = approve(&mut browser, &path);
        assert!(
            answer.location().starts_with(&format!("{uri}?code=")),
            "{answer:?}"
        );
    }
    let bare = format!("/authorize?response_type=code&client_id={}", client.id);
    let answer = approve(&mut browser, &bare);
    let prefix = format!("{REDIRECT_URI}?code=");
    assert!(answer.location().starts_with(&prefix), "{answer:?}");
    assert_eq!(answer.parameter("state"), None);

    // Neither redirect URI nor challenge in the request: neither is needed for the exchange.
    let code = answer.parameter("code").unwrap();
    let form = [("grant_type", "authorization_code"), ("code", code.as_str())];
    let tokens = Tokens::of(&server.post("/token", &client, &form));
    assert_eq!(tokens.scope, "orders:read stock");
}

#[test]
fn an_authorization_request_may_be_posted() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let path = authorize(&client);
    let (_, query) = path.split_once('?').unwrap();
    // A browser sends no cookie with what another site makes it post: none may come back in place of the one it has.
    let sent_on = send(
        "POST",
        &server.url("/authorize"),
        &[],
        Some(&format!("{query}&note=a b#c")),
    );
    assert_eq!(
        (sent_on.status, sent_on.location()),
        (303, format!("{path}&note=a+b%23c").as_str())
    );
    assert_eq!(sent_on.header("Set-Cookie"), None);
    let page = send("GET", &server.url(&path), &[], None);
    let cookie = page
        .header("Set-Cookie")
        .unwrap()
        .split_once(';')
        .unwrap()
        .0
        .to_owned();
    let page = send(
        "POST",
        &server.url("/authorize"),
        &[("Cookie", &cookie)],
        Some(query),
    );
    assert_eq!(page.status, 200);
    assert_eq!(Form::with(&page.body, "password").value("request"), query);
}

#[test]
fn state_and_redirect_uri_come_back_byte_for_byte() {
    let server = Server::start();
    let uri = "https://orders.example/cb%7e?a=%2F&b";
    let client = server.home.client("orders", &["--redirect-uri", uri]);
    let mut browser = signed_in(&server);
    let state = "ä&=+ %00\"'<>\u{1F600}#";
    let query = encode(&[
        ("response_type", "code"),
        ("client_id", &client.id),
        ("redirect_uri", uri),
        ("state", state),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let answer = approve(&mut browser, &format!("/authorize?{query}"));
    let added = answer.location().strip_prefix(&format!("{uri}&")).unwrap();
    assert!(added.is_ascii(), "{added}");
    assert_eq!(answer.parameter("state").as_deref(), Some(state));
    assert_eq!(answer.parameter("iss").as_deref(), Some(server.base.as_str()));
}

#[test]
fn a_token_response_says_what_the_standard_wants_and_is_not_kept() {
    let server = Server::start();
    let client = server.home.client("orders", &["--access-token-lifetime", "90s"]);
    let never = server.home.client("never", &["--refresh", "none"]);
    let mut browser = signed_in(&server);
    let code = flow::code(&mut browser, &client);
    assert!(code.starts_with("oac_"));
    let answer = exchange(&server, &client, &code);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Pragma"), Some("no-cache"));
    let body = answer.json();
    let tokens = Tokens::of(&answer);
    assert!(tokens.access.starts_with("oat_") && tokens.refresh.starts_with("ort_"));
    assert_eq!(
        body,
        json!({
            "access_token": tokens.access, "token_type": "Bearer", "expires_in": 90,
            "scope": "orders:read stock", "refresh_token": tokens.refresh,
        })
    );
    let code = flow::code(&mut browser, &never);
    assert_eq!(exchange(&server, &never, &code).json().get("refresh_token"), None);
}

#[test]
fn a_client_authenticates_with_basic_or_in_the_body() {
    let server = Server::start();
    let secret = "a:secret+of%25more&than=32/characters?";
    let client = server.home.client_with_secret("orders+web%25", secret, &[]);
    let token = [("token", "x")];
    // Encoded as RFC 6749 §2.3.1 wants it, or not, as many clients do it.
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = crate::support::http::basic(&encoded(&client.id), &encoded(secret));
    for authorization in [client.basic(), basic.clone(), basic.replacen("Basic", "bASIC", 1)] {
        let headers = [("Authorization", authorization.as_str())];
        for more in [&[][..], &[("client_id", client.id.as_str())]] {
            let form = encode(&[&token[..], more].concat());
            let answer = send("POST", &server.url("/revoke"), &headers, Some(&form));
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (200, "{}"),
                "{authorization}"
            );
        }
    }
    let form = encode(&[
        ("token", "x"),
        ("client_id", &client.id),
        ("client_secret", secret),
    ]);
    let headers = [(
        "Content-Type",
        "Application/X-WWW-Form-Urlencoded ; charset=UTF-8",
    )];
    let answer = send("POST", &server.url("/revoke"), &headers, Some(&form));
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
}

#[test]
fn rotation_is_idempotent_until_the_successor_is_used() {
    let server = Server::start();
    let client = server.home.client("orders", &["--refresh", "2"]);
    let mut browser = signed_in(&server);
    let first = tokens(&server, &mut browser, &client);

    // Two tabs at once, and a lost answer: one successor, an access token each, counted once.
    let repeated: Vec<Tokens> = std::thread::scope(|scope| {
        let refreshes: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Tokens::of(&refresh(&server, &client, &first.refresh))))
            .collect();
        refreshes
            .into_iter()
            .map(|refresh| refresh.join().unwrap())
            .collect()
    });
    let second = repeated[0].refresh.clone();
    assert_ne!(second, first.refresh);
    assert!(repeated.iter().all(|tokens| tokens.refresh == second));
    let mut access: Vec<&str> = repeated.iter().map(|tokens| tokens.access.as_str()).collect();
    access.sort_unstable();
    access.dedup();
    assert_eq!(access.len(), 8);
    assert!(access.iter().all(|token| server.opens(token)));
    // Those from before a refresh live on to their own end.
    assert!(server.opens(&first.access));

    let third = Tokens::of(&refresh(&server, &client, &second));
    let ended = refresh(&server, &client, &first.refresh);
    assert_eq!(
        (ended.status, ended.json()["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    assert!(!server.opens(&third.access) && !server.opens(&first.access));
}

#[test]
fn without_a_retry_window_a_refresh_token_is_used_once() {
    let server = Server::with(Home::furnished(), |command| {
        command.env("OAUTHCTL_TOKENS_REFRESH_RETRY_WINDOW", "0s")
    });
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let first = tokens(&server, &mut browser, &client);
    let second = Tokens::of(&refresh(&server, &client, &first.refresh));
    assert_eq!(refresh(&server, &client, &first.refresh).status, 400);
    assert!(!server.opens(&second.access));
    assert_eq!(refresh(&server, &client, &second.refresh).status, 400);
}

#[test]
fn a_refresh_may_narrow_the_access_token_and_not_the_grant() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let mut current = tokens(&server, &mut browser, &client);
    for (asked, got) in [
        ("stock", "stock"),
        ("", "orders:read stock"),
        ("stock orders:read", "orders:read stock"),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", current.refresh.as_str()),
            ("scope", asked),
        ];
        current = Tokens::of(&server.post("/token", &client, &form));
        assert_eq!(current.scope, got, "{asked}");
    }
}

#[test]
fn revoking_a_refresh_token_ends_the_grant_and_an_access_token_only_itself() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    for hint in [None, Some("access_token"), Some("refresh_token"), Some("saml")] {
        let held = tokens(&server, &mut browser, &client);
        let revoke = |token: &str| {
            let hint = hint.map(|hint| ("token_type_hint", hint));
            let form: Vec<_> = [("token", token)].into_iter().chain(hint).collect();
            let answer = server.post("/revoke", &client, &form);
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        };
        revoke(&held.access);
        assert!(!server.opens(&held.access));
        let held = Tokens::of(&refresh(&server, &client, &held.refresh));
        assert!(server.opens(&held.access));
        revoke(&held.refresh);
        assert!(!server.opens(&held.access));
        assert_eq!(refresh(&server, &client, &held.refresh).status, 400);
    }
}

#[test]
fn introspection_tells_resource_servers_everything_and_clients_their_own() {
    let server = Server::start();
    let client = server.home.client("orders", &["--access-token-lifetime", "1h"]);
    let warehouse = server.home.resource_server("Warehouse");
    let mut browser = signed_in(&server);
    let held = tokens(&server, &mut browser, &client);
    let introspect = |caller, token: &str| server.post("/introspect", caller, &[("token", token)]).json();
    let told = introspect(&warehouse, &held.access);
    let issued_at = told["iat"].as_i64().unwrap();
    assert_eq!(
        told,
        json!({
            "active": true, "scope": "orders:read stock", "client_id": "orders", "username": "alice", "sub": "alice",
            "token_type": "Bearer", "iat": issued_at, "exp": issued_at + 3600, "iss": server.base,
        })
    );
    assert_eq!(introspect(&client, &held.access), told);
    assert_eq!(introspect(&client, &held.refresh)["active"], true);

    // What is in force of its scope, at that moment.
    server.home.sql(
        "DELETE FROM client_scopes WHERE scope_key = (SELECT scope_key FROM scopes WHERE scope = 'stock')",
        &[],
    );
    assert_eq!(introspect(&warehouse, &held.access)["scope"], "orders:read");
}

#[test]
fn a_code_is_exchanged_once_however_many_try() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let code = flow::code(&mut signed_in(&server), &client);
    let mut statuses = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| exchange(&server, &client, &code).status))
            .collect();
        tries
            .into_iter()
            .map(|exchange| exchange.join().unwrap())
            .collect::<Vec<u16>>()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
}

#[test]
fn a_second_owner_has_approvals_of_their_own() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    server.home.owner("bob");
    let mut alice = signed_in(&server);
    let mut bob = Browser::at(&server);
    flow::sign_in(
        &mut bob,
        &authorize_with(&client, &[("scope", "orders:read")]),
        "bob",
    );
    let of_alice = tokens(&server, &mut alice, &client);
    let of_bob = tokens(&server, &mut bob, &client);
    server.home.sql(
        "UPDATE resource_owners SET enabled = 0 WHERE username = 'bob'",
        &[],
    );
    assert!(server.opens(&of_alice.access) && !server.opens(&of_bob.access));
}
