//! The examples of the RFCs, as they stand there.

use sha2::{Digest, Sha256};

use crate::support::browser::Browser;
use crate::support::flow::{Tokens, approve, sign_in};
use crate::support::form::Form;
use crate::support::home::Client;
use crate::support::http::{Answer, send};
use crate::support::server::Server;

/// RFC 6749 §2.3.1 and §4.1.3: `s6BhdRkqt3` with `gX1fBat3bV`.
const BASIC: &str = "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW";
/// RFC 6749 §2.3.1, in the body.
const SECOND_SECRET: &str = "7Fjfp0ZBr1KtDRbnfVdmIw";
/// RFC 6749 §4.1.1; the line break is for display.
const REQUEST: &str = "/authorize?response_type=code&client_id=s6BhdRkqt3&state=xyz\
                       &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb";

/// A server that knows the client of RFC 6749 with both its secrets. They are too short to be registered today.
fn server() -> Server {
    let server = Server::start();
    server.home.client(
        "s6BhdRkqt3",
        &["--no-pkce", "--redirect-uri", "https://client.example.com/cb"],
    );
    for secret in ["gX1fBat3bV", SECOND_SECRET] {
        let hash = data_encoding::HEXUPPER.encode(&Sha256::digest(secret));
        let inserted = server.home.sql(
            "INSERT INTO client_secrets (client_key, secret_hash, created_at) \
             SELECT client_key, unhex(?), 0 FROM clients",
            &[&hash],
        );
        assert_eq!(inserted, 1);
    }
    server
}

#[track_caller]
fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send("POST", &server.url(path), headers, Some(body))
}

#[test]
fn the_authorization_code_grant_of_rfc_6749() {
    let server = server();
    let mut browser = Browser::at(&server);
    sign_in(&mut browser, REQUEST, "alice");

    // §4.1.2: `https://client.example.com/cb?code=SplxlOBeZQQYbYS6WxSbIA&state=xyz`, and `iss` by RFC 9207.
    let answer = approve(&mut browser, REQUEST);
    let code = answer.parameter("code").unwrap();
    let issuer: String = form_urlencoded::byte_serialize(server.base.as_bytes()).collect();
    assert_eq!(
        answer.location(),
        format!("https://client.example.com/cb?code={code}&state=xyz&iss={issuer}")
    );

    // §4.1.3, and §5.1 for the answer.
    let body = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb"
    );
    let answer = post(&server, "/token", &[("Authorization", BASIC)], &body);
    let tokens = Tokens::of(&answer);
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));

    // §6 with Basic, and §2.3.1 in the body.
    let body = format!("grant_type=refresh_token&refresh_token={}", tokens.refresh);
    let refreshed = Tokens::of(&post(&server, "/token", &[("Authorization", BASIC)], &body));
    let body = format!(
        "grant_type=refresh_token&refresh_token={}&client_id=s6BhdRkqt3&client_secret={SECOND_SECRET}",
        refreshed.refresh
    );
    Tokens::of(&post(&server, "/token", &[], &body));
}

#[test]
fn the_error_responses_of_rfc_6749() {
    let server = server();
    let mut browser = Browser::at(&server);
    let page = sign_in(&mut browser, REQUEST, "alice");
    let deny = Form::with(&page.body, "decision").press("decision", "deny");
    let answer = browser.submit(&deny);
    // §4.1.2.1: `https://client.example.com/cb?error=access_denied&state=xyz`.
    assert!(
        answer
            .location()
            .starts_with("https://client.example.com/cb?error=access_denied&")
    );
    assert_eq!(answer.parameter("state").as_deref(), Some("xyz"));
    // §5.2: the values of the examples are nobody's here.
    for body in [
        "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA\
         &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb",
        "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA",
    ] {
        let answer = post(&server, "/token", &[("Authorization", BASIC)], body);
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (400, Some("invalid_grant"))
        );
    }
}

