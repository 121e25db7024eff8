//! Stage 8: may this token, or this client, do that?

use oauthctl::authorization_server::{AdministrationError, CheckRefusal, Noun};
use oauthctl::protocol::check::CheckDecision;
use oauthctl::protocol::liveness::Inactive;

use crate::support::{Request, World, route, service};

fn inactive(why: Inactive) -> CheckRefusal {
    CheckRefusal::Inactive(why)
}

#[test]
fn a_token_that_may_tells_who_holds_it_and_what_let_it_pass() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let passed = world.check(&tokens.access, &service("orders:list")).unwrap();
    assert_eq!(passed.client.as_str(), "shop");
    assert_eq!(passed.owner.as_str(), "alice");
    assert_eq!(passed.scope_in_force.to_string(), "orders place");
    assert_eq!(passed.scope.as_str(), "orders");
    assert_eq!(passed.by, "folder orders");
    assert_eq!(
        passed.grant.as_i64(),
        world.value::<i64>("SELECT grant_key FROM grants")
    );
}

#[test]
fn some_scope_of_the_token_must_cover_what_is_asked_for() {
    let world = World::new();
    let shop = world.client("shop", |settings| {
        settings.scopes = "orders place invoices".parse().unwrap();
    });
    let token_for = |scope: &str| {
        let code = world.approve_as_asked(&Request::of(&shop), scope);
        world.exchange(&shop, &code).unwrap().access
    };
    let cases = [
        ("orders", service("orders:list"), true),
        ("orders", service("orders.eu:list"), true),
        ("orders", service("orders2:list"), false),
        ("orders", service("Orders:list"), false),
        ("orders", service("customers:list"), false),
        ("orders", route("POST", "/invoke/orders.eu:list"), true),
        ("orders", route("GET", "/invoke/orders.eu/list"), true),
        ("orders", route("GET", "/orders/list"), false),
        ("place", service("orders.new:place"), true),
        ("place", service("orders.new:cancel"), false),
        ("place", service("orders:place"), false),
        ("invoices", route("GET", "/invoices/7"), true),
        ("invoices", route("HEAD", "/invoices/7"), true),
        ("invoices", route("DELETE", "/invoices/7"), false),
        ("invoices", route("GET", "/invoices/7/lines"), false),
        ("invoices", route("GET", "/invoices/../admin"), false),
        ("invoices", route("GET", "/invoices/a%2Fb"), false),
        ("invoices", service("orders:list"), false),
        ("invoices place", service("orders.new:place"), true),
        ("invoices place", service("orders:list"), false),
    ];
    for (scope, asked, may) in cases {
        let answer = world.check(&token_for(scope), &asked);
        assert_eq!(answer.is_ok(), may, "{scope}: {asked:?}: {answer:?}");
        if !may {
            assert!(
                matches!(answer, Err(CheckRefusal::Denied(_))),
                "{scope}: {asked:?}: {answer:?}"
            );
        }
    }
}

#[test]
fn what_is_no_access_token_is_not_active() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let tokens = world.tokens(&shop);
    let made_up = format!("{}{}", &tokens.access[..17], "A".repeat(43));
    let as_access = tokens.refresh().replacen("ort_", "oat_", 1);
    for token in ["", "nonsense", &code, tokens.refresh(), &made_up, &as_access] {
        assert_eq!(
            world.check(token, &service("orders:list")).unwrap_err(),
            inactive(Inactive::Unknown),
            "{token}"
        );
    }
}

#[test]
fn disabling_a_client_or_an_owner_works_on_the_next_check() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let check = || world.check(&tokens.access, &service("orders:list"));
    check().unwrap();
    world.disable_client(&shop);
    assert_eq!(check().unwrap_err(), inactive(Inactive::ClientDisabled));
    world.change("UPDATE clients SET enabled = 1");
    check().unwrap();
    world.disable_owner("alice");
    assert_eq!(check().unwrap_err(), inactive(Inactive::OwnerDisabled));
    world.change("UPDATE resource_owners SET enabled = 1");
    check().unwrap();
}

#[test]
fn taking_a_scope_from_a_client_works_on_the_next_check() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let check = |name| world.check(&tokens.access, &service(name));
    assert_eq!(
        check("orders:list").unwrap().scope_in_force.to_string(),
        "orders place"
    );
    world.take_scope(&shop, "orders");
    assert!(matches!(check("orders:list"), Err(CheckRefusal::Denied(_))));
    assert_eq!(
        check("orders.new:place").unwrap().scope_in_force.to_string(),
        "place"
    );
    world.take_scope(&shop, "place");
    assert!(matches!(check("orders.new:place"), Err(CheckRefusal::Denied(_))));
}

#[test]
fn taking_a_folder_from_a_scope_or_giving_it_one_works_on_the_next_check() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let check = |name| world.check(&tokens.access, &service(name));
    check("orders:list").unwrap();
    assert!(matches!(check("customers:list"), Err(CheckRefusal::Denied(_))));
    world.change("UPDATE scope_openings SET pattern = 'customers' WHERE pattern = 'orders'");
    assert!(matches!(check("orders:list"), Err(CheckRefusal::Denied(_))));
    check("customers:list").unwrap();
    world.change("DELETE FROM scope_openings WHERE pattern = 'customers'");
    assert!(matches!(check("customers:list"), Err(CheckRefusal::Denied(_))));
}

#[test]
fn a_scope_that_the_client_was_given_after_the_approval_is_not_the_tokens() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.change(
        "INSERT INTO client_scopes SELECT client_key, scope_key FROM clients, scopes WHERE scope = 'invoices'",
    );
    let answer = world.check(&tokens.access, &route("GET", "/invoices/7"));
    assert!(matches!(answer, Err(CheckRefusal::Denied(_))), "{answer:?}");
}

