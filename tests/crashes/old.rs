//! Databases of earlier versions: brought up to date whatever gets in between, with all that they held; a newer one is
//! refused and left as it was.

use std::collections::BTreeMap;
use std::fs;

use nix::errno::Errno;
use oauthctl::store::SCHEMA_VERSION;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::commands::{Story, nothing};
use crate::control::{ALL, Failure, WRITE};
use crate::site::Site;

/// Every schema version but the newest.
const OLD: [(&str, &str); 3] = [
    ("migration from 1", include_str!("../../fixtures/schema-1.sql")),
    ("migration from 2", include_str!("../../fixtures/schema-2.sql")),
    ("migration from 3", include_str!("../../fixtures/schema-3.sql")),
];

/// A site with the database that this dump makes.
fn loaded(dump: &str) -> Site {
    let site = Site::empty();
    site.put(b"");
    let database = Connection::open(site.database()).unwrap();
    database.execute_batch(dump).unwrap();
    // As the program that it is of left it.
    database
        .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
        .unwrap();
    drop(database);
    assert_eq!(site.files(), ["oauthctl.db"]);
    site
}

type Rows = Vec<Vec<Value>>;

/// All rows of all tables, with the columns that are named for a table or else all that it has; and the schema.
fn content(site: &Site, columns: &BTreeMap<String, String>) -> (Vec<String>, BTreeMap<String, Rows>) {
    let database = Connection::open(site.database()).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let schema = texts("SELECT type || ' ' || name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
        .iter()
        .map(|sql| sql.split_whitespace().collect::<Vec<_>>().join(" "))
        .chain(texts(
            "SELECT CAST(user_version AS TEXT) FROM pragma_user_version",
        ))
        .collect();
    let tables =
        texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1");
    let rows = |table: &String| -> Rows {
        let columns = columns.get(table).map_or("*", String::as_str);
        let mut statement = database
            .prepare(&format!("SELECT {columns} FROM {table}"))
            .unwrap();
        let count = statement.column_count();
        let rows = statement.query_map([], |row| (0..count).map(|column| row.get(column)).collect());
        let mut rows: Rows = rows.unwrap().map(Result::unwrap).collect();
        rows.sort_by_key(|row| format!("{row:?}"));
        rows
    };
    (
        schema,
        tables.iter().map(|table| (table.clone(), rows(table))).collect(),
    )
}

fn story((name, dump): (&'static str, &'static str)) -> Story<(Vec<String>, BTreeMap<String, Rows>)> {
    Story {
        name,
        arguments: vec!["scope", "list", "-o", "json"],
        begin: Box::new(move || loaded(dump)),
        end: |site| content(site, &BTreeMap::new()),
        between: nothing,
    }
}

#[test]
fn a_migration_that_was_killed_can_be_repeated() {
    for old in OLD {
        story(old).killed(4);
    }
}

#[test]
fn a_migration_outlives_a_power_cut() {
    for old in OLD {
        story(old).cut(3);
    }
}

#[test]
fn a_migration_whose_calls_fail_changes_nothing_and_can_be_repeated() {
    for old in OLD {
        story(old).failed(ALL, Failure::Error(Errno::EIO), 1, 4);
        story(old).failed(WRITE, Failure::Short(Errno::ENOSPC), u64::MAX >> 1, 2);
    }
}

/// Everything that an old database held is in the new one, value by value.
#[test]
fn a_migration_keeps_what_was_there() {
    for (name, dump) in OLD {
        let site = loaded(dump);
        let database = Connection::open(site.database()).unwrap();
        let mut columns = BTreeMap::new();
        let mut statement = database
            .prepare(
                "SELECT m.name, group_concat(c.name) FROM sqlite_schema m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' GROUP BY m.name",
            )
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        columns.extend(rows.map(Result::unwrap));
        drop(statement);
        drop(database);
        let (_, before) = content(&site, &columns);
        assert!(site.run(&["scope", "list"]).status.success());
        let (_, after) = content(&site, &columns);
        assert!(
            before.values().map(Vec::len).sum::<usize>() > 20,
            "{name} is no test"
        );
        for (table, rows) in before {
            assert_eq!(rows, after[&table], "{name}, {table}");
        }
    }
}

/// A newer program was killed: what it wrote last stands in its log. Whoever is too old for it leaves both as they are.
#[test]
fn a_newer_database_is_left_byte_for_byte_as_it_was() {
    for log in [false, true] {
        let newer = Site::furnished();
        let source = Connection::open(newer.database()).unwrap();
        source
            .execute_batch("PRAGMA user_version = 99; CREATE TABLE invented_later (a); INSERT INTO invented_later VALUES (1)")
            .unwrap();
        if !log {
            source
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .unwrap();
        }
        let site = Site::empty();
        for name in ["oauthctl.db", "oauthctl.db-wal"] {
            site.write(name, &fs::read(newer.path().join(name)).unwrap());
        }
        drop(source);
        let read = || {
            let files = ["oauthctl.db", "oauthctl.db-wal"]
                .map(|name| fs::read(site.path().join(name)).unwrap_or_default());
            files.map(|content| (content.len(), content))
        };
        let before = read();
        assert_eq!(before[1].0 > 0, log);
        for arguments in [
            &["client", "list"][..],
            &["scope", "define", "mail", "--folder", "mail"],
            &["serve", "--listen", "127.0.0.1:0"],
            &["backup", "copy.db"],
            &["token", "prune", "--yes"],
        ] {
            let ran = site.run(arguments);
            ran.assert_refused();
            let told = format!(
                "has schema version 99, and this oauthctl knows versions up to {SCHEMA_VERSION}; use a newer oauthctl"
            );
            assert!(ran.stderr.contains(&told), "{ran:?}");
            assert!(read() == before, "{arguments:?} changed it, with a log: {log}");
        }
        let ran = site.run(&["doctor"]);
        assert_eq!(ran.status.code(), Some(6), "{ran:?}");
        assert!(read() == before, "doctor changed it, with a log: {log}");
    }
}
