//! Every question that the contract's selectors ask of tokens and grants is answered by an index.

use crate::support::World;

/// The parts of the plan for a statement, as SQLite words them.
fn plan(world: &World, sql: &str) -> Vec<String> {
    let connection = world.connection();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let parameters = statement.parameter_count();
    let rows = statement
        .query_map(rusqlite::params_from_iter(vec![1; parameters]), |row| {
            row.get::<_, String>("detail")
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// Whether a part reads one of the tables that grow from end to end.
fn is_full_scan(part: &str) -> bool {
    let mut words = part.split_whitespace();
    let scanned = words.next() == Some("SCAN")
        && words.next().is_some_and(|table| {
            [
                "tokens",
                "grants",
                "authorization_codes",
                "sessions",
                "grant_scopes",
            ]
            .contains(&table)
        });
    // The index of refresh tokens holds nothing but what is asked for.
    scanned && !part.contains("INDEX refresh_tokens")
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, a line or two for each selector")]
fn no_selector_reads_a_table_from_end_to_end() {
    let world = World::new();
    let columns = "SELECT token_key, kind, grant_key, tokens.scope, issued_at, expires_at, last_used_at";
    let cases = [
        (
            "by client",
            format!(
                "{columns} FROM tokens JOIN grants USING (grant_key) JOIN clients USING (client_key) \
                 WHERE client_id = ?1"
            ),
            &["INDEX grants_by_client", "INDEX tokens_by_grant"][..],
        ),
        (
            "by resource owner",
            format!(
                "{columns} FROM tokens JOIN grants USING (grant_key) JOIN resource_owners USING (owner_key) \
                 WHERE username = ?1"
            ),
            &["INDEX grants_by_owner", "INDEX tokens_by_grant"],
        ),
        (
            "by scope",
            format!(
                "{columns} FROM tokens JOIN grant_scopes USING (grant_key) WHERE grant_scopes.scope = ?1 \
                 AND (tokens.scope IS NULL OR ' ' || tokens.scope || ' ' LIKE '% ' || ?1 || ' %')"
            ),
            &["grant_scopes USING PRIMARY KEY (scope=?)", "INDEX tokens_by_grant"],
        ),
        (
            "refresh tokens",
            format!("{columns} FROM tokens WHERE kind = 'refresh' ORDER BY token_key"),
            &["INDEX refresh_tokens"],
        ),
        (
            "refresh tokens, page by page",
            format!("{columns} FROM tokens WHERE kind = 'refresh' AND token_key > ?1 ORDER BY token_key LIMIT 100"),
            &["tokens USING"],
        ),
        (
            "access tokens, page by page",
            format!("{columns} FROM tokens WHERE kind = 'access' AND token_key > ?1 ORDER BY token_key LIMIT 100"),
            &["tokens USING INTEGER PRIMARY KEY (rowid>?)"],
        ),
        (
            "older than",
            format!("{columns} FROM tokens WHERE token_key < ?1 ORDER BY token_key"),
            &["tokens USING INTEGER PRIMARY KEY (rowid<?)"],
        ),
        (
            "unused for",
            format!("{columns} FROM tokens WHERE coalesce(last_used_at, issued_at) <= ?1"),
            &["INDEX tokens_by_use"],
        ),
        (
            "expired",
            format!("{columns} FROM tokens WHERE expires_at <= ?1"),
            &["INDEX tokens_by_end"],
        ),
        (
            "by identifier",
            format!("{columns} FROM tokens WHERE token_key IN (?1, ?2, ?3)"),
            &["tokens USING INTEGER PRIMARY KEY (rowid=?)"],
        ),
        (
            "grants of a client",
            "SELECT grant_key FROM grants JOIN clients USING (client_key) WHERE client_id = ?1".to_owned(),
            &["INDEX grants_by_client"],
        ),
        (
            "grants of a resource owner",
            "SELECT grant_key FROM grants JOIN resource_owners USING (owner_key) WHERE username = ?1".to_owned(),
            &["INDEX grants_by_owner"],
        ),
        (
            "grants with a scope",
            "SELECT grants.scope FROM grants JOIN grant_scopes USING (grant_key) WHERE grant_scopes.scope = ?1"
                .to_owned(),
            &["grant_scopes USING PRIMARY KEY (scope=?)"],
        ),
        (
            "codes that have expired, for pruning",
            "DELETE FROM authorization_codes WHERE expires_at <= ?1".to_owned(),
            &["INDEX authorization_codes_by_end"],
        ),
        (
            "sessions that have ended, for pruning",
            "DELETE FROM sessions WHERE expires_at <= ?1".to_owned(),
            &["INDEX sessions_by_end"],
        ),
        (
            "a grant that nothing refers to, for pruning",
            "DELETE FROM grants WHERE grant_key < ?1 \
             AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.grant_key = grants.grant_key) \
             AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.grant_key = grants.grant_key)"
                .to_owned(),
            &["INDEX tokens_by_grant", "INDEX authorization_codes_by_grant"],
        ),
    ];
    for (selector, sql, expected) in cases {
        let plan = plan(&world, &sql);
        assert!(
            !plan.iter().any(|part| is_full_scan(part)),
            "{selector}: {plan:?}"
        );
        for part in expected {
            assert!(
                plan.iter().any(|found| found.contains(part)),
                "{selector}: no `{part}` in {plan:?}"
            );
        }
    }
}

#[test]
fn a_question_without_an_index_is_recognised_as_a_full_scan() {
    let world = World::new();
    for sql in [
        "SELECT * FROM tokens WHERE issued_at < ?1",
        "SELECT * FROM grants WHERE created_at < ?1",
        "SELECT grant_key FROM tokens",
    ] {
        let plan = plan(&world, sql);
        assert!(plan.iter().any(|part| is_full_scan(part)), "{sql}: {plan:?}");
    }
}
