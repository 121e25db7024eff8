//! The query of an authorization request, to a client with two redirect URIs.

use std::time::Duration;

use oauthctl::clock::Timestamp;
use oauthctl::domain::client::{Client, ClientKey, ClientSettings, RefreshPolicy};
use oauthctl::domain::consent::ConsentPolicy;
use oauthctl::domain::resource::ResourceSet;
use oauthctl::protocol::authorization_request::{KNOWN, PageRefusal, Refusal, client_id, validate};
use oauthctl::protocol::parameters::Parameters;
use oauthctl::protocol::prompt::{NextStep, Prompt, Standing, after_sign_in};
use url::Url;

const ISSUER: &str = "https://id.example";

fn client() -> Client {
    Client {
        key: ClientKey(1),
        id: "app".parse().unwrap(),
        enabled: true,
        settings: ClientSettings {
            name: "App".parse().unwrap(),
            description: String::new().parse().unwrap(),
            redirect_uris: vec![
                "https://app.example/cb?x=1".parse().unwrap(),
                "http://127.0.0.1:9000/cb".parse().unwrap(),
            ],
            scopes: "a b".parse().unwrap(),
            access_token_lifetime: Duration::from_secs(60),
            code_lifetime: Duration::from_secs(60),
            refresh: RefreshPolicy::Unlimited,
            refresh_token_lifetime: Duration::from_secs(60),
            refresh_token_idle: Duration::from_secs(60),
            require_pkce: true,
            consent: ConsentPolicy::Remember,
        },
        created_at: Timestamp::from_millis(0),
    }
}

pub(super) fn run(input: &[u8]) {
    let parameters = Parameters::parse(input, &KNOWN);
    let resources = ResourceSet::parse(["https://api.example"]).unwrap();
    let named = client_id(&parameters);
    let known = named.as_ref().is_ok_and(|id| id.as_str() == "app").then(client);
    let is_known = known.is_some();
    let sent = parameters.get("redirect_uri").map(str::to_owned);
    match validate(&parameters, known, &resources) {
        Err(Refusal::Page(refusal)) => {
            let is_about_client = matches!(
                refusal,
                PageRefusal::TooLong(_)
                    | PageRefusal::NoClientId
                    | PageRefusal::Flawed(..)
                    | PageRefusal::UnknownClient(_)
            );
            assert!(is_known || is_about_client, "{refusal:?}");
        }
        Err(Refusal::Redirect(refusal)) => {
            assert!(is_known);
            assert_target(
                &refusal.response(ISSUER),
                sent.as_deref(),
                "error",
                refusal.state.as_deref(),
            );
            let allowed = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
            assert!(
                refusal.error.description.chars().all(allowed),
                "RFC 6749 §4.1.2.1"
            );
        }
        Ok(request) => {
            assert!(is_known);
            assert_target(
                &request.response("oac_1", ISSUER),
                sent.as_deref(),
                "code",
                request.state.as_deref(),
            );
            assert!(!request.scope.is_empty() && request.scope.is_subset_of(&request.client.settings.scopes));
            assert!(
                request
                    .resources
                    .iter()
                    .all(|resource| resources.contains(resource))
            );
            assert!(request.code_challenge.is_some(), "the client must use PKCE");
            assert_eq!(parameters.get("code_challenge_method"), Some("S256"));
            // Without a page nobody signs in, and nothing is approved that was not.
            let is_none = request.prompting.prompts.contains(&Prompt::None);
            for is_remembered in [false, true] {
                let standing = Standing {
                    signed_in_at: None,
                    is_remembered,
                    may_be_silent: request.may_be_silent(),
                };
                let step = request
                    .prompting
                    .next_step(standing, Timestamp::from_millis(1_000));
                assert_eq!(matches!(step, NextStep::Refuse(_)), is_none, "{step:?}");
                assert!(is_none || step == NextStep::SignIn, "{step:?}");
                let standing = Standing {
                    signed_in_at: Some(Timestamp::from_millis(900)),
                    ..standing
                };
                let step = request
                    .prompting
                    .next_step(standing, Timestamp::from_millis(1_000));
                assert!(is_remembered && request.may_be_silent() || step != NextStep::Approve);
            }
        }
    }
    if let Some(raw) = super::text(input) {
        assert_goes_on(raw);
    }
}

/// The browser goes where a registered redirect URI says, at most to another port of this machine.
fn assert_target(target: &str, sent: Option<&str>, kind: &str, state: Option<&str>) {
    let sent = sent.unwrap();
    assert!(
        target.starts_with(sent) && target.bytes().all(|byte| byte.is_ascii_graphic()),
        "{target}"
    );
    let url = Url::parse(target).unwrap();
    match url.host_str().unwrap() {
        "app.example" => assert!(sent == "https://app.example/cb?x=1", "{target}"),
        "127.0.0.1" => assert!(url.path() == "/cb" && url.scheme() == "http", "{target}"),
        other => panic!("{other}"),
    }
    let value = |name: &str| {
        let mut values = url.query_pairs().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        assert_eq!(values.next(), None, "{target}");
        value
    };
    assert!(value(kind).is_some());
    assert_eq!(value("iss").as_deref(), Some(ISSUER));
    assert_eq!(value("state").as_deref(), state);
}

/// After a sign-in the request asks for no other one, and is otherwise what it was.
fn assert_goes_on(raw: &str) {
    let (before, after) = (
        Parameters::parse(raw.as_bytes(), &KNOWN),
        Parameters::parse(after_sign_in(raw).as_bytes(), &KNOWN),
    );
    for name in KNOWN {
        match name {
            "max_age" | "login_hint" => assert_eq!(after.get(name), None),
            "prompt" => assert!(after.get(name).is_none_or(|prompt| prompt == "consent")),
            _ => {
                assert_eq!(after.get(name), before.get(name), "{name}");
                assert_eq!(after.values_of(name), before.values_of(name), "{name}");
            }
        }
    }
}
