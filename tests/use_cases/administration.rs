//! Rotation of secrets, revocation and pruning, with a moved clock; and the audit trail of all of it.

use std::time::Duration;

use oauthctl::authorization_server::{
    ChainVerdict, ClientChange, ListChange, Meddled, NewestGrant, SecretOrigin, SecretOwner,
};
use oauthctl::domain::token_state::TokenState;
use oauthctl::store::{AuditSelector, GrantSelector, TokenSelector};

use crate::support::{INSTANT, World, assert_invalid_grant, error_of};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn actions(world: &World) -> Vec<String> {
    let entries = world
        .server
        .audit_entries(&AuditSelector::default(), 0, 1000)
        .unwrap();
    entries.into_iter().map(|entry| entry.action).collect()
}

#[test]
fn both_secrets_are_good_until_the_overlap_ends_and_their_last_use_is_told() {
    let world = World::new();
    let shop = world.shop();
    let owner = SecretOwner::Client(shop.id.parse().unwrap());
    let rotated = world
        .server
        .rotate_secret(owner.clone(), DAY, SecretOrigin::Generate)
        .unwrap();
    let mut renewed = shop.clone();
    rotated.secret.reveal().clone_into(&mut renewed.secret);

    assert!(world.introspect(&shop, "x").unwrap().is_none());
    world.advance(HOUR);
    assert!(world.introspect(&renewed, "x").unwrap().is_none());
    let last_used = |world: &World| {
        world.server.write_last_use().unwrap();
        let secrets = world.server.secrets_of(&owner).unwrap();
        [secrets[0].last_used_at, secrets[1].last_used_at]
    };
    let [old, new] = last_used(&world);
    assert_eq!(new.unwrap().since(old.unwrap()), HOUR);

    world.advance(DAY - HOUR - INSTANT);
    assert!(
        world.introspect(&shop, "x").is_ok(),
        "just before the end of the overlap"
    );
    world.advance(INSTANT);
    assert_eq!(
        error_of(world.introspect(&shop, "x")).0.as_str(),
        "invalid_client"
    );
    assert!(world.introspect(&renewed, "x").is_ok());
}

#[test]
fn an_overlap_never_lengthens_the_life_of_a_secret_and_zero_ends_all() {
    let world = World::new();
    let shop = world.shop();
    let owner = SecretOwner::Client(shop.id.parse().unwrap());
    let rotate = |overlap| {
        world
            .server
            .rotate_secret(owner.clone(), overlap, SecretOrigin::Generate)
            .unwrap()
    };
    let first_end = rotate(HOUR).previous_secret_expires_at;
    rotate(DAY);
    assert_eq!(world.server.secrets_of(&owner).unwrap()[0].expires_at, first_end);
    rotate(Duration::ZERO);
    assert_eq!(
        error_of(world.introspect(&shop, "x")).0.as_str(),
        "invalid_client"
    );
    let good = world
        .server
        .secrets_of(&owner)
        .unwrap()
        .into_iter()
        .filter(|secret| secret.expires_at.is_none());
    assert_eq!(good.count(), 1);
}

#[test]
fn what_an_administrator_changes_works_on_the_next_request() {
    let world = World::new();
    let shop = world.shop();
    let id = || shop.id.parse().unwrap();
    let tokens = world.tokens(&shop);
    assert!(world.works(&tokens.access));
    world.server.set_client_enabled(id(), false).unwrap();
    assert!(!world.works(&tokens.access));
    world.server.set_client_enabled(id(), true).unwrap();
    assert!(world.works(&tokens.access));
    world
        .server
        .set_owner_enabled("alice".parse().unwrap(), false)
        .unwrap();
    assert!(!world.works(&tokens.access));
    world
        .server
        .set_owner_enabled("alice".parse().unwrap(), true)
        .unwrap();
    let scopes = world.server.client(&id()).unwrap().settings.scopes;
    let kept = scopes.iter().find(|scope| scope.as_str() != "orders").cloned();
    let remove = ListChange {
        remove: vec!["orders".parse().unwrap()],
        ..ListChange::default()
    };
    let add = ListChange {
        add: vec!["orders".parse().unwrap()],
        ..ListChange::default()
    };
    assert!(kept.is_some(), "the shop has another scope to keep");
    world
        .server
        .update_client(
            id(),
            ClientChange {
                scopes: remove,
                ..ClientChange::default()
            },
        )
        .unwrap();
    assert!(!world.works(&tokens.access));
    world
        .server
        .update_client(
            id(),
            ClientChange {
                scopes: add,
                ..ClientChange::default()
            },
        )
        .unwrap();
    assert!(world.works(&tokens.access));
}

