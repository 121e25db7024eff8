//! Stage 5: a code is exchanged for tokens.

use oauthctl::domain::client::RefreshPolicy;
use oauthctl::protocol::token_error::TokenErrorCode;
use oauthctl::protocol::token_request::GrantType;

use crate::support::{
    ACCESS_TOKEN_LIFETIME, CODE_LIFETIME, Client, INSTANT, REDIRECT_URI, Request, VERIFIER, World,
    assert_invalid_grant, at_once, body, error_of, exchange_parameters,
};

/// What is wrong with an exchange, and its parameters.
type Wrong = (&'static str, Client, Parameters);
type Parameters = Vec<(&'static str, String)>;

/// Everything that can be wrong with the exchange of `code`, which `shop` was given.
fn wrong_exchanges(world: &World, shop: &Client, code: &str) -> Vec<Wrong> {
    let other = world.client("other", |_| {});
    let right = |change: &dyn Fn(&mut Parameters)| {
        let mut parameters = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        change(&mut parameters);
        parameters
    };
    let instead = |name: &'static str, value: &str| {
        right(&|parameters| {
            parameters.retain(|(found, _)| *found != name);
            parameters.push((name, value.to_owned()));
        })
    };
    let without = |name: &'static str| right(&|parameters| parameters.retain(|(found, _)| *found != name));
    let made_up = format!("{}{}", &code[..17], "A".repeat(43));
    vec![
        ("by another client", other, right(&|_| {})),
        (
            "another verifier",
            shop.clone(),
            instead("code_verifier", &"a".repeat(43)),
        ),
        (
            "a verifier that cannot be",
            shop.clone(),
            instead("code_verifier", "short"),
        ),
        ("no verifier", shop.clone(), without("code_verifier")),
        ("an empty verifier", shop.clone(), instead("code_verifier", "")),
        (
            "another redirect URI",
            shop.clone(),
            instead("redirect_uri", "https://shop.example/back"),
        ),
        ("no redirect URI", shop.clone(), without("redirect_uri")),
        ("a made-up secret", shop.clone(), instead("code", &made_up)),
        ("a text that is no code", shop.clone(), instead("code", "x")),
        (
            "the code as if it were an access token",
            shop.clone(),
            instead("code", &code.replacen("oac_", "oat_", 1)),
        ),
    ]
}

fn borrowed<'a>(parameters: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[test]
fn a_code_gives_an_access_token_and_a_refresh_token_for_what_was_approved() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    assert!(tokens.access.starts_with("oat_"));
    assert!(tokens.refresh().starts_with("ort_"));
    assert_eq!(tokens.scope, "orders place");
    assert_eq!(tokens.expires_in, ACCESS_TOKEN_LIFETIME);
    assert!(world.works(&tokens.access));
}

#[test]
fn a_client_that_may_not_refresh_is_given_no_refresh_token() {
    let world = World::new();
    let shop = world.client("shop", |settings| settings.refresh = RefreshPolicy::None);
    let tokens = world.tokens(&shop);
    assert_eq!(tokens.refresh, None);
    assert!(world.works(&tokens.access));
    assert_eq!(
        world.value::<i64>("SELECT count(*) FROM tokens WHERE kind = 'refresh'"),
        0
    );
}

#[test]
fn a_code_lives_to_its_end_and_no_longer() {
    let world = World::new();
    let shop = world.shop();
    let (in_time, late) = (world.approve(&shop), world.approve(&shop));
    world.advance_to_just_before(CODE_LIFETIME);
    world.exchange(&shop, &in_time).unwrap();
    world.advance(INSTANT);
    assert_invalid_grant(world.exchange(&shop, &late));
}

#[test]
fn an_access_token_lives_to_its_end_and_no_longer() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.advance_to_just_before(ACCESS_TOKEN_LIFETIME);
    assert!(world.works(&tokens.access));
    assert!(world.introspect(&shop, &tokens.access).unwrap().is_some());
    world.advance(INSTANT);
    assert!(!world.works(&tokens.access));
    assert!(world.introspect(&shop, &tokens.access).unwrap().is_none());
}

#[test]
fn an_exchange_with_anything_wrong_is_invalid_grant_and_does_not_use_the_code_up() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    for (what, client, parameters) in wrong_exchanges(&world, &shop, &code) {
        let (error, description) = error_of(world.token(&client, &borrowed(&parameters)));
        assert_eq!(error, TokenErrorCode::InvalidGrant, "{what}: {description}");
    }
    assert_eq!(world.count("tokens"), 0);
    world.exchange(&shop, &code).unwrap();
}

