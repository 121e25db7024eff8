//! Resource owners sign in and out.

use std::time::Duration;

use oauthctl::authorization_server::SignInError;
use oauthctl::domain::session::SessionCookie;

use crate::support::{HERE, INSTANT, PASSWORD, SESSION_LIFETIME, World, address};

const ELSEWHERE: &str = "2001:db8::1";

fn sign_in(world: &World, username: &str, password: &str, from: &str) -> Result<SessionCookie, SignInError> {
    world.server.sign_in(username, password, None, address(from))
}

fn is_signed_in(world: &World, cookie: &SessionCookie) -> bool {
    world.server.signed_in(Some(cookie)).unwrap().is_some()
}

#[test]
fn whoever_signs_in_is_known_by_the_cookie_until_the_session_ends() {
    let world = World::new();
    let cookie = world.sign_in("alice");
    let signed_in = world.server.signed_in(Some(&cookie)).unwrap().unwrap();
    assert_eq!(signed_in.owner.username.as_str(), "alice");
    assert!(world.server.signed_in(None).unwrap().is_none());
    world.advance_to_just_before(SESSION_LIFETIME);
    assert!(is_signed_in(&world, &cookie));
    world.advance(INSTANT);
    assert!(!is_signed_in(&world, &cookie));
}

#[test]
fn a_wrong_password_an_unknown_name_and_what_is_no_name_look_alike() {
    let world = World::new();
    let too_long = "p".repeat(2000);
    for (username, password) in [
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", &too_long),
        ("Alice", PASSWORD),
        ("alice ", PASSWORD),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("a\nb", PASSWORD),
    ] {
        let refused = sign_in(&world, username, password, HERE);
        assert!(
            matches!(refused, Err(SignInError::Wrong)),
            "{username:?}: {refused:?}"
        );
    }
    assert_eq!(world.count("sessions"), 0);
}

#[test]
fn signing_in_gives_a_new_cookie_and_ends_the_session_of_the_old_one() {
    let world = World::new();
    let old = world.sign_in("alice");
    let elsewhere = world.sign_in("alice");
    let new = world
        .server
        .sign_in("alice", PASSWORD, Some(&old), address(HERE))
        .unwrap();
    assert_ne!(new.reveal(), old.reveal());
    assert!(is_signed_in(&world, &new));
    assert!(!is_signed_in(&world, &old));
    assert!(
        is_signed_in(&world, &elsewhere),
        "another browser is not concerned"
    );
}

#[test]
fn the_cookie_of_before_is_never_the_one_of_the_session() {
    let world = World::new();
    let before = world.server.new_cookie().unwrap();
    let after = world
        .server
        .sign_in("alice", PASSWORD, Some(&before), address(HERE))
        .unwrap();
    assert!(!is_signed_in(&world, &before));
    assert!(is_signed_in(&world, &after));
}

#[test]
fn a_cookie_with_another_secret_is_nobodys_and_ends_nobodys_session() {
    let world = World::new();
    let cookie = world.sign_in("alice");
    let forged = format!("{}{}", &cookie.reveal()[..13], "A".repeat(43));
    let forged = SessionCookie::parse(&forged).unwrap();
    assert!(!is_signed_in(&world, &forged));
    world.server.sign_out(&forged).unwrap();
    world
        .server
        .sign_in("alice", PASSWORD, Some(&forged), address(HERE))
        .unwrap();
    assert!(is_signed_in(&world, &cookie));
}

#[test]
fn signing_out_ends_the_session() {
    let world = World::new();
    let cookie = world.sign_in("alice");
    world.server.sign_out(&cookie).unwrap();
    assert!(!is_signed_in(&world, &cookie));
    assert_eq!(world.count("sessions"), 0);
    world.server.sign_out(&cookie).unwrap();
}

#[test]
fn a_disabled_owner_is_told_so_with_the_right_password_only_and_is_signed_out_everywhere() {
    let world = World::new();
    let cookie = world.sign_in("alice");
    world.disable_owner("alice");
    assert!(!is_signed_in(&world, &cookie));
    let right = sign_in(&world, "alice", PASSWORD, HERE);
    assert!(matches!(right, Err(SignInError::Disabled)), "{right:?}");
    let wrong = sign_in(&world, "alice", "wrong", HERE);
    assert!(matches!(wrong, Err(SignInError::Wrong)), "{wrong:?}");
    world.change("UPDATE resource_owners SET enabled = 1");
    assert!(is_signed_in(&world, &cookie));
}

