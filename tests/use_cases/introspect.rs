//! Introspection (RFC 7662).

use oauthctl::protocol::token_error::TokenErrorCode;

use crate::support::{ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_IDLE, START, World, error_of};

#[test]
fn an_active_access_token_tells_its_scope_client_owner_and_times() {
    let world = World::new();
    let (shop, resource_server) = (world.shop(), world.resource_server());
    let tokens = world.tokens(&shop);
    for caller in [&shop, &resource_server] {
        let told = world.introspect(caller, &tokens.access).unwrap().unwrap();
        assert_eq!(told.scope.to_string(), "orders place");
        assert_eq!(told.client.as_str(), "shop");
        assert_eq!(told.username.as_str(), "alice");
        assert_eq!(told.token_type, "Bearer");
        assert_eq!(told.issued_at, START);
        assert_eq!(told.expires_at, START.after(ACCESS_TOKEN_LIFETIME));
    }
}

#[test]
fn a_client_is_told_of_its_own_tokens_alone_and_a_resource_server_of_every_access_token() {
    let world = World::new();
    let (shop, other) = (world.shop(), world.client("other", |_| {}));
    let resource_server = world.resource_server();
    let tokens = world.tokens(&shop);
    let is_told = |caller, token: &str| world.introspect(caller, token).unwrap().is_some();
    assert!(is_told(&shop, &tokens.access));
    assert!(is_told(&shop, tokens.refresh()));
    assert!(is_told(&resource_server, &tokens.access));
    assert!(
        !is_told(&resource_server, tokens.refresh()),
        "a resource server is never told that a refresh token is active"
    );
    assert!(!is_told(&other, &tokens.access));
    assert!(!is_told(&other, tokens.refresh()));
}

#[test]
fn a_refresh_token_is_active_until_it_is_used_or_its_grant_ends() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let told = world.introspect(&shop, first.refresh()).unwrap().unwrap();
    assert_eq!(told.token_type, "refresh_token");
    assert_eq!(told.scope.to_string(), "orders place");
    assert_eq!(told.expires_at, START.after(REFRESH_TOKEN_IDLE));
    let second = world.refresh(&shop, first.refresh()).unwrap();
    assert!(world.introspect(&shop, first.refresh()).unwrap().is_none());
    assert!(world.introspect(&shop, second.refresh()).unwrap().is_some());
    world.revoke(&shop, second.refresh()).unwrap();
    assert!(world.introspect(&shop, second.refresh()).unwrap().is_none());
}

#[test]
fn what_is_no_token_is_not_active() {
    let world = World::new();
    let (shop, resource_server) = (world.shop(), world.resource_server());
    let code = world.approve(&shop);
    let tokens = world.tokens(&shop);
    let made_up = format!("{}{}", &tokens.access[..17], "A".repeat(43));
    let made_up_refresh = format!("{}{}", &tokens.refresh()[..17], "A".repeat(43));
    let as_refresh = tokens.access.replacen("oat_", "ort_", 1);
    for token in ["nonsense", &code, &made_up, &made_up_refresh, &as_refresh] {
        for caller in [&shop, &resource_server] {
            assert!(world.introspect(caller, token).unwrap().is_none(), "{token}");
        }
    }
}

#[test]
fn it_answers_from_the_state_of_the_moment() {
    let world = World::new();
    let (shop, resource_server) = (world.shop(), world.resource_server());
    let tokens = world.tokens(&shop);
    let told = || world.introspect(&resource_server, &tokens.access).unwrap();

    world.take_scope(&shop, "place");
    assert_eq!(told().unwrap().scope.to_string(), "orders");
    world.disable_client(&shop);
    assert!(told().is_none());
    world.change("UPDATE clients SET enabled = 1");
    assert!(told().is_some());
    world.disable_owner("alice");
    assert!(told().is_none());
    assert!(world.introspect(&shop, tokens.refresh()).unwrap().is_none());
    world.change("UPDATE resource_owners SET enabled = 1");
    assert!(told().is_some());
    world.change("UPDATE grants SET ended_at = 1, end_cause = 'taken_back'");
    assert!(told().is_none());
}

#[test]
fn whoever_does_not_authenticate_is_told_nothing() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let mut thief = shop.clone();
    thief.secret.push('x');
    let (error, _) = error_of(world.introspect(&thief, &tokens.access));
    assert_eq!(error, TokenErrorCode::InvalidClient);
}