#[test]
fn revoking_an_access_token_leaves_the_refresh_token_and_revoking_that_ends_the_grant() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let listed = world.server.tokens(&TokenSelector::default(), None, 10).unwrap();
    let [access, refresh] = listed.as_slice() else {
        panic!("{listed:?}")
    };
    assert_eq!(
        (access.state, refresh.state),
        (TokenState::Active, TokenState::Active)
    );
    let revoke = |token| {
        let selector = TokenSelector {
            identifiers: vec![token],
            ..TokenSelector::default()
        };
        world.server.revoke_tokens(&selector, |_| ()).unwrap()
    };
    assert_eq!(revoke(access.identifier).changed, 1);
    assert!(!world.works(&tokens.access));
    let next = world.refresh(&shop, tokens.refresh()).unwrap();
    assert!(world.works(&next.access));
    assert_eq!(revoke(refresh.identifier).changed, 1);
    assert!(!world.works(&next.access));
    assert_invalid_grant(world.refresh(&shop, next.refresh()));
    assert_eq!(revoke(access.identifier).changed, 0, "revoked already");
}

#[test]
fn the_last_use_of_a_token_is_written_now_and_then() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let unused = |world: &World| {
        let unused_since = Some(world.server.instant().before(HOUR));
        let selector = TokenSelector {
            unused_since,
            ..TokenSelector::default()
        };
        world.server.count_tokens(&selector, 0).unwrap().0
    };
    world.advance(HOUR - INSTANT);
    assert!(world.works(&tokens.access));
    world.advance(Duration::from_secs(60));
    assert_eq!(unused(&world), 2, "gathered in memory, not yet written");
    world.server.write_last_use().unwrap();
    assert_eq!(unused(&world), 1, "the refresh token");
}

#[test]
fn a_last_use_that_cannot_be_written_is_written_the_next_time() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    world.advance(HOUR - INSTANT);
    assert!(world.works(&tokens.access));
    let used = || {
        let tokens: i64 = world.value("SELECT count(*) FROM tokens WHERE last_used_at IS NOT NULL");
        let secrets: i64 = world.value("SELECT count(*) FROM client_secrets WHERE last_used_at IS NOT NULL");
        (tokens, secrets)
    };
    for table in ["tokens", "client_secrets"] {
        let full = format!(
            "CREATE TRIGGER full BEFORE UPDATE OF last_used_at ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
        );
        world.connection().execute_batch(&full).unwrap();
        world.server.write_last_use().unwrap_err();
        world.connection().execute_batch("DROP TRIGGER full").unwrap();
        // Whoever waits for a use is told of it, though nothing was used since.
        assert!(world.server.wait_for_use());
    }
    assert_eq!(used(), (1, 0));
    world.server.write_last_use().unwrap();
    assert_eq!(used(), (1, 1));
}

