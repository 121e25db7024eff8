//! Resources: where a token may be used (RFC 8707), from the approval to the check.

use oauthctl::authorization_server::{AdministrationError, Answered, CheckRefusal, Considered, Noun};
use oauthctl::domain::resource::Resource;
use oauthctl::protocol::authorization_error::AuthorizationErrorCode;
use oauthctl::protocol::check::CheckDecision;
use oauthctl::protocol::liveness::Inactive;
use oauthctl::protocol::token_error::TokenErrorCode;

use crate::support::{
    Client, Request, Tokens, World, approve, assert_invalid_grant, error_of, exchange_parameters,
    refresh_parameters, service,
};

const A: &str = "https://a.example/orders";
const B: &str = "https://b.example";
/// Nobody serves it.
const C: &str = "https://c.example";

fn resource(text: &str) -> Resource {
    text.parse().unwrap()
}

/// A resource server for each of `A` and `B`, and one for no resource.
fn furnished() -> (World, [Client; 3]) {
    let world = World::new();
    let servers = [("orders", Some(A)), ("stock", Some(B)), ("all", None)].map(|(name, served)| {
        let registered = world
            .server
            .register_resource_server(name.parse().unwrap(), served.map(resource))
            .unwrap();
        Client {
            id: registered.resource_server.id.to_string(),
            secret: registered.secret.reveal().to_owned(),
        }
    });
    (world, servers)
}

/// A request of `client` for these resources.
fn request(client: &Client, resources: &[&str]) -> Request {
    let begin = Request::of(client);
    resources
        .iter()
        .fold(begin, |request, resource| request.and("resource", resource))
}

/// The parameters, and these resources.
fn with<'t>(parameters: &[(&'t str, &'t str)], resources: &[&'t str]) -> Vec<(&'t str, &'t str)> {
    let resources = resources.iter().map(|resource| ("resource", *resource));
    parameters.iter().copied().chain(resources).collect()
}

/// Tokens of a grant for `granted`, asked for at the exchange for `asked`.
fn tokens(world: &World, client: &Client, granted: &[&str], asked: &[&str]) -> Tokens {
    let code = world.approve_as_asked(&request(client, granted), "orders place");
    world
        .token(client, &with(&exchange_parameters(&code), asked))
        .unwrap()
}

/// The audience as the client itself is told it.
fn audience(world: &World, client: &Client, token: &str) -> String {
    world
        .introspect(client, token)
        .unwrap()
        .unwrap()
        .resources
        .to_string()
}

/// What a check at a resource says of a token that would be good elsewhere.
fn check_at(world: &World, at: &str, token: &str) -> Result<(), CheckRefusal> {
    let checked = world
        .server
        .check_token_at(Some(&resource(at)), token, &service("orders:list"))
        .unwrap();
    let explained = world
        .server
        .explain_token(Some(&resource(at)), token, &service("orders:list"))
        .unwrap();
    // The command line says the same, with its reason.
    let decision = explained.map(|explained| explained.explanation.decision);
    match (&checked, decision) {
        (Ok(_), Some(CheckDecision::Allowed { .. })) => {}
        (Err(CheckRefusal::Inactive(inactive)), Some(CheckDecision::Denied { reason })) => {
            assert_eq!(reason, inactive.to_string());
        }
        (checked, decision) => panic!("{checked:?}, and explained as {decision:?}"),
    }
    checked.map(|_| ())
}

#[test]
fn an_access_token_is_for_what_was_asked_for() {
    let (world, _) = furnished();
    let shop = world.shop();
    for (granted, asked, expected) in [
        (&[][..], &[][..], String::new()),
        (&[A], &[], A.to_owned()),
        (&[A], &[A], A.to_owned()),
        (&[A, A], &[], A.to_owned()),
        (&[B, A], &[], format!("{A} {B}")),
        (&[A, B], &[B], B.to_owned()),
        (&[A, B], &[B, A, B], format!("{A} {B}")),
        // Bound to nothing, and narrowed.
        (&[], &[A], A.to_owned()),
    ] {
        let tokens = tokens(&world, &shop, granted, asked);
        assert_eq!(
            audience(&world, &shop, &tokens.access),
            expected,
            "{granted:?} {asked:?}"
        );
        assert_eq!(
            audience(&world, &shop, tokens.refresh()),
            "",
            "a refresh token is for this server"
        );
    }
}

