//! How clients and resource servers prove who they are, and what happens to whoever guesses.

use std::time::Duration;

use oauthctl::authorization_server::{AuthorizationServer, CallerError};
use oauthctl::protocol::parameters::Parameters;
use oauthctl::protocol::token_error::{TokenError, TokenErrorCode};
use oauthctl::protocol::token_request::KNOWN;

use crate::support::{Client, HERE, INSTANT, World, address, basic, body, error_of, refresh_parameters};

const ELSEWHERE: &str = "192.0.2.2";

/// A request that is refused for its refresh token once the client has proved who it is.
fn attempt(server: &AuthorizationServer, client: &Client, from: &str) -> CallerError {
    let body = body(client, &refresh_parameters("none"));
    let body = Parameters::parse(body.as_bytes(), &KNOWN);
    server.token(None, &body, None, address(from)).unwrap_err()
}

fn gets_in(server: &AuthorizationServer, client: &Client, from: &str) -> bool {
    matches!(
        attempt(server, client, from),
        CallerError::Refused(TokenError {
            code: TokenErrorCode::InvalidGrant,
            ..
        })
    )
}

fn with_wrong_secret(client: &Client) -> Client {
    Client {
        id: client.id.clone(),
        secret: format!("{}x", client.secret),
    }
}

#[test]
fn a_client_authenticates_by_basic_or_in_the_body() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let unauthenticated = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(refresh_parameters(tokens.refresh()))
        .finish();
    let in_body = body(&shop, &refresh_parameters(tokens.refresh()));
    let with_id = format!("{unauthenticated}&client_id=shop");
    let header = basic(&shop);
    for (header, body) in [
        (None, &in_body),
        (Some(header.as_str()), &unauthenticated),
        (Some(&header.replace("Basic", "bAsIc")), &unauthenticated),
        (Some(header.as_str()), &with_id),
    ] {
        let answer = World::token_with(&world.server, header, body, None);
        assert!(answer.is_ok(), "{header:?} {body}: {answer:?}");
    }
}

#[test]
fn an_unknown_client_and_a_wrong_secret_and_a_disabled_client_look_alike() {
    let world = World::new();
    let shop = world.shop();
    let disabled = world.client("disabled", |_| {});
    world.disable_client(&disabled);
    let unknown = Client {
        id: "unknown".to_owned(),
        secret: shop.secret.clone(),
    };
    let resource_server = world.resource_server();
    let expected = error_of::<()>(Err(TokenError::invalid_client().into()));
    for client in [&unknown, &with_wrong_secret(&shop), &disabled, &resource_server] {
        let answer = error_of::<()>(Err(attempt(&world.server, client, HERE)));
        assert_eq!(answer, expected, "{}", client.id);
    }
}

#[test]
fn whoever_does_not_authenticate_at_all_is_an_invalid_client_and_whoever_does_it_twice_an_invalid_request() {
    use TokenErrorCode::{InvalidClient, InvalidRequest};
    let world = World::new();
    let shop = world.shop();
    let other = world.client("other", |_| {});
    let (header, in_body) = (basic(&shop), body(&shop, &[]));
    let cases: [(&str, Option<&str>, &str, TokenErrorCode); 8] = [
        ("nothing", None, "", InvalidClient),
        ("an identifier alone", None, "client_id=shop", InvalidClient),
        ("a bearer token", Some("Bearer x"), "", InvalidClient),
        ("no base64", Some("Basic !"), "", InvalidClient),
        ("twice", Some(&header), &in_body, InvalidRequest),
        (
            "a secret in the body beside Basic",
            Some(&header),
            "client_secret=x",
            InvalidRequest,
        ),
        (
            "two clients",
            Some(&header),
            &format!("client_id={}", other.id),
            InvalidRequest,
        ),
        (
            "two identifiers",
            None,
            &format!("{in_body}&client_id=shop"),
            InvalidRequest,
        ),
    ];
    for (what, header, body, expected) in cases {
        let body = format!("grant_type=refresh_token&refresh_token=x&{body}");
        let (error, description) = error_of(World::token_with(&world.server, header, &body, None));
        assert_eq!(error, expected, "{what}: {description}");
    }
}

