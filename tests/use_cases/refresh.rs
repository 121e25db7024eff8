//! Stage 6: refreshing, and the rotation of refresh tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use oauthctl::domain::client::RefreshPolicy;
use oauthctl::protocol::refresh::RetryWindow;
use oauthctl::protocol::token_error::TokenErrorCode;

use crate::support::{
    ACCESS_TOKEN_LIFETIME, INSTANT, REFRESH_TOKEN_IDLE, REFRESH_TOKEN_LIFETIME, Request, World,
    assert_invalid_grant, at_once, body, error_of, refresh_parameters,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A world in which a refresh token may be repeated for so long.
fn world_with_retry_window(span: Duration) -> World {
    World::with_rules(|rules| rules.refresh_retry_window = RetryWindow::AtMost(span))
}

#[test]
fn a_refresh_gives_a_fresh_access_token_and_the_next_refresh_token() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    world.advance(MINUTE);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    assert_ne!(second.access, first.access);
    assert_ne!(second.refresh, first.refresh);
    assert!(second.refresh().starts_with("ort_"));
    assert_eq!(second.scope, "orders place");
    assert_eq!(second.expires_in, ACCESS_TOKEN_LIFETIME);
    assert!(world.works(&second.access));
}

#[test]
fn access_tokens_that_were_issued_before_a_refresh_live_on_to_their_own_end() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    world.advance(MINUTE);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance_to_just_before(ACCESS_TOKEN_LIFETIME - MINUTE);
    assert!(world.works(&first.access));
    world.advance(INSTANT);
    assert!(!world.works(&first.access));
    assert!(world.works(&second.access));
    world.advance_to_just_before(MINUTE);
    assert!(world.works(&second.access));
    world.advance(INSTANT);
    assert!(!world.works(&second.access));
}

#[test]
fn a_repeated_refresh_gives_the_same_successor_and_an_access_token_of_its_own() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let answers: Vec<_> = (0..4)
        .map(|_| {
            world.advance(MINUTE);
            world.refresh(&shop, first.refresh()).unwrap()
        })
        .collect();
    let successors: BTreeSet<_> = answers.iter().map(|tokens| tokens.refresh()).collect();
    assert_eq!(successors.len(), 1);
    let accesses: BTreeSet<_> = answers.iter().map(|tokens| &tokens.access).collect();
    assert_eq!(accesses.len(), 4);
    assert!(answers.iter().all(|tokens| world.works(&tokens.access)));
    assert!(
        answers
            .iter()
            .all(|tokens| tokens.expires_in == ACCESS_TOKEN_LIFETIME)
    );
    world
        .refresh(&shop, answers[0].refresh())
        .expect("the successor is one that refreshes");
}

#[test]
fn the_successor_is_the_same_after_a_restart() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let before = world.refresh(&shop, first.refresh()).unwrap();
    let second = world.second_server();
    let after = World::token_with(
        &second,
        None,
        &body(&shop, &refresh_parameters(first.refresh())),
        None,
    )
    .unwrap();
    assert_eq!(before.refresh, after.refresh);
}

#[test]
fn a_chain_goes_on_link_by_link_and_each_link_may_be_repeated_until_the_next_is_used() {
    let world = World::new();
    let shop = world.shop();
    let mut seen = BTreeSet::new();
    let mut last = world.tokens(&shop);
    for _ in 0..8 {
        assert!(seen.insert(last.refresh().to_owned()), "each link is a new one");
        world.advance(MINUTE);
        let next = world.refresh(&shop, last.refresh()).unwrap();
        let again = world.refresh(&shop, last.refresh()).unwrap();
        assert_eq!(next.refresh, again.refresh);
        last = again;
    }
    assert_eq!(
        world.value::<i64>("SELECT refreshes FROM grants"),
        8,
        "what is repeated counts once"
    );
    assert_eq!(
        world.value::<i64>("SELECT count(*) FROM tokens WHERE kind = 'refresh'"),
        9
    );
}

