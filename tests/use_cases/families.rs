//! A grant with all that came of it, however much that is.

use std::collections::BTreeSet;
use std::time::Duration;

use oauthctl::authorization_server::Family;
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::token::{TokenKind, TokenValue};

use crate::support::World;

fn family(world: &World, token: &str) -> Family {
    world.server.family(&TokenValue::parse(token).unwrap()).unwrap()
}

fn ids(family: &Family) -> BTreeSet<Identifier> {
    family.relatives.iter().map(|one| one.identifier).collect()
}

#[test]
fn the_one_asked_about_is_told_of_with_those_that_led_to_it_after_any_number_of_refreshes() {
    let world = World::new();
    let shop = world.shop();
    let mut all = vec![world.tokens(&shop)];
    for _ in 0..700 {
        world.advance(Duration::from_secs(1));
        let last = all.last().unwrap();
        all.push(world.refresh(&shop, last.refresh()).unwrap());
    }
    // The code; and of each answer two tokens.
    let total = 1 + 2 * all.len();
    let id = |text: &str| TokenValue::parse(text).unwrap().identifier();
    for number in [0, 1, 50, 300, 700] {
        for asked in [&all[number].access, all[number].refresh()] {
            let family = family(&world, asked);
            let told = ids(&family);
            assert_eq!(told.len() + family.left_out, total);
            assert_eq!(told.len(), family.relatives.len(), "none twice");
            assert!(told.len() <= 500 + 100 + 2, "{}", told.len());
            assert!(told.contains(&id(asked)) && told.contains(&id(&all[700].access)));
            assert_eq!(family.relatives[0].kind, TokenKind::AuthorizationCode);
            for before in &all[number.saturating_sub(99)..=number] {
                assert!(told.contains(&id(before.refresh())), "{number}");
            }
            // Also where the successor is left out.
            for one in &family.relatives {
                let there = one
                    .rotated
                    .is_none_or(|(_, successor)| family.successors.contains(&successor));
                assert!(there, "{}", one.identifier);
            }
        }
    }
}

#[test]
fn the_trail_is_asked_about_each_token_that_was_revoked() {
    let world = World::new();
    let shop = world.shop();
    let mut tokens = world.tokens(&shop);
    let mut revoked = Vec::new();
    for _ in 0..25 {
        world.revoke(&shop, &tokens.access).unwrap();
        revoked.push(tokens.access.clone());
        world.advance(Duration::from_secs(1));
        tokens = world.refresh(&shop, tokens.refresh()).unwrap();
    }
    for asked in [&revoked[0], &revoked[24], &tokens.access] {
        let family = family(&world, asked);
        let by_client = family.events.iter().filter(|event| event.actor_kind == "client");
        assert_eq!(by_client.count(), 25);
        assert_eq!(family.unsearched, 0);
    }
}
