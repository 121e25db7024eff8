//! Resources over HTTP: asked for (RFC 8707), described (RFC 9728) and checked.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IntrospectionUrl, PkceCodeChallenge,
    RedirectUrl, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::{Value, json};

use crate::oauth2_client::proxy;
use crate::support::browser::Browser;
use crate::support::flow::{self, Tokens, VERIFIER, approve, authorize_with, signed_in};
use crate::support::home::{Client, Home, REDIRECT_URI};
use crate::support::http::{Answer, send};
use crate::support::server::Server;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const ORDERS: &str = "https://api.example/orders";
const STOCK: &str = "https://stock.example";

/// A furnished home in which two resources are served.
fn home() -> Home {
    let home = Home::furnished();
    for (name, resource) in [("Orders", ORDERS), ("Stock", STOCK)] {
        home.run(&["resource-server", "register", name, "--resource", resource], "");
    }
    home
}

/// Tokens for what was asked for.
fn tokens(server: &Server, client: &Client, resources: &[&str]) -> Tokens {
    let more: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
    let answer = approve(&mut signed_in(server), &authorize_with(client, &more));
    Tokens::of(&flow::exchange(
        server,
        client,
        &answer.parameter("code").unwrap(),
    ))
}

fn check(server: &Server, query: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [headers, &[("Authorization", bearer.as_str())]].concat();
    server.get(&format!("/check?{query}"), &headers)
}

