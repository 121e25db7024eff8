//! A database that cannot be used: one sentence that says which and what to do, exit code 1, nothing overwritten.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rusqlite::Connection;

use crate::harness::{Cli, Home};

#[test]
fn it_is_made_for_its_owner_alone() {
    let home = Home::new();
    home.json("client list");
    assert_eq!(home.files(), ["oauthctl.db"]);
    let mode = fs::metadata(home.join("oauthctl.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Runs commands that read, write and serve on the database `name`: all must fail alike and leave it as it was.
#[track_caller]
fn refused(home: &Home, name: &str, message: &str) {
    let before = fs::read(home.join(name)).ok();
    for args in [
        "client list",
        "scope define mail --folder mail",
        "serve --listen 127.0.0.1:0",
    ] {
        Cli::new(home)
            .args(args.split(' '))
            .args(["--database", name])
            .stderr(&format!("error: {message}\n"))
            .code(1)
            .run();
    }
    assert_eq!(fs::read(home.join(name)).ok(), before);
}

fn not_ours(name: &str, reason: &str) -> String {
    format!(
        "{name} is not a database of oauthctl: {reason}; nothing was changed, name another file with --database"
    )
}

#[test]
fn not_a_database() {
    let home = Home::new();
    home.write("notes.txt", "SQLite format 4 is what I want\n");
    refused(
        &home,
        "notes.txt",
        &not_ours("notes.txt", "it is not a SQLite database"),
    );
    fs::create_dir(home.join("folder")).unwrap();
    refused(&home, "folder", &not_ours("folder", "it is not a regular file"));
    symlink("/dev/null", home.join("null")).unwrap();
    refused(&home, "null", &not_ours("null", "it is not a regular file"));
    assert_eq!(home.files(), ["folder", "notes.txt", "null"]);
}

#[test]
fn a_database_of_another_program() {
    let home = Home::new();
    for (name, sql) in [
        ("tables.db", "CREATE TABLE bookmarks (url TEXT)"),
        ("id.db", "PRAGMA application_id = 7; CREATE TABLE a (b)"),
    ] {
        Connection::open(home.join(name))
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        refused(
            &home,
            name,
            &not_ours(name, "it is a database of another program"),
        );
    }
}

#[test]
fn a_newer_database_and_a_damaged_one() {
    for (sql, message) in [
        (
            "PRAGMA user_version = 99",
            "the database oauthctl.db has schema version 99, and this oauthctl knows versions up to 5; use a newer \
             oauthctl",
        ),
        (
            "DROP TABLE probe",
            "the database oauthctl.db is damaged: the table probe is missing; restore a backup",
        ),
        (
            "DROP INDEX tokens_by_end",
            "the database oauthctl.db is damaged: the index tokens_by_end is missing; restore a backup",
        ),
        (
            "PRAGMA user_version = -1",
            &not_ours("oauthctl.db", "its schema version is negative"),
        ),
    ] {
        let home = Home::with_client();
        let connection = Connection::open(home.join("oauthctl.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        refused(&home, "oauthctl.db", message);
    }
}

#[test]
fn a_file_with_nonsense_in_it() {
    let home = Home::with_client();
    let mut bytes = fs::read(home.join("oauthctl.db")).unwrap();
    bytes.truncate(4096);
    home.write("short.db", &bytes);
    refused(
        &home,
        "short.db",
        "the database short.db is damaged: database disk image is malformed; restore a backup",
    );
    let connection = Connection::open(home.join("oauthctl.db")).unwrap();
    connection
        .execute_batch("UPDATE clients SET client_id = 'orders web'")
        .unwrap();
    drop(connection);
    Cli::new(&home)
        .args(["client", "list"])
        .stderr(
            "error: ./oauthctl.db: the database is damaged: table clients, column client_id: 1 to 255 printable ASCII \
             characters without space are expected; restore a backup\n",
        )
        .code(1)
        .run();
}

#[test]
fn a_directory_that_is_not_there() {
    let home = Home::new();
    refused(
        &home,
        "no/such/oauthctl.db",
        "cannot create the database no/such/oauthctl.db: the directory no/such does not exist; create it, or name \
         another file with --database",
    );
    assert!(home.files().is_empty());
}

#[test]
fn a_database_that_another_process_holds() {
    let home = Home::with_client();
    let connection = Connection::open(home.join("oauthctl.db")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    Cli::new(&home)
        .args("scope define mail --folder mail".split(' '))
        .env("OAUTHCTL_DATABASE_BUSY_TIMEOUT", "0s")
        .stderr(
            "error: ./oauthctl.db: the database is busy: another process has held it for too long; try again\n",
        )
        .code(1)
        .run();
    // Whoever reads does not wait for whoever writes.
    Cli::new(&home)
        .args(["client", "list", "-o", "id"])
        .env("OAUTHCTL_DATABASE_BUSY_TIMEOUT", "0s")
        .stdout("orders-web\n")
        .run();
}