#[test]
fn pruning_removes_what_ended_long_ago_and_keeps_what_reuse_detection_needs() {
    let world = World::new();
    let shop = world.shop();
    let lives = world.tokens(&shop);
    let mut newest = world.refresh(&shop, lives.refresh()).unwrap();
    newest = world.refresh(&shop, newest.refresh()).unwrap();
    let ended = world.tokens(&shop);
    world.revoke(&shop, ended.refresh()).unwrap();
    // A day later the access tokens have expired, and the chain of refresh tokens lives.
    world.advance(DAY);
    let cutoff = world.server.instant().before(HOUR);
    let expected = world.server.count_prunable(cutoff).unwrap();
    let pruned = world.server.prune(cutoff, |_| ()).unwrap();
    assert_eq!(
        (pruned.changed, expected),
        (5, 5),
        "three access tokens, and the two of the grant that ended"
    );
    assert_eq!(world.count("grants"), 1);
    assert_eq!(
        world.count("authorization_codes"),
        1,
        "that of the grant which lives"
    );
    assert_eq!(world.server.prune(cutoff, |_| ()).unwrap().changed, 0);
    // Reuse of the first refresh token of the chain is still noticed.
    assert_invalid_grant(world.refresh(&shop, lives.refresh()));
    assert_invalid_grant(world.refresh(&shop, newest.refresh()));
    assert_eq!(
        actions(&world)
            .iter()
            .filter(|action| *action == "refused.refresh_token_reused")
            .count(),
        1
    );
    // Once the grant has ended for long enough, nothing of it is left.
    world.advance(DAY);
    world.server.prune(world.server.instant(), |_| ()).unwrap();
    assert_eq!(
        (
            world.count("grants"),
            world.count("tokens"),
            world.count("authorization_codes") + world.count("sessions")
        ),
        (0, 0, 0)
    );
}

#[test]
fn every_change_and_every_refusal_that_matters_is_in_the_audit_trail_without_a_secret() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let next = world.refresh(&shop, tokens.refresh()).unwrap();
    world.refresh(&shop, next.refresh()).unwrap();
    assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
    let mut wrong = shop.clone();
    wrong.secret.push('x');
    error_of(world.introspect(&wrong, "x"));
    let owner = SecretOwner::Client(shop.id.parse().unwrap());
    world
        .server
        .rotate_secret(owner, HOUR, SecretOrigin::Generate)
        .unwrap();
    world
        .server
        .delete_client(&shop.id.parse().unwrap(), |_| ())
        .unwrap();
    let found = actions(&world);
    for action in [
        "scope.define",
        "client.register",
        "owner.add",
        "owner.sign_in",
        "grant.approve",
        "refused.refresh_token_reused",
        "refused.wrong_secret",
        "secret.rotate",
        "client.disable",
        "client.delete",
    ] {
        assert!(
            found.iter().any(|there| there == action),
            "{action} is not among {found:?}"
        );
    }
    let entries = i64::try_from(found.len()).unwrap();
    assert_eq!(
        world.server.verify_audit(|_| ()).unwrap(),
        ChainVerdict::Whole { entries }
    );
    let everything: String =
        world.value("SELECT group_concat(actor || source || subject || detail, ' ') FROM audit");
    for secret in [
        shop.secret.as_str(),
        &tokens.access,
        tokens.refresh(),
        &next.access,
    ] {
        assert!(!everything.contains(&secret[17..]), "{everything}");
    }
}

#[test]
fn an_older_link_of_a_chain_that_matches_by_its_age_does_not_end_the_grant_in_use() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    world.advance(HOUR);
    let next = world.refresh(&shop, first.refresh()).unwrap();
    let newest = world.refresh(&shop, next.refresh()).unwrap();
    let issued_before = Some(world.server.instant());
    let by_age = TokenSelector {
        issued_before,
        ..TokenSelector::default()
    };
    let tally = world.server.revoke_tokens(&by_age, |_| ()).unwrap();
    assert_eq!(
        (tally.matched, tally.changed),
        (2, 1),
        "the access token of then, and not the refresh token"
    );
    assert!(world.works(&newest.access));
    world.refresh(&shop, newest.refresh()).unwrap();
    // Whoever names it means the grant.
    let oldest = world.server.tokens(&by_age, None, 10).unwrap();
    let rotated = oldest
        .iter()
        .find(|token| token.state == TokenState::Rotated)
        .unwrap();
    let by_name = TokenSelector {
        identifiers: vec![rotated.identifier],
        ..TokenSelector::default()
    };
    assert_eq!(world.server.revoke_tokens(&by_name, |_| ()).unwrap().changed, 1);
    assert!(!world.works(&newest.access));
}

#[test]
fn disabling_a_resource_owner_signs_them_out_for_good() {
    let world = World::new();
    world.add_owner("bob");
    let browser = world.sign_in("bob");
    assert!(world.server.signed_in(Some(&browser)).unwrap().is_some());
    world
        .server
        .set_owner_enabled("bob".parse().unwrap(), false)
        .unwrap();
    world
        .server
        .set_owner_enabled("bob".parse().unwrap(), true)
        .unwrap();
    assert!(world.server.signed_in(Some(&browser)).unwrap().is_none());
}