#[test]
fn an_approval_that_was_revoked_ends_on_the_next_check() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.change("UPDATE grants SET ended_at = 1, end_cause = 'taken_back'");
    assert_eq!(
        world.check(&tokens.access, &service("orders:list")).unwrap_err(),
        inactive(Inactive::Revoked)
    );
}

#[test]
fn a_client_may_what_its_scopes_cover_while_it_is_enabled() {
    let world = World::new();
    let shop = world.shop();
    let check = |asked| {
        world
            .server
            .explain_client(&"shop".parse().unwrap(), &asked)
            .unwrap()
    };
    let allowed = check(service("orders:list"));
    assert_eq!(allowed.scopes.to_string(), "orders place");
    assert_eq!(
        allowed.explanation.decision,
        CheckDecision::Allowed {
            scope: "orders".parse().unwrap(),
            by: "folder orders".to_owned()
        }
    );
    let denied = |asked| !check(asked).explanation.is_allowed();
    assert!(denied(service("customers:list")));
    assert!(denied(route("GET", "/invoices/7")));
    world.disable_client(&shop);
    assert!(denied(service("orders:list")));
}

#[test]
fn an_explanation_says_what_the_check_says() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let asked = [
        service("orders:list"),
        service("orders.new:place"),
        service("customers:list"),
        service("no service"),
        route("GET", "/invoke/orders/list"),
        route("GET", "/invoices/7"),
        route("GET", "/invoices/../7"),
    ];
    let world_as_it_is = |when: &str| {
        for asked in &asked {
            let explained = world
                .server
                .explain_token(None, &tokens.access, asked)
                .unwrap()
                .unwrap();
            let of_owner = world
                .server
                .explain_owner(&"alice".parse().unwrap(), Some(&"shop".parse().unwrap()), asked)
                .unwrap();
            let decision = &explained.explanation.decision;
            match world.check(&tokens.access, asked) {
                Ok(passed) => {
                    let (scope, by) = (passed.scope, passed.by);
                    assert_eq!(
                        *decision,
                        CheckDecision::Allowed { scope, by },
                        "{when}: {asked:?}"
                    );
                    assert_eq!(explained.scopes, passed.scope_in_force);
                    assert_eq!(explained.grant, Some(passed.grant));
                }
                Err(refusal) => {
                    let reason = match refusal {
                        CheckRefusal::Inactive(inactive) => inactive.to_string(),
                        CheckRefusal::Denied(reason) => reason,
                    };
                    assert_eq!(*decision, CheckDecision::Denied { reason }, "{when}: {asked:?}");
                }
            }
            // The one grant has the scope of its one token, and lives as long as any.
            let of_grant = of_owner
                .grants
                .first()
                .map(|grants| &grants.explained.explanation);
            assert!(
                of_grant.is_none_or(|explanation| explanation.decision == *decision),
                "{when}: {asked:?}: {of_grant:?}"
            );
        }
    };
    world_as_it_is("at first");
    for (change, undo) in [
        ("UPDATE clients SET enabled = 0", "UPDATE clients SET enabled = 1"),
        (
            "UPDATE resource_owners SET enabled = 0",
            "UPDATE resource_owners SET enabled = 1",
        ),
        (
            "UPDATE scope_openings SET pattern = 'customers' WHERE pattern = 'orders'",
            "UPDATE scope_openings SET pattern = 'orders' WHERE pattern = 'customers'",
        ),
    ] {
        world.change(change);
        world_as_it_is(change);
        world.change(undo);
    }
    world.take_scope(&shop, "orders");
    world_as_it_is("without the scope orders");
    world.take_scope(&shop, "place");
    world_as_it_is("without a scope");
    world.change("UPDATE grants SET ended_at = 1, end_cause = 'taken_back'");
    world_as_it_is("after the approval was taken back");
}

#[test]
fn what_is_no_access_token_is_not_explained() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let made_up = format!("{}{}", &tokens.access[..17], "A".repeat(43));
    let as_access = tokens.refresh().replacen("ort_", "oat_", 1);
    for token in ["", "nonsense", &made_up, &as_access] {
        let explained = world
            .server
            .explain_token(None, token, &service("orders:list"))
            .unwrap();
        assert!(explained.is_none(), "{token}");
    }
}

#[test]
fn who_does_not_exist_is_not_found_and_the_nearest_is_named() {
    let world = World::new();
    world.shop();
    let nearest = |answer: AdministrationError| match answer {
        AdministrationError::NotFound { noun, nearest, .. } => (noun, nearest),
        other => panic!("{other}"),
    };
    let asked = service("orders:list");
    let client = "shpo".parse().unwrap();
    let shop = Some("shop".to_owned());
    let by_client = world.server.explain_client(&client, &asked).unwrap_err();
    assert_eq!(nearest(by_client), (Noun::Client, shop.clone()));
    let by_both = world
        .server
        .explain_owner(&"alice".parse().unwrap(), Some(&client), &asked)
        .unwrap_err();
    assert_eq!(nearest(by_both), (Noun::Client, shop.clone()));
    let by_owner = world
        .server
        .explain_owner(&"alcie".parse().unwrap(), None, &asked)
        .unwrap_err();
    assert_eq!(nearest(by_owner), (Noun::Owner, Some("alice".to_owned())));
    let matrix = world.server.access_matrix(Some(&client)).unwrap_err();
    assert_eq!(nearest(matrix), (Noun::Client, shop));
}
