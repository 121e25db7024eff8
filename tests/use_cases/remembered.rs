//! Approvals that are remembered: when the resource owner is not asked again, and when they are.

use std::time::Duration;

use oauthctl::authorization_server::{
    Answer, Answered, ClientChange, Considered, FormError, ListChange, Purpose, ScopeChange,
};
use oauthctl::domain::consent::ConsentPolicy;
use oauthctl::domain::session::SessionCookie;
use oauthctl::protocol::authorization_error::AuthorizationErrorCode;

use crate::support::{Client, REFRESH_TOKEN_LIFETIME, Request, World, address, parameter, scopes};

/// A client of which approvals may be remembered.
fn shop(world: &World) -> Client {
    world.client("shop", |settings| settings.consent = ConsentPolicy::Remember)
}

/// Alice's browser stays signed in for as long as these stories take.
fn world() -> World {
    World::with_rules(|rules| rules.session_lifetime = REFRESH_TOKEN_LIFETIME * 10)
}

/// Has alice approve `scope` of what `request` asks for, and remember it.
fn remember(world: &World, browser: &SessionCookie, request: &Request, scope: &str) {
    let Considered::Ask { remember, .. } = world.consider(request, Some(browser)) else {
        panic!("not asked");
    };
    let shown = remember.expect("it may be remembered");
    approve_with(world, browser, request, scope, shown);
}

fn approve_with(world: &World, browser: &SessionCookie, request: &Request, scope: &str, shown: String) {
    let form = world.form(request, browser);
    let scope = scopes(scope);
    let answered = world.answer(request, browser, &form, Answer::Remember { scope, shown });
    assert!(matches!(answered, Answered::Redirect(_)), "{answered:?}");
}

/// What becomes of a request, in a word.
fn step(world: &World, request: &Request, browser: &SessionCookie) -> String {
    match world.consider(request, Some(browser)) {
        Considered::SignIn(_) => "sign in".to_owned(),
        Considered::Ask { .. } => "ask".to_owned(),
        Considered::Remembered { .. } => "silent".to_owned(),
        Considered::Redirect(refusal) => refusal.error.code.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// The code that comes without a page.
fn silently(world: &World, request: &Request, browser: &SessionCookie) -> String {
    let from = address("127.0.0.1");
    match world.server.approve_remembered(&request.raw(), browser, from) {
        Ok(Considered::Approved { to, .. }) => parameter(&to, "code").unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_approved_is_approved_again_and_nothing_more() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let both = Request::of(&shop);
    let orders = Request::of(&shop).and("scope", "orders");
    assert_eq!(step(&world, &orders, &alice), "ask");
    remember(&world, &alice, &both, "orders");
    for (request, expected) in [(&orders, "silent"), (&both, "ask")] {
        assert_eq!(step(&world, request, &alice), expected);
    }
    let place = Request::of(&shop).and("scope", "place");
    assert_eq!(step(&world, &place, &alice), "ask");

    let code = silently(&world, &orders, &alice);
    let tokens = world.exchange(&shop, &code).unwrap();
    assert!(world.works(&tokens.access));
    assert_eq!(tokens.scope, "orders");
    let sql = "SELECT detail FROM audit WHERE action = 'grant.approve' ORDER BY entry DESC LIMIT 1";
    let detail: String = world.value(sql);
    assert!(detail.contains("\"remembered\":true"), "{detail}");

    // What is not remembered is never approved without a page, whoever asks for it.
    let from = address("127.0.0.1");
    let asked = world
        .server
        .approve_remembered(&both.raw(), &alice, from)
        .unwrap();
    assert!(matches!(asked, Considered::Ask { .. }), "{asked:?}");
    assert_eq!(world.count("grants"), 2);

    // Neither another resource owner nor another client has it.
    world.add_owner("bob");
    assert_eq!(step(&world, &orders, &world.sign_in("bob")), "ask");
    let other = world.client("other", |settings| settings.consent = ConsentPolicy::Remember);
    let of_other = Request::of(&other).and("scope", "orders");
    assert_eq!(step(&world, &of_other, &alice), "ask");
}

#[test]
fn it_outlives_the_tokens_and_a_revocation_by_an_administrator() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    remember(&world, &alice, &request, "orders place");
    world.advance(REFRESH_TOKEN_LIFETIME * 2);
    assert_eq!(step(&world, &request, &alice), "silent");
    let grant = world
        .exchange(&shop, &silently(&world, &request, &alice))
        .unwrap();
    assert!(world.works(&grant.access));
    let account = world.server.account(Some(&alice)).unwrap().unwrap();
    world
        .server
        .revoke_grants(vec![account.approved[0].grant])
        .unwrap();
    assert_eq!(step(&world, &request, &alice), "silent");
    world
        .server
        .sign_out_everywhere(&alice, address("127.0.0.1"))
        .unwrap();
    assert_eq!(step(&world, &request, &alice), "sign in");
    assert_eq!(step(&world, &request, &world.sign_in("alice")), "silent");
}

#[test]
fn it_ends_when_a_scope_opens_something_else() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let both = Request::of(&shop);
    remember(&world, &alice, &both, "orders place");
    let change = ScopeChange {
        folders: ListChange {
            add: vec!["stock".parse().unwrap()],
            ..ListChange::default()
        },
        ..ScopeChange::default()
    };
    world
        .server
        .update_scope("orders".parse().unwrap(), change)
        .unwrap();
    assert_eq!(step(&world, &both, &alice), "ask");
    // The scope that is as it was needs no page.
    let place = Request::of(&shop).and("scope", "place");
    assert_eq!(step(&world, &place, &alice), "silent");
    // Another description opens nothing.
    let change = ScopeChange {
        description: "Place orders".parse().ok(),
        ..ScopeChange::default()
    };
    world
        .server
        .update_scope("place".parse().unwrap(), change)
        .unwrap();
    assert_eq!(step(&world, &place, &alice), "silent");
    remember(&world, &alice, &both, "orders place");
    assert_eq!(step(&world, &both, &alice), "silent");
}

#[test]
fn what_was_not_shown_is_not_remembered() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    let Considered::Ask { remember, .. } = world.consider(&request, Some(&alice)) else {
        panic!("not asked");
    };
    // The page is open; meanwhile the scope is widened.
    let change = ScopeChange {
        folders: ListChange {
            add: vec!["stock".parse().unwrap()],
            ..ListChange::default()
        },
        ..ScopeChange::default()
    };
    world
        .server
        .update_scope("orders".parse().unwrap(), change)
        .unwrap();
    approve_with(&world, &alice, &request, "orders place", remember.unwrap());
    approve_with(&world, &alice, &request, "orders place", "made up".to_owned());
    assert_eq!(world.count("remembered_approvals"), 0);
    assert_eq!(step(&world, &request, &alice), "ask");
}

