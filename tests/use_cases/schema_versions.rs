//! Databases of earlier schema versions: each opens, is brought up to date, and works on.
//!
//! The fixtures hold hashes only; these are the values behind them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use oauthctl::domain::session::SessionCookie;
use oauthctl::store::{SCHEMA_VERSION, Store};
use rusqlite::Connection;

use crate::support::{Client, START, World, assert_invalid_grant, assert_whole, error_of, store_options};

const SHOP_SECRET: &str = "ocs_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";
const RESOURCE_SERVER: &str = "warehouse-66666666";
const RESOURCE_SERVER_SECRET: &str = "ocs_BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU";
const COOKIE: &str = "36vpvam00j289CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg";
/// For `orders place`; its grant was refreshed once.
const ACCESS_TOKEN: &str = "oat_36vpvaqx0y3rfDg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4";
const REFRESH_TOKEN: &str = "ort_36vpvaqx1248hEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA";
const SUCCESSOR: &str = "ort_36vpvasvh850m0xdmOnKocV-YU8pwh3tqq627cDUcm4j408Rg4Upmy4g";
const REVOKED_ACCESS_TOKEN: &str = "oat_36vpvasvh64rkEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhI";
const ACCESS_TOKEN_OF_ENDED_GRANT: &str = "oat_36vpvavt1p6rvGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGho";
const REFRESH_TOKEN_OF_ENDED_GRANT: &str = "ort_36vpvavt1t78xHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw";
const UNUSED_CODE: &str = "oac_36vpvazq00810Hx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8";

/// Every schema version there has been, as a dump of a database of that version.
const FIXTURES: [&str; 5] = [
    include_str!("../../fixtures/schema-1.sql"),
    include_str!("../../fixtures/schema-2.sql"),
    include_str!("../../fixtures/schema-3.sql"),
    include_str!("../../fixtures/schema-4.sql"),
    include_str!("../../fixtures/schema-5.sql"),
];

fn load(fixture: &str, path: &Path) {
    Connection::open(path).unwrap().execute_batch(fixture).unwrap();
}

/// What is in a schema, without the white space in which it is written.
fn schema(path: PathBuf) -> Vec<(String, String)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
        .unwrap();
    let objects = statement.query_map([], |row| {
        let sql: String = row.get(1)?;
        Ok((row.get(0)?, sql.split_whitespace().collect::<Vec<_>>().join(" ")))
    });
    objects.unwrap().map(Result::unwrap).collect()
}

#[test]
fn there_is_a_fixture_of_every_version() {
    assert_eq!(i64::try_from(FIXTURES.len()).unwrap(), SCHEMA_VERSION);
    for (fixture, version) in FIXTURES.into_iter().zip(1_i64..) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.db");
        load(fixture, &path);
        let connection = Connection::open(&path).unwrap();
        let found: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, version);
        assert_whole(&connection);
    }
}

#[test]
fn every_version_is_brought_to_the_schema_of_a_new_file() {
    for fixture in FIXTURES {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (directory.path().join("old.db"), directory.path().join("new.db"));
        load(fixture, &old);
        drop(Store::open(store_options(old.clone())).unwrap());
        drop(Store::open(store_options(new.clone())).unwrap());
        assert_eq!(schema(old.clone()), schema(new));
        let version: i64 = Connection::open(old)
            .unwrap()
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, SCHEMA_VERSION);
    }
}

#[test]
fn what_an_earlier_version_issued_is_still_good_and_what_it_revoked_is_not() {
    for fixture in FIXTURES {
        let world = World::on(|path| load(fixture, &path), |_| {});
        world.advance(Duration::from_secs(10));
        let shop = Client {
            id: "shop".to_owned(),
            secret: SHOP_SECRET.to_owned(),
        };
        let resource_server = Client {
            id: RESOURCE_SERVER.to_owned(),
            secret: RESOURCE_SERVER_SECRET.to_owned(),
        };

        assert!(world.works(ACCESS_TOKEN));
        let told = world.introspect(&resource_server, ACCESS_TOKEN).unwrap().unwrap();
        assert_eq!(told.scope.to_string(), "orders place");
        assert_eq!(told.username.as_str(), "alice");
        assert_eq!(told.issued_at, START.after(Duration::from_secs(2)));
        assert!(!world.works(REVOKED_ACCESS_TOKEN));
        assert!(!world.works(ACCESS_TOKEN_OF_ENDED_GRANT));
        assert_invalid_grant(world.refresh(&shop, REFRESH_TOKEN_OF_ENDED_GRANT));
        let mut thief = shop.clone();
        thief.secret.push('x');
        error_of(world.refresh(&thief, SUCCESSOR));

        let again = world.refresh(&shop, REFRESH_TOKEN).unwrap();
        assert_eq!(again.refresh(), SUCCESSOR);
        let next = world.refresh(&shop, SUCCESSOR).unwrap();
        assert!(world.works(&next.access));

        let tokens = world.exchange(&shop, UNUSED_CODE).unwrap();
        assert!(world.works(&tokens.access));
        assert_invalid_grant(world.exchange(&shop, UNUSED_CODE));
        assert!(!world.works(&tokens.access));

        let cookie = SessionCookie::parse(COOKIE).unwrap();
        assert!(world.server.signed_in(Some(&cookie)).unwrap().is_some());
        let account = world.server.account(Some(&cookie)).unwrap().unwrap();
        assert_eq!(account.approved.len(), 1);
        world.sign_in("alice");
        world.tokens(&shop);

        assert_invalid_grant(world.refresh(&shop, REFRESH_TOKEN));
        assert!(!world.works(ACCESS_TOKEN), "its reuse ends the old grant");
    }
}