#[test]
fn an_authorization_request_for_a_resource_that_nobody_serves_goes_back() {
    let (world, _) = furnished();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let many: Vec<String> = (0..9).map(|n| format!("https://{n}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for resources in [
        &[C][..],
        &[A, C],
        &["https://b.example/"],
        &["nonsense"],
        &["https://a.example/orders#x"],
        &["https://a.example/orders https://b.example"],
        &many,
    ] {
        let request = request(&shop, resources);
        for browser in [None, Some(&browser)] {
            let Considered::Redirect(refusal) = world.consider(&request, browser) else {
                panic!("{resources:?}")
            };
            assert_eq!(
                refusal.error.code,
                AuthorizationErrorCode::InvalidTarget,
                "{resources:?}"
            );
        }
    }
    // Taken away while the page was open.
    let request = request(&shop, &[B]);
    let form = world.form(&request, &browser);
    world
        .server
        .update_resource_server("stock".parse().unwrap(), None)
        .unwrap();
    let Answered::Redirect(to) = world.answer(&request, &browser, &form, approve("orders")) else {
        panic!("no redirect")
    };
    assert!(to.contains("error=invalid_target"), "{to}");
    assert_eq!(world.count("grants"), 0);
}

#[test]
fn an_access_token_request_gets_no_more_than_was_granted() {
    let (world, _) = furnished();
    let shop = world.shop();
    for (granted, asked) in [
        (&[A][..], &[B][..]),
        (&[A], &[A, B]),
        (&[A], &[C]),
        (&[], &[C]),
        (&[A], &["nonsense"]),
        (&[A], &["https://a.example/orders/"]),
    ] {
        let code = world.approve_as_asked(&request(&shop, granted), "orders");
        let (error, description) = error_of(world.token(&shop, &with(&exchange_parameters(&code), asked)));
        assert_eq!(error, TokenErrorCode::InvalidTarget, "{granted:?} {asked:?}");
        assert!(description.contains("resource"), "{description}");
        // The failed attempt did not use the code up.
        let tokens = world.exchange(&shop, &code).unwrap();

        let refresh = with(&refresh_parameters(tokens.refresh()), asked);
        let (error, _) = error_of(world.token(&shop, &refresh));
        assert_eq!(error, TokenErrorCode::InvalidTarget, "{granted:?} {asked:?}");
        world.refresh(&shop, tokens.refresh()).unwrap();
    }
}

#[test]
fn a_replay_for_another_resource_revokes_nothing() {
    let (world, _) = furnished();
    let shop = world.shop();
    let code = world.approve_as_asked(&request(&shop, &[A]), "orders");
    let tokens = world.exchange(&shop, &code).unwrap();
    error_of(world.token(&shop, &with(&exchange_parameters(&code), &[B])));
    assert!(world.works(&tokens.access));
    assert_invalid_grant(world.token(&shop, &with(&exchange_parameters(&code), &[A])));
    assert!(!world.works(&tokens.access));
}

#[test]
fn each_refresh_narrows_for_itself_and_the_grant_keeps_all() {
    let (world, _) = furnished();
    let shop = world.shop();
    let first = tokens(&world, &shop, &[A, B], &[A]);
    let refresh = |token: &str, asked: &[&str]| {
        world
            .token(&shop, &with(&refresh_parameters(token), asked))
            .unwrap()
    };
    let second = refresh(first.refresh(), &[B]);
    assert_eq!(audience(&world, &shop, &second.access), B);
    // Repeated, with the same successor and for something else.
    let again = refresh(first.refresh(), &[]);
    assert_eq!(again.refresh(), second.refresh());
    assert_eq!(audience(&world, &shop, &again.access), format!("{A} {B}"));
    let third = refresh(second.refresh(), &[A]);
    assert_eq!(audience(&world, &shop, &third.access), A);
    assert_eq!(audience(&world, &shop, &first.access), A);
}

#[test]
fn a_check_that_says_where_denies_a_token_for_another_resource() {
    let (world, _) = furnished();
    let shop = world.shop();
    let another = || Err(CheckRefusal::Inactive(Inactive::AnotherResource));
    for (granted, at_a, at_b) in [
        (&[][..], Ok(()), Ok(())),
        (&[A], Ok(()), another()),
        (&[B], another(), Ok(())),
        (&[A, B], Ok(()), Ok(())),
    ] {
        let token = tokens(&world, &shop, granted, &[]).access;
        assert_eq!(check_at(&world, A, &token), at_a, "{granted:?}");
        assert_eq!(check_at(&world, B, &token), at_b, "{granted:?}");
        // Where nobody says where, everything is as before.
        assert!(world.works(&token));
    }
    // What is dead is dead everywhere, and where it was for is not told.
    let token = tokens(&world, &shop, &[A], &[]).access;
    world.revoke(&shop, &token).unwrap();
    let revoked = Err(CheckRefusal::Inactive(Inactive::Revoked));
    assert_eq!(check_at(&world, B, &token), revoked);
}

#[test]
fn a_token_stays_bound_to_a_resource_that_nobody_serves_any_more() {
    let (world, _) = furnished();
    let shop = world.shop();
    let held = tokens(&world, &shop, &[A, B], &[]);
    world
        .server
        .delete_resource_server("orders".parse().unwrap())
        .unwrap();
    world
        .server
        .update_resource_server("stock".parse().unwrap(), Some(resource(C)))
        .unwrap();
    assert!(!world.server.is_registered(&resource(A)).unwrap());
    assert_eq!(audience(&world, &shop, &held.access), format!("{A} {B}"));
    assert_eq!(
        check_at(&world, C, &held.access),
        Err(CheckRefusal::Inactive(Inactive::AnotherResource))
    );
    let narrowed = world
        .token(&shop, &with(&refresh_parameters(held.refresh()), &[B]))
        .unwrap();
    assert_eq!(audience(&world, &shop, &narrowed.access), B);
}

#[test]
fn a_resource_server_is_told_of_tokens_that_are_good_at_its_resource() {
    let (world, [orders, stock, all]) = furnished();
    let shop = world.shop();
    let other = world.client("other", |_| {});
    for (granted, expected) in [
        (&[][..], [true, true, true, true, false]),
        (&[A], [true, false, true, true, false]),
        (&[B], [false, true, true, true, false]),
        (&[A, B], [true, true, true, true, false]),
    ] {
        let token = tokens(&world, &shop, granted, &[]).access;
        let told = [&orders, &stock, &all, &shop, &other]
            .map(|caller| world.introspect(caller, &token).unwrap().is_some());
        assert_eq!(told, expected, "{granted:?}");
    }
    // From the state of that moment.
    let token = tokens(&world, &shop, &[A], &[]).access;
    let is_told = || world.introspect(&stock, &token).unwrap().is_some();
    let update = |resource| {
        let id = "stock".parse().unwrap();
        world.server.update_resource_server(id, resource).unwrap();
    };
    assert!(!is_told());
    update(None);
    assert!(is_told());
    update(Some(resource(C)));
    assert!(!is_told());
}

#[test]
fn a_token_at_the_wrong_place_was_not_used() {
    let (world, [_, stock, _]) = furnished();
    let shop = world.shop();
    let token = tokens(&world, &shop, &[A], &[]).access;
    check_at(&world, B, &token).unwrap_err();
    assert!(world.introspect(&stock, &token).unwrap().is_none());
    world.server.write_last_use().unwrap();
    let used = "SELECT count(*) FROM tokens WHERE kind = 'access' AND last_used_at IS NOT NULL";
    assert_eq!(world.value::<i64>(used), 0);
    check_at(&world, A, &token).unwrap();
    world.server.write_last_use().unwrap();
    assert_eq!(world.value::<i64>(used), 1);
}

#[test]
fn a_resource_is_served_by_one() {
    let (world, _) = furnished();
    let exists = |result: Result<(), AdministrationError>| {
        let Err(AdministrationError::Exists { noun, name }) = result else {
            panic!("not refused so")
        };
        assert_eq!((noun, name.as_str()), (Noun::Resource, A));
    };
    let register = |name: &str, text: &str| {
        let registered = world
            .server
            .register_resource_server(name.parse().unwrap(), Some(resource(text)));
        registered.map(|_| ())
    };
    let update = |id: &str, text: &str| {
        let updated = world
            .server
            .update_resource_server(id.parse().unwrap(), Some(resource(text)));
        updated.map(|_| ())
    };
    exists(register("new", A));
    exists(update("all", A));
    for refused in [
        register("new", "https://b.example/"),
        update("all", "https://b.example/"),
    ] {
        assert!(matches!(refused, Err(AdministrationError::Refused(_))));
    }
    update("orders", A).unwrap();
    assert!(matches!(
        update("nobody", C),
        Err(AdministrationError::NotFound { .. })
    ));
    assert_eq!(world.count("resource_servers"), 3);
    // What is not served any more is free.
    world
        .server
        .update_resource_server("orders".parse().unwrap(), None)
        .unwrap();
    update("all", A).unwrap();
}

#[test]
fn the_audit_trail_says_for_which_resources_was_approved() {
    let (world, _) = furnished();
    let shop = world.shop();
    let detail = || -> serde_json::Value {
        let sql = "SELECT detail FROM audit WHERE action = 'grant.approve' ORDER BY entry DESC LIMIT 1";
        serde_json::from_str(&world.value::<String>(sql)).unwrap()
    };
    tokens(&world, &shop, &[B, A], &[]);
    assert_eq!(detail()["resources"], serde_json::json!([A, B]));
    tokens(&world, &shop, &[], &[]);
    assert_eq!(detail().get("resources"), None);
}
