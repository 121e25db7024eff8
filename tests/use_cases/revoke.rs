//! Revocation by clients (RFC 7009).

use oauthctl::protocol::parameters::Parameters;
use oauthctl::protocol::token_error::TokenErrorCode;

use crate::support::{
    ACCESS_TOKEN_LIFETIME, HERE, TOKEN_PARAMETERS, World, address, assert_invalid_grant, body, error_of,
};

#[test]
fn revoking_an_access_token_ends_it_alone() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.revoke(&shop, &first.access).unwrap();
    assert!(!world.works(&first.access));
    assert!(world.introspect(&shop, &first.access).unwrap().is_none());
    assert!(world.works(&second.access));
    let third = world.refresh(&shop, second.refresh()).unwrap();
    assert!(world.works(&third.access));
}

#[test]
fn revoking_a_refresh_token_ends_the_access_tokens_of_its_grant_too() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let elsewhere = world.tokens(&shop);
    world.revoke(&shop, second.refresh()).unwrap();
    assert!(!world.works(&first.access) && !world.works(&second.access));
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    assert_invalid_grant(world.refresh(&shop, second.refresh()));
    assert_eq!(
        world.value::<String>("SELECT end_cause FROM grants WHERE ended_at IS NOT NULL"),
        "refresh_token_revoked"
    );
    assert!(world.works(&elsewhere.access));
}

#[test]
fn what_is_unknown_expired_revoked_or_foreign_is_answered_like_success_and_left_alone() {
    let world = World::new();
    let (shop, other) = (world.shop(), world.client("other", |_| {}));
    let expired = world.tokens(&shop);
    world.advance(ACCESS_TOKEN_LIFETIME);
    let tokens = world.tokens(&shop);
    let code = world.approve(&shop);
    let made_up = format!("{}{}", &tokens.access[..17], "A".repeat(43));
    let made_up_refresh = format!("{}{}", &tokens.refresh()[..17], "A".repeat(43));
    let as_refresh = tokens.access.replacen("oat_", "ort_", 1);
    for (client, token) in [
        (&shop, "nonsense"),
        (&shop, &made_up),
        (&shop, &made_up_refresh),
        (&shop, &as_refresh),
        (&shop, &expired.access),
        (&shop, &code),
        (&other, &tokens.access),
        (&other, tokens.refresh()),
    ] {
        world.revoke(client, token).unwrap();
        assert!(world.works(&tokens.access), "{token}");
    }
    world.refresh(&shop, tokens.refresh()).unwrap();
    world
        .exchange(&shop, &code)
        .expect("a code is not a token, and lives");
    world.revoke(&shop, &tokens.access).unwrap();
    world.revoke(&shop, &tokens.access).unwrap();
}

#[test]
fn a_token_keeps_the_instant_at_which_it_was_revoked_first() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.revoke(&shop, &tokens.access).unwrap();
    let first: i64 = world.value("SELECT revoked_at FROM tokens WHERE revoked_at IS NOT NULL");
    world.advance(ACCESS_TOKEN_LIFETIME / 2);
    world.revoke(&shop, &tokens.access).unwrap();
    let second: i64 = world.value("SELECT revoked_at FROM tokens WHERE revoked_at IS NOT NULL");
    assert_eq!(first, second);
}

#[test]
fn whoever_does_not_authenticate_revokes_nothing() {
    let world = World::new();
    let shop = world.shop();
    let resource_server = world.resource_server();
    let tokens = world.tokens(&shop);
    let mut thief = shop.clone();
    thief.secret.push('x');
    for caller in [&thief, &resource_server] {
        let (error, _) = error_of(world.revoke(caller, &tokens.access));
        assert_eq!(error, TokenErrorCode::InvalidClient, "{}", caller.id);
    }
    assert!(world.works(&tokens.access));
}

#[test]
fn a_request_without_a_token_or_with_two_is_an_invalid_request() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let twice = [
        ("token", tokens.access.as_str()),
        ("token", tokens.access.as_str()),
    ];
    for parameters in [&twice[..], &[], &[("token", "")]] {
        let body = body(&shop, parameters);
        let body = Parameters::parse(body.as_bytes(), &TOKEN_PARAMETERS);
        for error in [
            error_of(world.server.revoke(None, &body, address(HERE))),
            error_of(world.server.introspect(None, &body, address(HERE))),
        ] {
            assert_eq!(error.0, TokenErrorCode::InvalidRequest, "{parameters:?}");
        }
    }
    assert!(world.works(&tokens.access));
}
