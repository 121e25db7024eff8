//! What a resource owner sees of their own approvals, and takes back.

use oauthctl::authorization_server::{ApprovedClient, FormError, Purpose};
use oauthctl::domain::session::SessionCookie;

use crate::support::{
    ACCESS_TOKEN_LIFETIME, FORM_LIFETIME, INSTANT, REFRESH_TOKEN_IDLE, Request, START, World, address,
    assert_invalid_grant,
};

fn approved(world: &World, browser: &SessionCookie) -> Vec<ApprovedClient> {
    world.server.account(Some(browser)).unwrap().unwrap().approved
}

/// Takes back `grant` with a form that was made for it.
fn take_back(world: &World, browser: &SessionCookie, grant: &str) -> Result<(), FormError> {
    let form = world.server.seal_form(browser, Purpose::TakeBack, grant).unwrap();
    world
        .server
        .take_back(grant, Some(browser), &form, address("127.0.0.1"))
        .unwrap()
}

#[test]
fn owners_see_what_they_approved_and_nobody_elses() {
    let world = World::new();
    world.add_owner("bob");
    let (shop, other) = (world.shop(), world.client("other", |_| {}));
    let (alice, bob) = (world.sign_in("alice"), world.sign_in("bob"));
    for (client, scope) in [(&shop, "orders"), (&other, "orders place")] {
        let code = world.approve_in(&alice, &Request::of(client), scope);
        world.exchange(client, &code).unwrap();
    }
    let seen = approved(&world, &alice);
    let names: Vec<_> = seen
        .iter()
        .map(|approval| (approval.client_name.to_string(), approval.scope.to_string()))
        .collect();
    assert_eq!(
        names,
        [
            ("other".to_owned(), "orders place".to_owned()),
            ("shop".to_owned(), "orders".to_owned())
        ],
        "the newest first"
    );
    assert_eq!(seen[0].since, START);
    let account = world.server.account(Some(&bob)).unwrap().unwrap();
    assert_eq!(account.username.as_str(), "bob");
    assert!(account.approved.is_empty());
    assert!(world.server.account(None).unwrap().is_none());
    let stranger = world.server.new_cookie().unwrap();
    assert!(world.server.account(Some(&stranger)).unwrap().is_none());
}

#[test]
fn an_approval_is_shown_as_long_as_its_client_can_still_act() {
    let world = World::with_rules(|rules| rules.session_lifetime = REFRESH_TOKEN_IDLE * 2);
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let code = world.approve_in(&browser, &Request::of(&shop), "orders");
    world.exchange(&shop, &code).unwrap();
    world.advance(ACCESS_TOKEN_LIFETIME);
    assert_eq!(approved(&world, &browser).len(), 1, "it can still refresh");
    world.advance_to_just_before(REFRESH_TOKEN_IDLE - ACCESS_TOKEN_LIFETIME);
    assert_eq!(approved(&world, &browser).len(), 1);
    world.advance(INSTANT);
    assert!(approved(&world, &browser).is_empty());
}

#[test]
fn taking_an_approval_back_ends_all_its_tokens_and_no_others() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let first = world.tokens(&shop);
    let refreshed = world.refresh(&shop, first.refresh()).unwrap();
    let grant = approved(&world, &browser)[0].grant.to_string();
    let elsewhere = world.tokens(&shop);
    take_back(&world, &browser, &grant).unwrap();
    assert!(!world.works(&first.access) && !world.works(&refreshed.access));
    assert_invalid_grant(world.refresh(&shop, refreshed.refresh()));
    assert!(world.works(&elsewhere.access));
    assert_eq!(approved(&world, &browser).len(), 1);
    assert_eq!(
        world.value::<String>("SELECT end_cause FROM grants WHERE ended_at IS NOT NULL"),
        "taken_back"
    );
}

#[test]
fn nobody_takes_back_what_somebody_else_approved() {
    let world = World::new();
    world.add_owner("mallory");
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let alice = world.sign_in("alice");
    let mallory = world.sign_in("mallory");
    let grant = approved(&world, &alice)[0].grant.to_string();
    // With a form that is right for mallory's own browser.
    take_back(&world, &mallory, &grant).unwrap();
    assert!(world.works(&tokens.access));
    assert_eq!(approved(&world, &alice).len(), 1);
}

#[test]
fn a_form_takes_back_the_one_approval_that_it_was_made_for_and_in_time() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let alice = world.sign_in("alice");
    let grant = approved(&world, &alice)[0].grant.to_string();
    let seal = |purpose, about: &str| world.server.seal_form(&alice, purpose, about).unwrap();
    let send = |form: &str| {
        world
            .server
            .take_back(&grant, Some(&alice), form, address("127.0.0.1"))
            .unwrap()
    };
    assert_eq!(send(""), Err(FormError::Forged));
    assert_eq!(send(&seal(Purpose::SignOut, &grant)), Err(FormError::Forged));
    assert_eq!(
        send(&seal(Purpose::TakeBack, "0000000000000")),
        Err(FormError::Forged)
    );
    assert_eq!(
        take_back(&world, &alice, "no grant"),
        Err(FormError::Forged),
        "what cannot be a grant"
    );
    assert_eq!(
        world
            .server
            .take_back(
                &grant,
                None,
                &seal(Purpose::TakeBack, &grant),
                address("127.0.0.1")
            )
            .unwrap(),
        Err(FormError::Forged)
    );
    let form = seal(Purpose::TakeBack, &grant);
    world.advance(FORM_LIFETIME);
    assert_eq!(send(&form), Err(FormError::Expired));
    assert!(world.works(&tokens.access));
    let form = seal(Purpose::TakeBack, &grant);
    world.server.sign_out(&alice).unwrap();
    assert_eq!(send(&form), Err(FormError::Expired), "signed out");
    assert!(world.works(&tokens.access));
}