#[test]
fn what_a_developer_does_to_a_grant_and_to_the_clock_is_written_down_once() {
    let world = World::new();
    let shop = world.shop();
    let tokens = world.tokens(&shop);
    let grant = world.server.grants(&GrantSelector::default(), None, 1).unwrap()[0].identifier;
    let before = actions(&world).len();
    let expired_at = world.server.instant();
    assert_eq!(
        world.server.expire_grant(grant, false).unwrap(),
        Meddled::Changed(1)
    );
    let expired = world.server.expire_grant(grant, false).unwrap();
    assert!(
        matches!(&expired, Meddled::Unchanged(why) if why.contains("have expired")),
        "{expired:?}"
    );
    assert_eq!(world.server.rotate_away(grant).unwrap(), Meddled::Changed(1));
    let rotated = world.server.rotate_away(grant).unwrap();
    assert!(
        matches!(&rotated, Meddled::Unchanged(why) if why.contains("was used at")),
        "{rotated:?}"
    );
    world.server.clock_is_moved(expired_at.after(HOUR)).unwrap();
    world.server.clock_is_moved(expired_at.before(HOUR)).unwrap();
    let entries = world
        .server
        .audit_entries(&AuditSelector::default(), 0, 1000)
        .unwrap();
    let told: Vec<(&str, &str, &str)> = entries[before..]
        .iter()
        .map(|entry| (entry.actor.as_str(), entry.action.as_str(), entry.detail.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "unknown",
                "grant.expire",
                r#"{"by":"dev expire","expired":1,"refresh":false}"#
            ),
            ("unknown", "grant.rotate", r#"{"by":"dev rotate","rotated":1}"#),
            (
                "unknown",
                "clock.move",
                r#"{"by":"dev clock","to":"2026-01-01T01:00:00Z","seconds":3600}"#
            ),
            (
                "unknown",
                "clock.move",
                r#"{"by":"dev clock","to":"2025-12-31T23:00:00Z","seconds":-3600}"#
            ),
        ]
    );
    assert_eq!(entries[before].subject, grant.to_string());
    assert_eq!(entries[before].at, expired_at);
    assert!(matches!(
        world.server.verify_audit(|_| {}),
        Ok(ChainVerdict::Whole { .. })
    ));
    assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
    // The reuse has ended it.
    let at = world.server.instant();
    for meddled in [
        world.server.expire_grant(grant, true),
        world.server.rotate_away(grant),
        world.server.take_back_for_owner(grant),
    ] {
        assert_eq!(meddled.unwrap(), Meddled::EndedBefore(at));
    }
}

#[test]
fn a_grant_is_taken_back_as_its_owner_does() {
    let world = World::new();
    let shop = world.shop();
    assert_eq!(world.server.newest_grant(NewestGrant::OfAll).unwrap(), None);
    world.tokens(&shop);
    let tokens = world.tokens(&shop);
    let all = world.server.grants(&GrantSelector::default(), None, 9).unwrap();
    let grant = world.server.newest_grant(NewestGrant::OfAll).unwrap().unwrap();
    assert_eq!(grant, all[1].identifier);
    assert_eq!(
        world.server.take_back_for_owner(grant).unwrap(),
        Meddled::Changed(1)
    );
    let ended = world.server.grant(grant).unwrap();
    assert_eq!(ended.end_cause.as_deref(), Some("taken_back"));
    assert_eq!(ended.ended_at, Some(world.server.instant()));
    assert_invalid_grant(world.refresh(&shop, tokens.refresh()));
    let trail = world
        .server
        .audit_entries(&AuditSelector::default(), 0, 1000)
        .unwrap();
    let last = trail.last().unwrap();
    assert_eq!(
        (
            last.actor_kind.as_str(),
            last.action.as_str(),
            last.detail.as_str()
        ),
        ("operator", "grant.revoke", r#"{"by":"dev revoke"}"#)
    );
    assert!(
        world.server.grant(all[0].identifier).unwrap().ended_at.is_none(),
        "no other"
    );
}