#[test]
fn the_form_encoding_of_rfc_6749_appendix_b() {
    // The characters U+0020, U+0025, U+0026, U+002B, U+00A3 and U+20AC.
    const ENCODED: &str = "+%25%26%2B%C2%A3%E2%82%AC";
    let server = server();
    let mut browser = Browser::at(&server);
    let request = REQUEST.replace("state=xyz", &format!("state={ENCODED}"));
    sign_in(&mut browser, &request, "alice");
    let answer = approve(&mut browser, &request);
    assert!(
        answer.location().contains(&format!("&state={ENCODED}&")),
        "{}",
        answer.location()
    );
    assert_eq!(answer.parameter("state").as_deref(), Some(" %&+\u{a3}\u{20ac}"));
}

#[test]
fn a_redirect_uri_keeps_the_query_that_it_has() {
    // RFC 6749 §3.1.2: "which MUST be retained when adding additional query parameters".
    let server = Server::start();
    let iss = form_urlencoded::byte_serialize(server.base.as_bytes()).collect::<String>();
    let mut browser = Browser::at(&server);
    sign_in(&mut browser, "/account", "alice");
    for (number, (uri, joined)) in [
        ("https://client.example.com/cb", "?"),
        ("https://client.example.com", "?"),
        ("https://client.example.com/cb?", ""),
        ("https://client.example.com/cb?a=1", "&"),
        ("https://client.example.com/cb?a=1&", ""),
        ("https://client.example.com/cb?a=%2f+b&a=2&code=mine", "&"),
        ("http://127.0.0.1/cb?a=1", "&"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("client{number}");
        server.home.client(&id, &["--no-pkce", "--redirect-uri", uri]);
        let path = format!("/authorize?response_type=code&client_id={id}&state=xyz");
        let page = browser.open(&path);
        let form = Form::with(&page.body, "decision");
        let approved = browser.submit(&form.clone().press("decision", "approve"));
        let (start, end) = (format!("{uri}{joined}code=oac_"), format!("&state=xyz&iss={iss}"));
        assert!(approved.location().starts_with(&start), "{}", approved.location());
        assert!(approved.location().ends_with(&end), "{}", approved.location());
        let refused = browser.open(&path.replace("response_type=code", "response_type=token"));
        let start = format!("{uri}{joined}error=unsupported_response_type&error_description=");
        assert!(refused.location().starts_with(&start), "{}", refused.location());
        assert!(refused.location().ends_with(&end), "{}", refused.location());
    }
}

#[test]
fn the_challenge_of_rfc_7636_appendix_b_end_to_end() {
    let server = Server::start();
    let client: Client = server
        .home
        .client("orders", &["--redirect-uri", "https://client.example.com/cb"]);
    let mut browser = Browser::at(&server);
    sign_in(&mut browser, "/account", "alice");
    let request = "/authorize?response_type=code&client_id=orders\
                   &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let code = approve(&mut browser, request).parameter("code").unwrap();
    let exchange = |verifier: &str| {
        let body = format!("grant_type=authorization_code&code={code}&code_verifier={verifier}");
        post(&server, "/token", &[("Authorization", &client.basic())], &body)
    };
    // One character changed, one too few, and the right one.
    for wrong in [
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX",
    ] {
        let answer = exchange(wrong);
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (400, Some("invalid_grant"))
        );
    }
    Tokens::of(&exchange("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
}

#[test]
fn the_examples_of_rfc_7009_and_rfc_7662() {
    let server = server();
    // RFC 7009 §2.1.
    let body = "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token";
    let answer = post(&server, "/revoke", &[("Authorization", BASIC)], body);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    // RFC 7662 §2.1 and §2.2.
    for body in [
        "token=mF_9.B5f-4.1JqM&token_type_hint=access_token",
        "token=2YotnFZFEjr1zCsicMWpAA",
    ] {
        let answer = post(&server, "/introspect", &[("Authorization", BASIC)], body);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"active":false}"#)
        );
    }
}