#[test]
fn the_crate_oauth2_asks_for_resources_as_extra_parameters() {
    let server = Server::with(home(), |command| command.args(["--issuer", "https://id.example"]));
    let registered = server.home.client("orders", &[]);
    let http = proxy(&server);
    let at = |path: &str| format!("https://id.example{path}");
    let client = BasicClient::new(ClientId::new(registered.id.clone()))
        .set_client_secret(ClientSecret::new(registered.secret.clone()))
        .set_auth_uri(AuthUrl::new(at("/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(at("/token")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(at("/introspect")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    let audience = |token| {
        let told = client.introspect(token).request(&http).unwrap();
        assert!(told.active());
        told.aud().cloned()
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, _) = client
        .authorize_url(CsrfToken::new_random)
        .add_extra_param("resource", ORDERS)
        .add_extra_param("resource", STOCK)
        .set_pkce_challenge(challenge)
        .url();
    let path = url.as_str().strip_prefix("https://id.example").unwrap();
    let code = approve(&mut signed_in(&server), path).parameter("code").unwrap();
    let narrow = client
        .exchange_code(AuthorizationCode::new(code))
        .add_extra_param("resource", STOCK)
        .set_pkce_verifier(verifier)
        .request(&http)
        .unwrap();
    assert_eq!(audience(narrow.access_token()), Some(vec![STOCK.to_owned()]));
    let wide = client
        .exchange_refresh_token(narrow.refresh_token().unwrap())
        .request(&http)
        .unwrap();
    assert_eq!(
        audience(wide.access_token()),
        Some(vec![ORDERS.to_owned(), STOCK.to_owned()])
    );
}

#[test]
fn the_resources_come_through_the_sign_in_and_are_named_where_the_owner_decides() {
    let server = Server::over(home());
    let client = server.home.client("orders", &[]);
    let asked = [("resource", ORDERS), ("resource", STOCK)];
    let mut browser = Browser::at(&server);
    let page = flow::sign_in(&mut browser, &authorize_with(&client, &asked), "alice");
    let line = format!(
        "<dt>For use at</dt>\n<dd><code><bdi>{}</bdi></code></dd>",
        escaped(ORDERS)
    );
    assert!(page.body.contains(&line), "{}", page.body);
    assert!(page.body.contains(&escaped(STOCK)), "{}", page.body);
    let answer = approve(&mut browser, &authorize_with(&client, &asked));
    let held = Tokens::of(&flow::exchange(
        &server,
        &client,
        &answer.parameter("code").unwrap(),
    ));
    let told = server
        .post("/introspect", &client, &[("token", &held.access)])
        .json();
    assert_eq!(told["aud"], json!([ORDERS, STOCK]));

    let page = browser.open(&flow::authorize(&client));
    assert!(!page.body.contains("For use at"), "{}", page.body);
}

/// As the pages write it.
fn escaped(text: &str) -> String {
    text.replace('/', "&#x2f;")
}

#[test]
fn an_administrator_sees_what_a_grant_and_a_token_are_bound_to() {
    let server = Server::over(home());
    let client = server.home.client("orders", &[]);
    let show = |noun: &str, kind: &[&str]| -> Value {
        let list = server.home.run(&[&[noun, "list"][..], kind].concat(), "");
        let id = list[0][format!("{noun}_id")].as_str().unwrap().to_owned();
        server.home.run(&[noun, "show", &id], "")["resources"].take()
    };
    for (resources, granted, held) in [
        (&[][..], Value::Null, Value::Null),
        (&[STOCK, ORDERS], json!([ORDERS, STOCK]), json!([STOCK])),
    ] {
        server.home.sql("DELETE FROM tokens", &[]);
        server.home.sql("DELETE FROM authorization_codes", &[]);
        server.home.sql("DELETE FROM grants", &[]);
        let more: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
        let answer = approve(&mut signed_in(&server), &authorize_with(&client, &more));
        let code = answer.parameter("code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
            ("resource", resources.first().copied().unwrap_or_default()),
        ];
        Tokens::of(&server.post("/token", &client, &form));
        assert_eq!(show("grant", &[]), granted);
        assert_eq!(show("token", &["--kind", "access"]), held);
        assert_eq!(show("token", &["--kind", "refresh"]), granted);
    }
}

#[test]
fn the_aliases_know_resources_too() {
    let server = Server::over(home());
    let client = server.home.client("orders", &[]);
    for services in ["/invoke/pub.oauth/", "/invoke/pub.oauth:"] {
        let path = authorize_with(&client, &[("resource", ORDERS)])
            .replace("/authorize", &format!("{services}authorize"));
        let code = approve(&mut signed_in(&server), &path).parameter("code").unwrap();
        let exchange = |resource: &str| {
            let form = [
                ("code", code.as_str()),
                ("redirect_uri", REDIRECT_URI),
                ("code_verifier", VERIFIER),
                ("resource", resource),
            ];
            server.post(&format!("{services}getAccessToken"), &client, &form)
        };
        let refused = exchange(STOCK);
        assert_eq!(
            (refused.status, &refused.json()["error"]),
            (400, &json!("invalid_target"))
        );
        let held = Tokens::of(&exchange(ORDERS));
        let form = [("token", held.access.as_str())];
        let told = server.post(&format!("{services}introspectToken"), &client, &form);
        assert_eq!(told.json()["aud"], ORDERS);
    }
}

#[test]
fn a_resource_is_described_at_its_own_host_and_path() {
    for issuer in [None, Some("https://id.example/oauth")] {
        let server = Server::with(home(), |command| match issuer {
            Some(issuer) => command.args(["--issuer", issuer]),
            None => command,
        });
        let own = format!("{}/here", server.base);
        let arguments = ["resource-server", "register", "Here", "--resource", &own];
        server.home.run(&arguments, "");
        let at = |host: &str, path: &str| server.get(&format!("{WELL_KNOWN}{path}"), &[("Host", host)]);
        let issuer = issuer.unwrap_or(&server.base);
        for (host, path, resource, name) in [
            ("api.example", "/orders", ORDERS, "Orders"),
            ("API.example:443", "/orders", ORDERS, "Orders"),
            ("stock.example", "", STOCK, "Stock"),
            (server.address(), "/here", &own, "Here"),
        ] {
            let answer = at(host, path);
            assert_eq!(answer.status, 200, "{host}{path}");
            assert_eq!(
                answer.json(),
                json!({
                    "resource": resource,
                    "authorization_servers": [issuer],
                    "bearer_methods_supported": ["header"],
                    "resource_name": name,
                })
            );
        }
        for (host, path) in [
            ("api.example", ""),
            ("api.example", "/orders/"),
            ("api.example", "/orders/1"),
            ("api.example", "/Orders"),
            ("api.example", "/%6frders"),
            ("api.example:8443", "/orders"),
            ("stock.example", "/orders"),
            ("stock.example", "/"),
            ("other.example", ""),
            (server.address(), ""),
            (server.address(), "/orders"),
        ] {
            assert_eq!(at(host, path).status, 404, "{host}{path}");
        }
        let forwarded = [("Host", "other.example"), ("X-Forwarded-Host", "stock.example")];
        assert_eq!(server.get(WELL_KNOWN, &forwarded).status, 404);
        let host = [("Host", "stock.example")];
        let head = send("HEAD", &server.url(WELL_KNOWN), &host, None);
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let post = send("POST", &server.url(WELL_KNOWN), &host, Some(""));
        assert_eq!((post.status, post.header("Allow")), (405, Some("GET, HEAD")));
        assert_eq!(server.get(&format!("{WELL_KNOWN}s"), &host).status, 404);
    }
}

#[test]
fn the_metadata_of_the_server_list_what_is_registered() {
    let server = Server::start();
    let listed = || -> Option<Value> {
        let metadata = server.get("/.well-known/oauth-authorization-server", &[]).json();
        metadata.get("protected_resources").cloned()
    };
    server.home.resource_server("None");
    assert_eq!(listed(), None);
    let register = |name: &str, resource: &str| {
        let arguments = ["resource-server", "register", name, "--resource", resource];
        server.home.run(&arguments, "");
    };
    register("B", STOCK);
    register("A", ORDERS);
    assert_eq!(listed(), Some(json!([ORDERS, STOCK])));
    server
        .home
        .run(&["resource-server", "update", "A", "--no-resource"], "");
    assert_eq!(listed(), Some(json!([STOCK])));
}

#[test]
fn a_check_at_a_resource_denies_a_token_for_another_one() {
    let server = Server::over(home());
    let client = server.home.client("orders", &[]);
    let original = [("X-Original-Method", "GET"), ("X-Original-URI", "/orders/17")];
    let forwarded = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/orders/17")];
    let elsewhere = [
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/orders/17"),
        // Said by whoever sent the request, and not read.
        ("X-Original-Resource", STOCK),
        ("Host", "stock.example"),
    ];
    for (resources, good) in [
        (&[][..], true),
        (&[ORDERS], true),
        (&[ORDERS, STOCK], true),
        (&[STOCK], false),
    ] {
        let token = tokens(&server, &client, resources).access;
        let encoded = "https%3A%2F%2Fapi.example%2Forders";
        for (query, headers) in [
            (format!("resource={ORDERS}&service=orders:list"), &[][..]),
            (format!("service=orders:list&resource={encoded}"), &[]),
            (format!("resource={ORDERS}&method=GET&path=/orders/17"), &[]),
            (format!("method=GET&path=%2Forders%2F17&resource={ORDERS}"), &[]),
            // It says where, not what: the headers say that.
            (format!("resource={ORDERS}"), &original),
            (format!("resource={ORDERS}"), &forwarded),
            (format!("resource={ORDERS}"), &elsewhere),
        ] {
            let answer = check(&server, &query, &token, headers);
            assert_eq!(answer.status == 200, good, "{resources:?} {query}: {answer:?}");
            if !good {
                assert_eq!(answer.status, 401);
                assert_eq!(
                    answer.header("WWW-Authenticate"),
                    Some(
                        "Bearer realm=\"oauthctl\", error=\"invalid_token\", \
                         error_description=\"the access token is for another resource\", \
                         resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/orders\""
                    )
                );
                assert_eq!(answer.header("X-OAuth-Client"), None);
            }
        }
        assert_eq!(check(&server, "service=orders:list", &token, &[]).status, 200);
    }
}

#[test]
fn a_check_that_does_not_say_one_registered_resource_is_the_proxys_fault() {
    let server = Server::over(home());
    let client = server.home.client("orders", &[]);
    let token = tokens(&server, &client, &[ORDERS]).access;
    for (query, says) in [
        (
            "resource=&service=orders:list".to_owned(),
            "resource= in the query is empty",
        ),
        (
            "resource&service=orders:list".to_owned(),
            "resource= in the query is empty",
        ),
        (
            format!("resource={ORDERS}&resource={ORDERS}&service=orders:list"),
            "the query must hold resource= once",
        ),
        (
            format!("resource={ORDERS}/&service=orders:list"),
            "the resource in the query is not registered here",
        ),
        (
            "resource=orders&service=orders:list".to_owned(),
            "the resource in the query is not registered here",
        ),
        // Where is no answer to what.
        (format!("resource={ORDERS}"), "say what is asked for"),
        (
            format!("resource={ORDERS}&method=GET"),
            "method and path come as a pair",
        ),
    ] {
        let answer = check(&server, &query, &token, &[]);
        let told = answer.json();
        assert_eq!(
            (answer.status, &told["error"]),
            (400, &json!("invalid_request")),
            "{query}"
        );
        let description = told["error_description"].as_str().unwrap();
        assert!(description.starts_with(says), "{query}: {description}");
        assert_eq!(answer.header("WWW-Authenticate"), None);
    }
    // A path that somebody wrote into the query as it came says nothing about where.
    let smuggled = format!("method=GET&path=/orders/17&resource={STOCK}");
    assert_eq!(check(&server, &smuggled, &token, &[]).status, 401);
    let wide = tokens(&server, &client, &[]).access;
    assert_eq!(check(&server, &smuggled, &wide, &[]).status, 403);
    // From the state of that moment.
    let query = format!("resource={ORDERS}&service=orders:list");
    assert_eq!(check(&server, &query, &token, &[]).status, 200);
    let arguments = ["resource-server", "update", "Orders", "--no-resource"];
    server.home.run(&arguments, "");
    assert_eq!(check(&server, &query, &token, &[]).status, 400);
}

#[test]
fn a_client_that_knows_nothing_finds_its_way_from_the_challenge() {
    let server = Server::over(home());
    let client = server.home.client("orders", &[]);
    let query = format!("/check?resource={ORDERS}&service=orders:list");
    let refused = server.get(&query, &[]);
    let challenge = "Bearer realm=\"oauthctl\", \
                     resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/orders\"";
    assert_eq!(
        (refused.status, refused.header("WWW-Authenticate")),
        (401, Some(challenge))
    );
    let (_, url) = challenge.split_once("resource_metadata=\"").unwrap();
    let rest = url.trim_end_matches('"').strip_prefix("https://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    // The proxy in front of the resource passes it on.
    let described = server.get(&format!("/{path}"), &[("Host", host)]).json();
    assert_eq!(described["resource"], ORDERS);
    let issuer = described["authorization_servers"][0].as_str().unwrap();
    assert_eq!(issuer, server.base);
    let metadata = server.get("/.well-known/oauth-authorization-server", &[]).json();
    assert_eq!(metadata["issuer"], issuer);
    let token = tokens(&server, &client, &[described["resource"].as_str().unwrap()]).access;
    let bearer = format!("Bearer {token}");
    assert_eq!(server.get(&query, &[("Authorization", &bearer)]).status, 200);

    // A token that is good there, and may not do that.
    let denied = check(
        &server,
        &format!("resource={ORDERS}&service=other:list"),
        &token,
        &[],
    );
    assert_eq!(denied.status, 403);
    let challenge = denied.header("WWW-Authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(
        challenge.contains("resource_metadata=\"https://api.example/"),
        "{challenge}"
    );
    let head = send(
        "HEAD",
        &server.url(&format!("/check?resource={ORDERS}&service=other:list")),
        &[("Authorization", &bearer)],
        None,
    );
    assert_eq!(head.header("WWW-Authenticate"), Some(challenge));
}