#[test]
fn a_replay_by_its_own_client_with_everything_right_revokes_all_that_came_of_the_code() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let first = world.exchange(&shop, &code).unwrap();
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let elsewhere = world.tokens(&shop);
    // Also when the code would have expired by now.
    world.advance(CODE_LIFETIME);
    assert!(world.works(&first.access) && world.works(&second.access));

    assert_invalid_grant(world.exchange(&shop, &code));
    assert!(!world.works(&first.access));
    assert!(!world.works(&second.access));
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    assert_invalid_grant(world.refresh(&shop, second.refresh()));
    assert_eq!(
        world.value::<String>("SELECT end_cause FROM grants WHERE ended_at IS NOT NULL"),
        "code_replayed"
    );
    assert!(
        world.works(&elsewhere.access),
        "another approval for the same client lives on"
    );
}

#[test]
fn a_replay_with_anything_wrong_revokes_nothing() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let tokens = world.exchange(&shop, &code).unwrap();
    for (what, client, parameters) in wrong_exchanges(&world, &shop, &code) {
        let (error, _) = error_of(world.token(&client, &borrowed(&parameters)));
        assert_eq!(error, TokenErrorCode::InvalidGrant, "{what}");
        assert!(world.works(&tokens.access), "{what}");
    }
    let mut thief = shop.clone();
    thief.secret.push('x');
    let (error, _) = error_of(world.exchange(&thief, &code));
    assert_eq!(error, TokenErrorCode::InvalidClient);
    assert!(world.works(&tokens.access), "with the wrong secret");
    world.refresh(&shop, tokens.refresh()).unwrap();
}

#[test]
fn of_sixteen_exchanges_of_one_code_at_once_one_succeeds_and_the_others_are_replays() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let outcomes = at_once(16, |_| world.exchange(&shop, &code));
    let (tokens, refusals): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(tokens.len(), 1);
    refusals.into_iter().for_each(assert_invalid_grant);
    assert_eq!(world.count("tokens"), 2, "one access token, one refresh token");
    // The fifteen others were by its own client with everything right.
    let tokens = tokens.into_iter().next().unwrap().unwrap();
    assert!(!world.works(&tokens.access));
    assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
}

#[test]
fn sixteen_exchanges_of_sixteen_codes_at_once_all_succeed_and_no_two_tokens_are_alike() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    let codes: Vec<_> = (0..16)
        .map(|_| world.approve_in(&browser, &request, "orders"))
        .collect();
    let tokens = at_once(16, |number| world.exchange(&shop, &codes[number]).unwrap());
    assert!(tokens.iter().all(|tokens| world.works(&tokens.access)));
    let mut values: Vec<_> = tokens
        .iter()
        .flat_map(|tokens| [tokens.access.as_str(), tokens.refresh()])
        .collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 32);
}

#[test]
fn a_redirect_uri_that_the_request_left_out_may_be_left_out_or_named() {
    let world = World::new();
    let shop = world.shop();
    let request = Request::of(&shop).without("redirect_uri");
    let code = world.approve_as_asked(&request, "orders");
    let [grant_type, code_parameter, _, verifier] = exchange_parameters(&code);
    world
        .token(&shop, &[grant_type, code_parameter, verifier])
        .unwrap();
    let code = world.approve_as_asked(&request, "orders");
    world.exchange(&shop, &code).unwrap();
}

#[test]
fn the_redirect_uri_of_the_exchange_is_the_one_that_was_sent_with_its_port() {
    let world = World::new();
    let registered = "http://127.0.0.1:8000/back";
    let sent = "http://127.0.0.1:51004/back";
    let native = world.client("native", |settings| {
        settings.redirect_uris = vec![registered.parse().unwrap()];
    });
    let code = world.approve_as_asked(&Request::of(&native).with("redirect_uri", sent), "orders");
    let [grant_type, code, _, verifier] = exchange_parameters(&code);
    let exchange = |redirect_uri| {
        world.token(
            &native,
            &[grant_type, code, ("redirect_uri", redirect_uri), verifier],
        )
    };
    assert_invalid_grant(exchange(registered));
    exchange(sent).unwrap();
}

#[test]
fn without_a_challenge_a_verifier_is_refused_and_with_one_it_is_needed() {
    let world = World::new();
    let old = world.client("old", |settings| settings.require_pkce = false);
    let request = Request::of(&old)
        .without("code_challenge")
        .without("code_challenge_method");
    let code = world.approve_as_asked(&request, "orders");
    let [grant_type, code_parameter, redirect_uri, _] = exchange_parameters(&code);
    assert_invalid_grant(world.exchange(&old, &code));
    world
        .token(&old, &[grant_type, code_parameter, redirect_uri])
        .unwrap();

    let code = world.approve_as_asked(&Request::of(&old), "orders");
    let [grant_type, code_parameter, redirect_uri, _] = exchange_parameters(&code);
    assert_invalid_grant(world.token(&old, &[grant_type, code_parameter, redirect_uri]));
    world.exchange(&old, &code).unwrap();
}

