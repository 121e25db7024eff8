//! Every refusal of the contract, as `fixtures/refusals.toml` tells it.

mod world;

use serde::Deserialize;

use self::world::{Form, World, change, join};
use crate::pages::assert_page_headers;
use crate::support::browser::Browser;
use crate::support::flow::{CHALLENGE, VERIFIER};
use crate::support::form::Form as HtmlForm;
use crate::support::home::REDIRECT_URI;
use crate::support::http::{Answer, pairs, send};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    authorize: Vec<AuthorizeRow>,
    token: Vec<FormRow>,
    revoke: Vec<FormRow>,
    introspect: Vec<FormRow>,
    check: Vec<CheckRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizeRow {
    refusal: String,
    #[serde(default = "orders")]
    client: String,
    #[serde(default)]
    change: Vec<String>,
    page: Option<String>,
    redirect: Option<String>,
    says: Option<String>,
    #[serde(default)]
    without_state: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormRow {
    refusal: String,
    #[serde(default)]
    grant: Presented,
    #[serde(default = "orders")]
    client: String,
    given: Option<String>,
    r#as: Option<String>,
    authorization: Option<String>,
    content_type: Option<String>,
    #[serde(default)]
    change: Vec<String>,
    status: Option<u16>,
    error: Option<String>,
    then: Option<String>,
}

#[derive(Deserialize, Default, PartialEq, Clone, Copy)]
enum Presented {
    #[default]
    #[serde(rename = "code")]
    Code,
    #[serde(rename = "refresh token")]
    RefreshToken,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckRow {
    refusal: String,
    given: Option<String>,
    #[serde(default)]
    query: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    authorization: Option<String>,
    status: u16,
    error: Option<String>,
}

fn orders() -> String {
    "orders".to_owned()
}

fn table() -> Table {
    toml::from_str(include_str!("../../fixtures/refusals.toml")).unwrap()
}

/// Runs a row, and says which it was where it fails.
fn row(endpoint: &str, refusal: &str, run: impl FnOnce()) {
    let run = std::panic::AssertUnwindSafe(run);
    assert!(std::panic::catch_unwind(run).is_ok(), "{endpoint}: {refusal}");
}

#[test]
fn at_the_authorization_endpoint() {
    let world = World::new();
    for refused in table().authorize {
        row("authorize", &refused.refusal, || {
            let mut request: Vec<(String, String)> = [
                ("response_type", "code"),
                ("client_id", refused.client.as_str()),
                ("redirect_uri", REDIRECT_URI),
                ("state", "xyz"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
            let changes: Vec<String> = refused
                .change
                .iter()
                .map(|change| world.put_in(change, &refused.client, None))
                .collect();
            change(&mut request, &changes);
            let query = join(&request);
            let url = world.server.url("/authorize");
            let cookie = world.browser.cookies.iter().next().unwrap();
            let cookie = format!("{}={}", cookie.0, cookie.1);
            for headers in [&[][..], &[("Cookie", cookie.as_str())]] {
                let got = send("GET", &format!("{url}?{query}"), headers, None);
                assert_refused(&world, &refused, &request, &got);
                let posted = send("POST", &url, headers, Some(&query));
                assert_refused(&world, &refused, &request, &posted);
                let head = send("HEAD", &format!("{url}?{query}"), headers, None);
                assert_eq!((head.status, head.body.as_str()), (got.status, ""));
            }
        });
    }
}

fn assert_refused(world: &World, refused: &AuthorizeRow, request: &[(String, String)], answer: &Answer) {
    assert_eq!(answer.header("Set-Cookie"), None);
    if let Some(says) = &refused.page {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.header("Location"), None);
        assert_page_headers(answer);
        assert!(answer.body.contains(says), "{}", answer.body);
        assert_eq!(HtmlForm::all(&answer.body).len(), 0);
        return;
    }
    let sent = request.iter().find(|(name, _)| name == "redirect_uri").unwrap();
    assert_eq!(answer.status, 302, "{answer:?}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
    let query = answer.location().strip_prefix(&format!("{}?", sent.1)).unwrap();
    let mut parameters = pairs(query);
    let (_, description) = parameters.remove(1);
    assert!(
        description.contains(refused.says.as_deref().unwrap()),
        "{description}"
    );
    let mut expected = vec![("error", refused.redirect.as_deref().unwrap())];
    if !refused.without_state {
        expected.push(("state", "xyz"));
    }
    expected.push(("iss", &world.server.base));
    let expected: Vec<(String, String)> = expected
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(parameters, expected);
}

#[test]
fn at_the_token_endpoint() {
    let mut world = World::new();
    for refused in table().token {
        row("token", &refused.refusal, || {
            let is_refresh = refused.grant == Presented::RefreshToken;
            let hand = world.hand(&refused.client, refused.given.as_deref(), is_refresh);
            let right = if is_refresh {
                vec![("grant_type", "refresh_token"), ("refresh_token", &hand.refresh)]
            } else {
                let mut right = vec![
                    ("grant_type", "authorization_code"),
                    ("code", &hand.code),
                    ("redirect_uri", REDIRECT_URI),
                ];
                if refused.given.as_deref() != Some("the request had no challenge") {
                    right.push(("code_verifier", VERIFIER));
                }
                right
            };
            refuse(&world, "/token", &refused, &hand, &right);
        });
    }
}

#[test]
fn at_the_revocation_endpoint() {
    let mut world = World::new();
    for refused in table().revoke {
        row("revoke", &refused.refusal, || {
            let hand = world.hand(&refused.client, refused.given.as_deref(), true);
            refuse(&world, "/revoke", &refused, &hand, &[("token", &hand.access[0])]);
        });
    }
}

#[test]
fn at_the_introspection_endpoint() {
    let mut world = World::new();
    for mut refused in table().introspect {
        row("introspect", &refused.refusal.clone(), || {
            let hand = world.hand("orders", refused.given.as_deref(), true);
            "warehouse".clone_into(&mut refused.client);
            refuse(
                &world,
                "/introspect",
                &refused,
                &hand,
                &[("token", &hand.access[0])],
            );
            world.mend();
        });
    }
}

/// Sends the right form as the row changes it, and looks at the answer and at what it left behind.
fn refuse(world: &World, path: &str, refused: &FormRow, hand: &world::Hand, right: &[(&str, &str)]) {
    let right: Vec<(String, String)> = right
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut form = right.clone();
    let put_in = |text: &String| world.put_in(text, &refused.client, Some(hand));
    let changes: Vec<String> = refused.change.iter().map(put_in).collect();
    change(&mut form, &changes);
    let authorization = match &refused.authorization {
        Some(field) => Some(put_in(field)),
        None => world.authorization(&refused.client, refused.r#as.as_deref()),
    };
    let answer = world.send(&Form {
        path,
        authorization,
        content_type: refused.content_type.as_deref(),
        body: join(&form),
    });
    if let Some(error) = &refused.error {
        assert_error(&answer, refused.status.unwrap_or(400), error);
    } else {
        let quiet = match path {
            "/revoke" => "{}",
            "/introspect" => r#"{"active":false}"#,
            _ => panic!("{path} refuses with an error"),
        };
        assert_eq!((answer.status, answer.body.as_str()), (200, quiet));
        assert_not_kept(&answer);
    }
    if let Some(then) = &refused.then {
        let right = Form {
            path,
            authorization: world.authorization(&refused.client, None),
            content_type: None,
            body: join(&right),
        };
        world.stands(then, &refused.client, &right, hand);
    }
    world.mend();
}

/// RFC 6749 §5.2.
fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["error", "error_description"]);
    assert_eq!(body["error"], error, "{body}");
    let description = body["error_description"].as_str().unwrap();
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(
        !description.is_empty() && description.chars().all(allowed),
        "{description}"
    );
    assert_not_kept(answer);
    let challenge = (status == 401).then_some("Basic realm=\"oauthctl\"");
    assert_eq!(answer.header("WWW-Authenticate"), challenge);
}

fn assert_not_kept(answer: &Answer) {
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Pragma"), Some("no-cache"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(answer.header("Set-Cookie"), None);
}

#[test]
fn at_the_check() {
    let mut world = World::new();
    for refused in table().check {
        row("check", &refused.refusal, || {
            let hand = world.hand("orders", refused.given.as_deref(), true);
            let put_in = |text: &str| world.put_in(text, "orders", Some(&hand));
            let authorization = put_in(
                refused
                    .authorization
                    .as_deref()
                    .unwrap_or("Bearer {access token}"),
            );
            let mut headers: Vec<(&str, &str)> = refused
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            if !authorization.is_empty() {
                headers.push(("Authorization", &authorization));
            }
            let path = format!("/check?{}", put_in(&refused.query));
            let answer = world.server.get(&path, &headers);
            assert_eq!(answer.status, refused.status, "{answer:?}");
            assert_not_kept(&answer);
            for identity in ["Client", "Owner", "Scope", "Grant"] {
                assert_eq!(answer.header(&format!("X-OAuth-{identity}")), None);
            }
            let body = answer.json();
            assert_eq!(
                body.get("error").and_then(|e| e.as_str()),
                refused.error.as_deref()
            );
            let description = body["error_description"].as_str().unwrap();
            let challenge = match (refused.status, &refused.error) {
                (400, _) => None,
                (_, None) => Some("Bearer realm=\"oauthctl\"".to_owned()),
                (_, Some(error)) => Some(format!(
                    "Bearer realm=\"oauthctl\", error=\"{error}\", error_description=\"{description}\""
                )),
            };
            assert_eq!(answer.header("WWW-Authenticate"), challenge.as_deref());
            world.mend();
        });
    }
}

#[test]
fn an_unknown_client_and_a_wrong_secret_look_alike() {
    let world = World::new();
    for path in ["/token", "/revoke", "/introspect"] {
        let answers = ["wrong secret", "unknown client", "disabled"].map(|who| {
            let answer = world.send(&Form {
                path,
                authorization: world.authorization("orders", Some(who)),
                content_type: None,
                body: "grant_type=refresh_token&refresh_token=x&token=x".to_owned(),
            });
            (
                answer.status,
                answer.header("WWW-Authenticate").map(str::to_owned),
                answer.body,
            )
        });
        assert_eq!(answers[0].0, 401);
        assert_eq!(answers[0], answers[1], "{path}");
        assert_eq!(answers[0], answers[2], "{path}");
    }
}

#[test]
fn methods_that_an_endpoint_does_not_have() {
    let world = World::new();
    for (method, path, allowed) in [
        ("GET", "/token", "POST"),
        ("GET", "/revoke", "POST"),
        ("GET", "/introspect", "POST"),
        ("GET", "/logout", "POST"),
        ("PUT", "/authorize", "GET, HEAD, POST"),
        ("DELETE", "/account", "GET, HEAD, POST"),
        ("PUT", "/check", "GET, HEAD, POST"),
        ("POST", "/.well-known/oauth-authorization-server", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/readyz", "GET, HEAD"),
        ("OPTIONS", "/token", "POST"),
    ] {
        let body = matches!(method, "POST" | "PUT").then_some("");
        let answer = send(method, &world.server.url(path), &[], body);
        assert_eq!(
            (answer.status, answer.header("Allow")),
            (405, Some(allowed)),
            "{method} {path}"
        );
    }
    for path in [
        "/",
        "/Token",
        "/token/",
        "/authorize/x",
        "/invoke/pub.oauth:other",
    ] {
        assert_eq!(world.server.get(path, &[]).status, 404, "{path}");
    }
}

#[test]
fn a_request_that_is_too_long_gets_a_page() {
    let world = World::new();
    let mut browser = Browser::at(&world.server);
    let state = "x".repeat(7 * 1024);
    let answer = browser.open(&format!("/authorize?client_id=orders&state={state}"));
    assert_eq!(answer.status, 400);
    assert_page_headers(&answer);
    assert!(answer.body.contains("too long"), "{}", answer.body);
}

#[test]
fn an_authorization_request_in_another_form_gets_a_page() {
    let world = World::new();
    let json = [("Content-Type", "application/json")];
    let answer = send(
        "POST",
        &world.server.url("/authorize"),
        &json,
        Some(r#"{"client_id":"orders"}"#),
    );
    assert_eq!(answer.status, 400);
    assert_page_headers(&answer);
}