#[test]
fn a_secret_admits_to_its_end_and_no_longer_and_two_secrets_may_overlap() {
    let world = World::new();
    let shop = world.shop();
    let other = world.client("other", |_| {});
    // As when a secret is replaced: the old one ends a day from now, the new one stands beside it.
    world.change(
        "INSERT INTO client_secrets (client_key, secret_hash, created_at) \
         SELECT (SELECT client_key FROM clients WHERE client_id = 'shop'), secret_hash, client_secrets.created_at \
         FROM client_secrets JOIN clients USING (client_key) WHERE client_id = 'other'",
    );
    world.change(
        "UPDATE client_secrets SET expires_at = 1767225600000 + 86400000 WHERE secret_key = \
         (SELECT min(secret_key) FROM client_secrets)",
    );
    let replaced = Client {
        id: "shop".to_owned(),
        secret: other.secret,
    };
    world.advance_to_just_before(Duration::from_secs(86_400));
    assert!(gets_in(&world.server, &shop, HERE));
    assert!(gets_in(&world.server, &replaced, HERE));
    world.advance(INSTANT);
    assert!(!gets_in(&world.server, &shop, HERE));
    assert!(gets_in(&world.server, &replaced, HERE));
}

#[test]
fn after_ten_wrong_secrets_within_a_minute_that_name_waits_at_that_address() {
    let world = World::new();
    let (shop, other) = (world.shop(), world.client("other", |_| {}));
    let wrong = with_wrong_secret(&shop);
    for _ in 0..10 {
        let refused = attempt(&world.server, &wrong, HERE);
        assert!(matches!(refused, CallerError::Refused(_)), "{refused:?}");
        world.advance(Duration::from_secs(1));
    }
    for client in [&wrong, &shop] {
        let answer = attempt(&world.server, client, HERE);
        assert!(
            matches!(answer, CallerError::Throttled(50)),
            "until the first failure is a minute old: {answer:?}"
        );
    }
    assert!(
        gets_in(&world.server, &shop, ELSEWHERE),
        "from elsewhere the right one still gets in"
    );
    assert!(
        gets_in(&world.server, &other, HERE),
        "another name is not concerned"
    );

    world.advance_to_just_before(Duration::from_secs(50));
    assert!(matches!(
        attempt(&world.server, &shop, HERE),
        CallerError::Throttled(1)
    ));
    world.advance(INSTANT);
    assert!(gets_in(&world.server, &shop, HERE));
}

#[test]
fn ten_failures_at_once_wait_a_whole_minute_and_success_forgets_failures() {
    let world = World::new();
    let shop = world.shop();
    let wrong = with_wrong_secret(&shop);
    for _ in 0..9 {
        attempt(&world.server, &wrong, HERE);
    }
    assert!(gets_in(&world.server, &shop, HERE));
    for _ in 0..10 {
        let answer = attempt(&world.server, &wrong, HERE);
        assert!(matches!(answer, CallerError::Refused(_)), "{answer:?}");
    }
    let answer = attempt(&world.server, &wrong, HERE);
    assert!(matches!(answer, CallerError::Throttled(60)), "{answer:?}");
}

#[test]
fn names_that_do_not_exist_wait_too_so_that_nobody_learns_which_do() {
    let world = World::new();
    let unknown = Client {
        id: "unknown".to_owned(),
        secret: "x".repeat(40),
    };
    for _ in 0..10 {
        attempt(&world.server, &unknown, HERE);
    }
    let answer = attempt(&world.server, &unknown, HERE);
    assert!(matches!(answer, CallerError::Throttled(60)), "{answer:?}");
}
