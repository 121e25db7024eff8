//! A resource owner changes their own password, and signs out everywhere.

use oauthctl::authorization_server::{ChangePasswordError, FormError, Purpose, SignInError, TypedPasswords};
use oauthctl::domain::session::SessionCookie;

use crate::support::{FORM_LIFETIME, PASSWORD, World, address};

const NEW: &str = "a new password";
const HERE: &str = "127.0.0.1";

fn change(
    world: &World,
    browser: &SessionCookie,
    old: &str,
    new: &str,
    again: &str,
) -> Result<(), ChangePasswordError> {
    let form = world
        .server
        .seal_form(browser, Purpose::ChangePassword, "")
        .unwrap();
    let typed = TypedPasswords { old, new, again };
    world
        .server
        .change_password(typed, Some(browser), &form, address(HERE))
}

fn is_signed_in(world: &World, browser: &SessionCookie) -> bool {
    world.server.signed_in(Some(browser)).unwrap().is_some()
}

#[test]
fn the_new_password_signs_in_and_all_other_sessions_end() {
    let world = World::new();
    let (here, elsewhere) = (world.sign_in("alice"), world.sign_in("alice"));
    world.add_owner("bob");
    let bob = world.sign_in("bob");
    change(&world, &here, PASSWORD, NEW, NEW).unwrap();
    assert!(is_signed_in(&world, &here) && is_signed_in(&world, &bob));
    assert!(!is_signed_in(&world, &elsewhere));
    let old = world.server.sign_in("alice", PASSWORD, None, address(HERE));
    assert!(matches!(old, Err(SignInError::Wrong)), "{old:?}");
    world.server.sign_in("alice", NEW, None, address(HERE)).unwrap();
    let sql = "SELECT actor || ' ' || detail FROM audit WHERE action = 'owner.change_password'";
    assert_eq!(world.value::<String>(sql), "alice {\"sessions_ended\":1}");
}

#[test]
fn what_is_refused_changes_nothing() {
    let world = World::new();
    let (here, elsewhere) = (world.sign_in("alice"), world.sign_in("alice"));
    let long = "x".repeat(1025);
    let found = [
        change(&world, &here, PASSWORD, NEW, "another one"),
        change(&world, &here, PASSWORD, "1234567", "1234567"),
        change(&world, &here, PASSWORD, &long, &long),
        change(&world, &here, "wrong", NEW, NEW),
        change(&world, &here, &long, NEW, NEW),
    ];
    assert!(
        matches!(
            found,
            [
                Err(ChangePasswordError::Different),
                Err(ChangePasswordError::Unfit(_)),
                Err(ChangePasswordError::Unfit(_)),
                Err(ChangePasswordError::Wrong),
                Err(ChangePasswordError::Wrong),
            ]
        ),
        "{found:?}"
    );
    assert!(is_signed_in(&world, &elsewhere));
    world.sign_in("alice");
}

#[test]
fn only_the_form_of_this_browser_in_time_and_while_signed_in() {
    let world = World::new();
    world.add_owner("mallory");
    let (alice, mallory) = (world.sign_in("alice"), world.sign_in("mallory"));
    let typed = TypedPasswords {
        old: PASSWORD,
        new: NEW,
        again: NEW,
    };
    let send = |cookie: Option<&SessionCookie>, form: &str| {
        let result = world.server.change_password(typed, cookie, form, address(HERE));
        match result {
            Err(ChangePasswordError::Form(error)) => Some(error),
            _ => None,
        }
    };
    let seal = |browser, purpose| world.server.seal_form(browser, purpose, "").unwrap();
    let forged = Some(FormError::Forged);
    assert_eq!(send(Some(&alice), ""), forged);
    assert_eq!(
        send(Some(&alice), &seal(&mallory, Purpose::ChangePassword)),
        forged
    );
    assert_eq!(send(Some(&alice), &seal(&alice, Purpose::SignOut)), forged);
    assert_eq!(send(None, &seal(&alice, Purpose::ChangePassword)), forged);
    let old = seal(&alice, Purpose::ChangePassword);
    world.advance(FORM_LIFETIME);
    assert_eq!(send(Some(&alice), &old), Some(FormError::Expired));
    world.server.sign_out(&alice).unwrap();
    let gone = change(&world, &alice, PASSWORD, NEW, NEW);
    assert!(matches!(gone, Err(ChangePasswordError::SignedOut)), "{gone:?}");
    world.sign_in("alice");
}

#[test]
fn wrong_passwords_are_throttled_together_with_those_at_sign_in() {
    let world = World::with_rules(|rules| rules.failures = 3);
    let alice = world.sign_in("alice");
    for _ in 0..3 {
        let wrong = change(&world, &alice, "wrong", NEW, NEW);
        assert!(matches!(wrong, Err(ChangePasswordError::Wrong)), "{wrong:?}");
    }
    let waits = change(&world, &alice, PASSWORD, NEW, NEW);
    assert!(
        matches!(waits, Err(ChangePasswordError::Throttled(1..=60))),
        "{waits:?}"
    );
    let at_sign_in = world.server.sign_in("alice", PASSWORD, None, address(HERE));
    assert!(
        matches!(at_sign_in, Err(SignInError::Throttled(_))),
        "{at_sign_in:?}"
    );
    let sql = "SELECT count(*) FROM audit WHERE action = 'refused.wrong_password'";
    assert_eq!(world.value::<i64>(sql), 3);
}

#[test]
fn signing_out_everywhere_ends_all_sessions_of_one_resource_owner() {
    let world = World::new();
    world.add_owner("bob");
    let (here, elsewhere, bob) = (
        world.sign_in("alice"),
        world.sign_in("alice"),
        world.sign_in("bob"),
    );
    let stranger = world.server.new_cookie().unwrap();
    world
        .server
        .sign_out_everywhere(&stranger, address(HERE))
        .unwrap();
    assert!(is_signed_in(&world, &here));
    let tokens = world.tokens(&world.shop());
    world.server.sign_out_everywhere(&here, address(HERE)).unwrap();
    assert!(!is_signed_in(&world, &here) && !is_signed_in(&world, &elsewhere));
    assert!(is_signed_in(&world, &bob));
    assert!(world.works(&tokens.access));
    let sql = "SELECT count(*) FROM audit WHERE action = 'owner.sign_out_everywhere'";
    assert_eq!(world.value::<i64>(sql), 1);
}