#[test]
fn use_of_a_predecessor_after_its_successor_was_used_revokes_the_whole_grant() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let third = world.refresh(&shop, second.refresh()).unwrap();
    let elsewhere = world.tokens(&shop);

    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    for tokens in [&first, &second, &third] {
        assert!(!world.works(&tokens.access));
        assert!(world.introspect(&shop, &tokens.access).unwrap().is_none());
        assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
        assert!(world.introspect(&shop, tokens.refresh()).unwrap().is_none());
    }
    assert_eq!(
        world.value::<String>("SELECT end_cause FROM grants WHERE ended_at IS NOT NULL"),
        "refresh_token_reused"
    );
    assert!(
        world.works(&elsewhere.access),
        "another approval for the same client lives on"
    );
}

#[test]
fn a_stolen_link_does_not_become_harmless_by_being_old() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance(REFRESH_TOKEN_IDLE - MINUTE);
    let third = world.refresh(&shop, second.refresh()).unwrap();
    world.advance(MINUTE);
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    assert!(!world.works(&third.access));
}

#[test]
fn use_of_a_predecessor_by_anybody_else_revokes_nothing() {
    let world = World::new();
    let (shop, other) = (world.shop(), world.client("other", |_| {}));
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let third = world.refresh(&shop, second.refresh()).unwrap();

    for token in [first.refresh(), second.refresh(), third.refresh()] {
        assert_invalid_grant(world.refresh(&other, token));
    }
    let mut thief = shop.clone();
    thief.secret.push('x');
    assert_eq!(
        error_of(world.refresh(&thief, first.refresh())).0,
        TokenErrorCode::InvalidClient
    );
    let made_up = format!("{}{}", &first.refresh()[..17], "A".repeat(43));
    assert_invalid_grant(world.refresh(&shop, &made_up));

    assert!(world.works(&first.access) && world.works(&third.access));
    world.refresh(&shop, third.refresh()).unwrap();
}

#[test]
fn texts_that_are_no_refresh_tokens_are_invalid_grant() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let as_refresh = tokens.access.replacen("oat_", "ort_", 1);
    for text in ["x", &tokens.access, &as_refresh, &tokens.refresh()[..59], "ört_"] {
        assert_invalid_grant(world.refresh(&shop, text));
    }
    assert!(world.works(&tokens.access));
}

#[test]
fn with_a_retry_window_of_zero_a_refresh_token_is_used_once() {
    let world = world_with_retry_window(Duration::ZERO);
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    assert!(world.works(&second.access));
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    assert!(!world.works(&first.access) && !world.works(&second.access));
    assert_invalid_grant(world.refresh(&shop, second.refresh()));
}

#[test]
fn a_refresh_token_may_be_repeated_to_the_end_of_the_retry_window_and_no_longer() {
    let window = Duration::from_secs(30);
    let world = world_with_retry_window(window);
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance_to_just_before(window);
    let again = world.refresh(&shop, first.refresh()).unwrap();
    assert_eq!(again.refresh, second.refresh);
    // Counted from the first use, not from the last.
    world.advance(INSTANT);
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    assert!(!world.works(&again.access), "and that ended the grant");
}

#[test]
fn within_the_retry_window_too_the_use_of_the_successor_ends_the_time_for_repeating() {
    let world = world_with_retry_window(Duration::from_secs(30));
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let third = world.refresh(&shop, second.refresh()).unwrap();
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    assert!(!world.works(&third.access));
}

#[test]
fn a_limited_client_refreshes_so_many_times_and_what_it_repeats_counts_once() {
    let world = World::new();
    let shop = world.client("shop", |settings| settings.refresh = RefreshPolicy::Limited(2));
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    for _ in 0..3 {
        let again = world.refresh(&shop, first.refresh()).unwrap();
        assert_eq!(again.refresh, second.refresh);
    }
    let third = world.refresh(&shop, second.refresh()).unwrap();
    let again = world.refresh(&shop, second.refresh()).unwrap();
    assert_eq!(again.refresh, third.refresh);

    assert_invalid_grant(world.refresh(&shop, third.refresh()));
    assert!(world.works(&third.access), "the refusal revokes nothing");
    assert!(world.introspect(&shop, third.refresh()).unwrap().is_none());
    // For each grant.
    let elsewhere = world.tokens(&shop);
    world.refresh(&shop, elsewhere.refresh()).unwrap();
}