#[test]
fn the_client_must_be_set_so() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    remember(&world, &alice, &request, "orders place");
    let set = |consent| {
        let change = ClientChange {
            consent: Some(consent),
            ..ClientChange::default()
        };
        world
            .server
            .update_client("shop".parse().unwrap(), change)
            .unwrap();
    };
    set(ConsentPolicy::Always);
    let Considered::Ask { remember, .. } = world.consider(&request, Some(&alice)) else {
        panic!("not asked");
    };
    assert_eq!(remember, None);
    // A checkbox that was not offered does nothing.
    approve_with(&world, &alice, &request, "orders", "x".to_owned());
    assert_eq!(world.count("remembered_approvals"), 1);
    let none = request.clone().and("prompt", "none");
    assert_eq!(step(&world, &none, &alice), "consent_required");
    set(ConsentPolicy::Remember);
    assert_eq!(step(&world, &request, &alice), "silent");
}

#[test]
fn a_disabled_client_or_resource_owner_gets_nothing() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    remember(&world, &alice, &request, "orders place");
    let grants = world.count("grants");
    let attempt = || {
        let from = address("127.0.0.1");
        world
            .server
            .approve_remembered(&request.raw(), &alice, from)
            .unwrap()
    };
    world.disable_client(&shop);
    assert!(matches!(attempt(), Considered::Page(_)));
    world.change("UPDATE clients SET enabled = 1");
    world.disable_owner("alice");
    assert!(matches!(attempt(), Considered::SignIn(_)));
    assert_eq!(world.count("grants"), grants);
    // Both may go with what is remembered.
    world
        .server
        .delete_owner(&"alice".parse().unwrap(), |_| {})
        .unwrap();
    assert_eq!(world.count("remembered_approvals"), 0);
    assert_eq!(world.count("remembered_scopes"), 0);
}

#[test]
fn a_client_goes_with_what_is_remembered_of_it() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    remember(&world, &alice, &Request::of(&shop), "orders");
    world
        .server
        .delete_client(&"shop".parse().unwrap(), |_| {})
        .unwrap();
    assert_eq!(world.count("remembered_approvals"), 0);
}