#[test]
fn after_ten_wrong_passwords_within_a_minute_that_name_waits_at_that_address() {
    let world = World::new();
    world.add_owner("bob");
    for _ in 0..10 {
        let refused = sign_in(&world, "alice", "wrong", HERE);
        assert!(matches!(refused, Err(SignInError::Wrong)), "{refused:?}");
        world.advance(Duration::from_secs(2));
    }
    for password in ["wrong", PASSWORD] {
        let answer = sign_in(&world, "alice", password, HERE);
        assert!(matches!(answer, Err(SignInError::Throttled(40))), "{answer:?}");
    }
    sign_in(&world, "alice", PASSWORD, ELSEWHERE).expect("from elsewhere the right one still gets in");
    sign_in(&world, "bob", PASSWORD, HERE).expect("another name is not concerned");

    world.advance_to_just_before(Duration::from_secs(40));
    let answer = sign_in(&world, "alice", PASSWORD, HERE);
    assert!(matches!(answer, Err(SignInError::Throttled(1))), "{answer:?}");
    world.advance(INSTANT);
    sign_in(&world, "alice", PASSWORD, HERE).unwrap();
}

#[test]
fn success_forgets_failures() {
    let world = World::with_rules(|rules| rules.failures = 3);
    for _ in 0..3 {
        for _ in 0..2 {
            let refused = sign_in(&world, "alice", "wrong", HERE);
            assert!(matches!(refused, Err(SignInError::Wrong)), "{refused:?}");
        }
        sign_in(&world, "alice", PASSWORD, HERE).unwrap();
    }
}

#[test]
fn names_that_do_not_exist_wait_too_so_that_nobody_learns_which_do() {
    let world = World::with_rules(|rules| rules.failures = 3);
    for _ in 0..3 {
        assert!(sign_in(&world, "nobody", "wrong", HERE).is_err());
    }
    let answer = sign_in(&world, "nobody", "wrong", HERE);
    assert!(matches!(answer, Err(SignInError::Throttled(60))), "{answer:?}");
}

#[test]
fn one_password_tried_with_many_names_makes_the_address_wait_and_nobody_who_got_in_there() {
    let world = World::with_rules(|rules| rules.failures_per_address = 4);
    world.add_owner("bob");
    sign_in(&world, "bob", PASSWORD, HERE).unwrap();
    for name in ["carol", "dave", "erin", "frank"] {
        let refused = sign_in(&world, name, "summer2026", HERE);
        assert!(matches!(refused, Err(SignInError::Wrong)), "{refused:?}");
    }
    let answer = sign_in(&world, "alice", PASSWORD, HERE);
    assert!(matches!(answer, Err(SignInError::Throttled(60))), "{answer:?}");
    sign_in(&world, "bob", PASSWORD, HERE).unwrap();
    sign_in(&world, "alice", PASSWORD, "192.0.2.2").unwrap();
}

#[test]
fn a_client_that_is_called_like_a_resource_owner_neither_frees_nor_locks_out_the_owner() {
    let world = World::with_rules(|rules| rules.failures = 3);
    let shop = world.shop();
    world.add_owner(&shop.id);
    for _ in 0..3 {
        assert!(sign_in(&world, &shop.id, "wrong", HERE).is_err());
        // The client gets in, which is no matter for the owner's failures.
        world.introspect(&shop, "unknown").unwrap();
    }
    let answer = sign_in(&world, &shop.id, PASSWORD, HERE);
    assert!(matches!(answer, Err(SignInError::Throttled(60))), "{answer:?}");

    let world = World::with_rules(|rules| rules.failures = 3);
    let shop = world.shop();
    world.add_owner(&shop.id);
    let impostor = crate::support::Client {
        secret: "x".repeat(40),
        ..shop
    };
    for _ in 0..5 {
        assert!(world.introspect(&impostor, "unknown").is_err());
    }
    sign_in(&world, &impostor.id, PASSWORD, HERE).unwrap();
}

#[test]
fn who_exists_is_not_told_by_a_store_that_cannot_be_written() {
    let world = World::new();
    world
        .connection()
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    for username in ["alice", "nobody"] {
        for attempt in 0..11 {
            let refused = sign_in(&world, username, "wrong", HERE);
            let is_expected = match attempt {
                10 => matches!(refused, Err(SignInError::Throttled(_))),
                _ => matches!(refused, Err(SignInError::Wrong)),
            };
            assert!(is_expected, "{username}: {refused:?}");
        }
    }
}