#[test]
fn what_a_limited_client_gets_by_repeating_lives_no_longer_than_the_first_answer() {
    let world = World::new();
    let shop = world.client("shop", |settings| settings.refresh = RefreshPolicy::Limited(1));
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance_to_just_before(ACCESS_TOKEN_LIFETIME);
    let again = world.refresh(&shop, first.refresh()).unwrap();
    assert_eq!(again.refresh, second.refresh);
    assert_eq!(again.expires_in, INSTANT);
    assert!(world.works(&again.access));
    world.advance(INSTANT);
    assert!(!world.works(&again.access));
    assert_invalid_grant(world.refresh(&shop, first.refresh()));
    // An unlimited client gets the whole life.
    let free = world.client("free", |_| {});
    let first = world.tokens(&free);
    world.refresh(&free, first.refresh()).unwrap();
    world.advance(ACCESS_TOKEN_LIFETIME);
    let again = world.refresh(&free, first.refresh()).unwrap();
    assert_eq!(again.expires_in, ACCESS_TOKEN_LIFETIME);
}

#[test]
fn a_client_that_may_not_refresh_any_more_is_told_so() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.change("UPDATE clients SET refresh_limit = 0");
    let (error, _) = error_of(world.refresh(&shop, tokens.refresh()));
    assert_eq!(error, TokenErrorCode::UnauthorizedClient);
    assert!(world.works(&tokens.access));
}

#[test]
fn a_refresh_may_narrow_the_access_token_and_the_refresh_token_keeps_the_scope_of_the_grant() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let narrow = world.refresh_for(&shop, first.refresh(), "place").unwrap();
    assert_eq!(narrow.scope, "place");
    assert!(!world.works(&narrow.access), "`orders` is not among it");
    let wide = world.refresh(&shop, narrow.refresh()).unwrap();
    assert_eq!(wide.scope, "orders place");
    assert!(world.works(&wide.access));
    // Repeated, it may narrow otherwise.
    let other = world.refresh_for(&shop, narrow.refresh(), "orders").unwrap();
    assert_eq!((other.scope.as_str(), &other.refresh), ("orders", &wide.refresh));
    let blank = world.refresh_for(&shop, wide.refresh(), " ").unwrap();
    assert_eq!(
        blank.scope, "orders place",
        "blanks ask for nothing in particular"
    );
}

#[test]
fn asking_for_more_than_was_approved_is_invalid_scope_and_uses_nothing_up() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve_as_asked(&Request::of(&shop), "orders");
    let tokens = world.exchange(&shop, &code).unwrap();
    for scope in ["orders place", "place", "invoices", "nothing", "orders \"x\""] {
        let (error, description) = error_of(world.refresh_for(&shop, tokens.refresh(), scope));
        assert_eq!(error, TokenErrorCode::InvalidScope, "{scope}: {description}");
    }
    assert_eq!(world.value::<i64>("SELECT refreshes FROM grants"), 0);
    world.refresh(&shop, tokens.refresh()).unwrap();
}

#[test]
fn a_scope_that_the_client_has_lost_is_left_out_and_cannot_be_asked_for() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    world.take_scope(&shop, "place");
    let second = world.refresh(&shop, first.refresh()).unwrap();
    assert_eq!(second.scope, "orders");
    let (error, _) = error_of(world.refresh_for(&shop, second.refresh(), "place"));
    assert_eq!(error, TokenErrorCode::InvalidScope);
    world.take_scope(&shop, "orders");
    let (error, _) = error_of(world.refresh(&shop, second.refresh()));
    assert_eq!(error, TokenErrorCode::InvalidScope);
}