#[test]
fn a_request_that_cannot_be_told_from_a_strangers_is_asked_about() {
    let world = world();
    let shop = world.client("shop", |settings| {
        settings.consent = ConsentPolicy::Remember;
        settings.require_pkce = false;
        settings
            .redirect_uris
            .push("http://127.0.0.1:9/cb".parse().unwrap());
    });
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    remember(&world, &alice, &request, "orders place");
    let bare = request
        .clone()
        .without("state")
        .without("code_challenge")
        .without("code_challenge_method");
    for (request, expected) in [
        (request.clone().without("state"), "silent"),
        (bare.clone().and("state", "x"), "silent"),
        (bare.clone(), "ask"),
        (bare.and("prompt", "none"), "interaction_required"),
        (
            request.clone().with("redirect_uri", "http://127.0.0.1:9/cb"),
            "silent",
        ),
        (
            request.clone().with("redirect_uri", "http://127.0.0.1:10/cb"),
            "ask",
        ),
        (
            request
                .with("redirect_uri", "http://127.0.0.1:10/cb")
                .and("prompt", "none"),
            "interaction_required",
        ),
    ] {
        assert_eq!(step(&world, &request, &alice), expected, "{request:?}");
    }
}

#[test]
fn prompts_and_the_age_of_the_sign_in() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    let with = |name: &str, value: &str| request.clone().and(name, value);
    assert_eq!(step(&world, &with("prompt", "none"), &alice), "consent_required");
    remember(&world, &alice, &request, "orders place");
    let stranger = world.server.new_cookie().unwrap();
    assert_eq!(step(&world, &with("prompt", "none"), &stranger), "login_required");
    world.advance(Duration::from_secs(300));
    for (name, value, expected) in [
        ("prompt", "none", "silent"),
        ("prompt", "consent", "ask"),
        ("prompt", "login", "sign in"),
        ("prompt", "select_account", "sign in"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "create", "invalid_request"),
        ("max_age", "300", "silent"),
        ("max_age", "299", "sign in"),
        ("max_age", "0", "sign in"),
        ("max_age", "soon", "invalid_request"),
        ("login_hint", "bob", "silent"),
    ] {
        assert_eq!(
            step(&world, &with(name, value), &alice),
            expected,
            "{name}={value}"
        );
    }
    let refused = match world.consider(&with("prompt", "none").and("max_age", "10"), Some(&alice)) {
        Considered::Redirect(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused.error.code, AuthorizationErrorCode::LoginRequired);
    let to = refused.response("https://id.example");
    assert_eq!(parameter(&to, "state").as_deref(), Some("a state & more"));
    assert_eq!(parameter(&to, "iss").as_deref(), Some("https://id.example"));
}

#[test]
fn resource_owners_have_it_forgotten() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop);
    remember(&world, &alice, &request, "orders place");
    world.add_owner("mallory");
    let mallory = world.sign_in("mallory");
    let account = || world.server.account(Some(&alice)).unwrap().unwrap();
    let approval = account().remembered[0].approval.to_string();
    let forget = |browser: &SessionCookie, purpose, about: &str| {
        let form = world.server.seal_form(browser, purpose, about).unwrap();
        let from = address("127.0.0.1");
        world
            .server
            .forget(&approval, Some(browser), &form, from)
            .unwrap()
    };
    assert_eq!(
        forget(&alice, Purpose::TakeBack, &approval),
        Err(FormError::Forged)
    );
    assert_eq!(forget(&alice, Purpose::Forget, "another"), Err(FormError::Forged));
    // With a form that is right for mallory's own browser.
    assert_eq!(forget(&mallory, Purpose::Forget, &approval), Ok(()));
    assert_eq!(step(&world, &request, &alice), "silent");
    let tokens = world
        .exchange(&shop, &silently(&world, &request, &alice))
        .unwrap();
    assert_eq!(forget(&alice, Purpose::Forget, &approval), Ok(()));
    assert_eq!(step(&world, &request, &alice), "ask");
    assert!(account().remembered.is_empty());
    assert!(
        world.works(&tokens.access),
        "what the client holds already, it keeps"
    );

    // Taking an approval back forgets too.
    remember(&world, &alice, &request, "orders place");
    let grant = account().approved[0].grant.to_string();
    let form = world.server.seal_form(&alice, Purpose::TakeBack, &grant).unwrap();
    let from = address("127.0.0.1");
    world
        .server
        .take_back(&grant, Some(&alice), &form, from)
        .unwrap()
        .unwrap();
    assert!(!world.works(&tokens.access));
    assert_eq!(step(&world, &request, &alice), "ask");
    let sql = "SELECT count(*) FROM audit WHERE action = 'approval.forget'";
    assert_eq!(world.value::<i64>(sql), 2);
}

#[test]
fn so_many_are_kept_of_one_client() {
    let world = world();
    let shop = shop(&world);
    let alice = world.sign_in("alice");
    let request = Request::of(&shop).and("prompt", "consent");
    for _ in 0..25 {
        remember(&world, &alice, &request, "orders");
    }
    assert_eq!(world.count("remembered_approvals"), 20);
}