#[test]
fn what_the_request_itself_lacks_is_named_by_the_standard_error() {
    use TokenErrorCode::{InvalidRequest, UnsupportedGrantType};
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let [grant_type, code_parameter, redirect_uri, verifier] = exchange_parameters(&code);
    let cases = [
        (
            "no grant type",
            vec![code_parameter, redirect_uri, verifier],
            InvalidRequest,
        ),
        (
            "the password grant",
            vec![("grant_type", "password"), code_parameter],
            UnsupportedGrantType,
        ),
        (
            "no code",
            vec![grant_type, redirect_uri, verifier],
            InvalidRequest,
        ),
        (
            "an empty code",
            vec![grant_type, ("code", ""), redirect_uri, verifier],
            InvalidRequest,
        ),
        (
            "a repeated code",
            vec![grant_type, code_parameter, code_parameter, redirect_uri, verifier],
            InvalidRequest,
        ),
        (
            "a repeated grant type",
            vec![grant_type, grant_type, code_parameter, redirect_uri, verifier],
            InvalidRequest,
        ),
        (
            "no refresh token",
            vec![("grant_type", "refresh_token")],
            InvalidRequest,
        ),
    ];
    for (what, parameters, expected) in cases {
        let (error, description) = error_of(world.token(&shop, &parameters));
        assert_eq!(error, expected, "{what}: {description}");
    }
    let unknown = [("audience", "x"), ("audience", "y"), ("scope", "")];
    let parameters = [&exchange_parameters(&code)[..], &unknown].concat();
    world
        .token(&shop, &parameters)
        .expect("unknown parameters are ignored, empty ones absent");
}

#[test]
fn an_endpoint_whose_name_says_the_grant_type_needs_none_and_takes_no_other() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let [_, code_parameter, redirect_uri, verifier] = exchange_parameters(&code);
    let unnamed = body(&shop, &[code_parameter, redirect_uri, verifier]);
    let named = body(&shop, &exchange_parameters(&code));
    let implied = |body: &str, grant_type| World::token_with(&world.server, None, body, Some(grant_type));
    let (error, _) = error_of(implied(&named, GrantType::RefreshToken));
    assert_eq!(error, TokenErrorCode::InvalidRequest);
    let tokens = implied(&unnamed, GrantType::AuthorizationCode).unwrap();
    let unnamed = body(&shop, &[("refresh_token", tokens.refresh())]);
    implied(&unnamed, GrantType::RefreshToken).unwrap();
}

#[test]
fn what_happened_since_the_approval_counts() {
    let world = World::new();
    let shop = world.shop();

    let code = world.approve(&shop);
    world.disable_owner("alice");
    assert_invalid_grant(world.exchange(&shop, &code));
    world.change("UPDATE resource_owners SET enabled = 1");
    world
        .exchange(&shop, &code)
        .expect("the refusal did not use the code up");

    let code = world.approve(&shop);
    world.disable_client(&shop);
    assert_eq!(
        error_of(world.exchange(&shop, &code)).0,
        TokenErrorCode::InvalidClient
    );
    world.change("UPDATE clients SET enabled = 1");

    world.take_scope(&shop, "place");
    assert_eq!(world.exchange(&shop, &code).unwrap().scope, "orders");

    let request = Request::of(&shop);
    let code = world.approve_as_asked(&request, "orders");
    world.take_scope(&shop, "orders");
    assert_eq!(
        error_of(world.exchange(&shop, &code)).0,
        TokenErrorCode::InvalidScope
    );
}

#[test]
fn a_code_whose_approval_was_taken_back_is_worth_nothing() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    world.change("UPDATE grants SET ended_at = 1, end_cause = 'taken_back'");
    assert_invalid_grant(world.exchange(&shop, &code));
    assert_eq!(world.count("tokens"), 0);
}

#[test]
fn a_server_that_was_started_again_takes_the_code_that_the_last_one_gave() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let second = world.second_server();
    let tokens = World::token_with(&second, None, &body(&shop, &exchange_parameters(&code)), None).unwrap();
    assert!(world.works(&tokens.access), "and the first one sees what it did");
}

#[test]
fn a_code_stands_for_whoever_is_signed_in_in_the_browser_that_approved() {
    let world = World::new();
    let shop = world.shop();
    world.add_owner("bob");
    let (_alice, bob) = (world.sign_in("alice"), world.sign_in("bob"));
    let code = world.approve_in(&bob, &Request::of(&shop), "orders");
    let tokens = world.exchange(&shop, &code).unwrap();
    let told = world.introspect(&shop, &tokens.access).unwrap().unwrap();
    assert_eq!(told.username.as_str(), "bob");
}
