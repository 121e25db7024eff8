//! The services of webMethods Integration Server answer as aliases: same handlers, same rules.

use crate::support::flow::{CHALLENGE, Tokens, VERIFIER, approve, authorize, signed_in};
use crate::support::home::REDIRECT_URI;
use crate::support::server::Server;

#[test]
fn the_whole_flow_in_both_spellings() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let warehouse = server.home.resource_server("Warehouse");
    for services in ["/invoke/pub.oauth/", "/invoke/pub.oauth:"] {
        let at = |service: &str| format!("{services}{service}");
        let post = |service: &str, form: &[(&str, &str)]| server.post(&at(service), &client, form);
        let mut browser = signed_in(&server);
        let mut code = || {
            let path = authorize(&client).replace("/authorize", &at("authorize"));
            approve(&mut browser, &path).parameter("code").unwrap()
        };
        let exchange = |service: &str, code: &str, more: &[(&str, &str)]| {
            let form = [
                ("code", code),
                ("redirect_uri", REDIRECT_URI),
                ("code_verifier", VERIFIER),
            ];
            post(service, &[&form, more].concat())
        };
        let named = [("grant_type", "authorization_code")];

        Tokens::of(&exchange("getToken", &code(), &named));
        Tokens::of(&exchange("getAccessToken", &code(), &named));
        let held = Tokens::of(&exchange("getAccessToken", &code(), &[]));
        let refresh = [("refresh_token", held.refresh.as_str())];
        let held = Tokens::of(&post("refreshAccessToken", &refresh));

        let answer = server.post(&at("introspectToken"), &warehouse, &[("token", &held.access)]);
        assert_eq!(answer.json()["active"], true);
        let answer = post("revokeToken", &[("token", &held.refresh)]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert!(!server.opens(&held.access));

        // The same rules.
        let error = |answer: crate::support::http::Answer| {
            (answer.status, answer.json()["error"].as_str().unwrap().to_owned())
        };
        for (answer, expected) in [
            (exchange("getToken", &code(), &[]), "invalid_request"),
            (
                exchange("getAccessToken", &code(), &[("grant_type", "refresh_token")]),
                "invalid_request",
            ),
            (post("refreshAccessToken", &named), "invalid_request"),
            (post("refreshAccessToken", &[]), "invalid_request"),
            (post("refreshAccessToken", &refresh), "invalid_grant"),
            (
                exchange("getAccessToken", "SplxlOBeZQQYbYS6WxSbIA", &[]),
                "invalid_grant",
            ),
        ] {
            assert_eq!(error(answer), (400, expected.to_owned()), "{services}");
        }
        let stranger = crate::support::home::Client::new("orders", "wrong");
        let answer = server.post(&at("getAccessToken"), &stranger, &[]);
        assert_eq!(error(answer), (401, "invalid_client".to_owned()));
        let page = browser.open(&format!(
            "{}?client_id=nobody&code_challenge={CHALLENGE}",
            at("authorize")
        ));
        assert_eq!(page.status, 400);
        assert_eq!(server.get(&at("getToken"), &[]).status, 405);
    }
}
