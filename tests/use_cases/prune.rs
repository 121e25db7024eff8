//! Pruning beside other work: piece by piece, and in a file that does not grow for ever.

use std::time::Duration;

use oauthctl::clock::Timestamp;

use crate::support::{START, World};

const DAY: Duration = Duration::from_secs(86_400);

/// A world with a grant that nothing came of yet.
fn with_a_grant() -> World {
    let world = World::new();
    let shop = world.shop();
    world.tokens(&shop);
    world
        .connection()
        .execute_batch("DELETE FROM tokens; DELETE FROM authorization_codes")
        .unwrap();
    world
}

/// Gives the one grant `count` access tokens with keys from `first` on, all of which end at `end`.
fn fill(world: &World, first: i64, count: i64, end: Timestamp) {
    world
        .connection()
        .execute(
            "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ?2 - 1) \
             INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, issued_at, expires_at) \
             SELECT ?1 + n, 'access', (SELECT grant_key FROM grants), randomblob(32), 'orders', 0, ?3 FROM n",
            (first, count, end.as_millis()),
        )
        .unwrap();
}

#[test]
fn a_grant_with_very_many_tokens_goes_piece_by_piece_and_what_was_begun_is_taken_up() {
    let world = with_a_grant();
    fill(&world, 1, 10_000, START);
    world
        .connection()
        .execute(
            "UPDATE grants SET ended_at = ?1, end_cause = 'revoked'",
            [START.as_millis()],
        )
        .unwrap();
    world.advance(DAY + DAY);

    let mut pieces = 0;
    let begun = world
        .server
        .prune_beside(DAY, |_| {
            pieces += 1;
            pieces < 3
        })
        .unwrap();
    assert!(
        (1..=1500).contains(&begun.changed),
        "{} in three pieces",
        begun.changed
    );
    assert_eq!(world.count("grants"), 1, "what is left of it is still known");

    let rest = world
        .server
        .prune_beside(DAY, |_| {
            pieces += 1;
            true
        })
        .unwrap();
    assert_eq!(begun.changed + rest.changed, 10_000);
    assert!(pieces >= 10_000 / 500, "{pieces} pieces");
    assert_eq!((world.count("tokens"), world.count("grants")), (0, 0));
    let by = "SELECT group_concat(actor_kind) FROM audit WHERE action = 'token.prune'";
    assert_eq!(world.value::<String>(by), "program,program");
}

#[test]
fn what_ended_more_recently_than_is_kept_stays() {
    let world = with_a_grant();
    fill(&world, 1, 10, START);
    fill(&world, 11, 10, START.after(DAY));
    world.advance(DAY + DAY - Duration::from_millis(1));
    assert_eq!(world.server.prune_beside(DAY, |_| true).unwrap().changed, 10);
    assert_eq!(world.count("tokens"), 10);
}

#[test]
fn tokens_that_come_and_go_do_not_make_the_file_grow() {
    let world = with_a_grant();
    let pages = || -> i64 { world.value("PRAGMA page_count") };
    let mut sizes = Vec::new();
    for round in 0..5_i64 {
        let now = world.server.instant();
        fill(&world, round * 10_000 + 1, 10_000, now);
        sizes.push(pages());
        world.advance(DAY);
        // One that lives keeps the grant.
        fill(&world, 1_000_000 + round, 1, now.after(3650 * DAY));
        world.server.prune_beside(DAY, |_| true).unwrap();
    }
    assert_eq!(world.count("tokens"), 5);
    // Once, because deleted rows leave some room in pages that are not quite empty.
    let (second, last) = (sizes[1], sizes[4]);
    assert!(last * 100 <= second * 103, "pages: {sizes:?}");
}

#[test]
fn a_write_ahead_log_that_had_to_grow_is_cut_again() {
    let world = with_a_grant();
    let log = || {
        std::fs::metadata(world.path().with_extension("db-wal"))
            .unwrap()
            .len()
    };
    {
        // Whoever reads an old state keeps the log from being used again.
        let reader = world.connection();
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM tokens")
            .unwrap();
        for round in 0..12 {
            fill(&world, round * 20_000 + 1, 20_000, START);
        }
        assert!(log() > 24 * 1024 * 1024, "{}", log());
        reader.execute_batch("COMMIT").unwrap();
    }
    world.advance(DAY);
    world.server.prune_beside(Duration::ZERO, |_| true).unwrap();
    assert!(log() <= 16 * 1024 * 1024, "{}", log());
}

#[test]
fn a_code_that_was_exchanged_is_kept_as_long_as_its_grant_so_that_its_replay_is_noticed() {
    let world = World::new();
    let shop = world.shop();
    let code = world.approve(&shop);
    let tokens = world.exchange(&shop, &code).unwrap();
    world.advance(DAY);
    world.server.prune_beside(Duration::ZERO, |_| true).unwrap();
    assert!(world.exchange(&shop, &code).is_err());
    let refused = world.refresh(&shop, tokens.refresh());
    assert!(refused.is_err(), "the replay has ended the grant: {refused:?}");
}