#[test]
fn a_refresh_token_that_lies_idle_ends_and_each_use_begins_its_life_anew() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    world.advance_to_just_before(REFRESH_TOKEN_IDLE);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance_to_just_before(REFRESH_TOKEN_IDLE);
    let third = world.refresh(&shop, second.refresh()).unwrap();
    world.advance(REFRESH_TOKEN_IDLE);
    assert!(world.introspect(&shop, third.refresh()).unwrap().is_none());
    assert_invalid_grant(world.refresh(&shop, third.refresh()));
}

#[test]
fn no_use_carries_a_grant_beyond_its_absolute_end() {
    let world = World::new();
    let shop = world.client("shop", |settings| {
        settings.refresh_token_idle = REFRESH_TOKEN_LIFETIME * 2;
    });
    let first = world.tokens(&shop);
    world.advance(REFRESH_TOKEN_LIFETIME / 2);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance_to_just_before(REFRESH_TOKEN_LIFETIME / 2);
    assert!(world.introspect(&shop, second.refresh()).unwrap().is_some());
    let third = world.refresh(&shop, second.refresh()).unwrap();
    world.advance(INSTANT);
    assert!(world.introspect(&shop, third.refresh()).unwrap().is_none());
    assert_invalid_grant(world.refresh(&shop, third.refresh()));
    assert!(world.works(&third.access), "an access token lives to its own end");
}

#[test]
fn a_repeated_refresh_does_not_carry_the_successor_further() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    world.advance_to_just_before(REFRESH_TOKEN_IDLE);
    world.refresh(&shop, first.refresh()).unwrap();
    world.advance(INSTANT);
    assert_invalid_grant(world.refresh(&shop, second.refresh()));
}

#[test]
fn a_refresh_rests_on_the_state_of_its_moment() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.disable_owner("alice");
    assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
    world.change("UPDATE resource_owners SET enabled = 1");
    world.disable_client(&shop);
    assert_eq!(
        error_of(world.refresh(&shop, tokens.refresh())).0,
        TokenErrorCode::InvalidClient
    );
    world.change("UPDATE clients SET enabled = 1");
    world
        .refresh(&shop, tokens.refresh())
        .expect("the refusals used nothing up");
}

#[test]
fn sixteen_refreshes_with_one_refresh_token_at_once_all_get_the_same_successor() {
    let world = World::new();
    let shop = world.client("shop", |settings| settings.refresh = RefreshPolicy::Limited(1));
    let first = world.tokens(&shop);
    // Two servers on one file, as during a change of version.
    let second = world.second_server();
    let body = body(&shop, &refresh_parameters(first.refresh()));
    let answers = at_once(16, |number| {
        let server = if number % 2 == 0 { &world.server } else { &second };
        World::token_with(server, None, &body, None).unwrap()
    });
    let successors: BTreeSet<_> = answers.iter().map(|tokens| tokens.refresh()).collect();
    assert_eq!(successors.len(), 1);
    let accesses: BTreeSet<_> = answers.iter().map(|tokens| &tokens.access).collect();
    assert_eq!(accesses.len(), 16);
    assert!(answers.iter().all(|tokens| world.works(&tokens.access)));
    assert_eq!(world.value::<i64>("SELECT refreshes FROM grants"), 1);
    assert_eq!(
        world.value::<i64>("SELECT count(*) FROM tokens WHERE kind = 'refresh'"),
        2
    );
}

#[test]
fn refreshing_while_the_grant_is_revoked_leaves_no_token_alive() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let answers = at_once(16, |number| {
        if number == 7 {
            world.revoke(&shop, first.refresh()).unwrap();
            return None;
        }
        world.refresh(&shop, first.refresh()).ok()
    });
    for tokens in answers.into_iter().flatten() {
        assert!(!world.works(&tokens.access));
        assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
    }
}
