//! The file: how it is made, which files are refused, and what two processes on one file see.
//!
//! The bytes of a file are read only while no connection to it is open: closing a file takes away every lock that the
//! process holds on it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oauthctl::clock::Timestamp;
use oauthctl::domain::coverage::Coverage;
use oauthctl::domain::scope::Scope;
use oauthctl::store::{SCHEMA_VERSION, Store, StoreError, StoreOptions, WriteTransaction};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{START, World, assert_whole, at_once, store_options};

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(store_options(path.to_owned()))
}

/// Opens with little patience for whoever else holds the file.
fn open_impatiently(path: &Path) -> Result<Store, StoreError> {
    Store::open(StoreOptions {
        busy_timeout: Duration::from_millis(20),
        ..store_options(path.to_owned())
    })
}

fn insert_scope(name: &str) -> impl FnOnce(&WriteTransaction<'_>) -> Result<(), StoreError> + Send + 'static {
    let scope = Scope {
        token: name.parse().unwrap(),
        description: "A scope".parse().unwrap(),
        coverage: Coverage::default(),
        created_at: Timestamp::from_millis(0),
    };
    move |tx| tx.insert_scope(&scope)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every file of a directory, with what is in it.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let bytes = path.is_file().then(|| fs::read(&path).unwrap());
            (path, bytes)
        })
        .collect()
}

/// Opens the file `oauthctl.db` that `prepare` made, which must fail and change nothing. The message, with `FILE` and
/// `DIRECTORY` for the paths.
#[track_caller]
fn refusal(prepare: impl FnOnce(&Path)) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oauthctl.db");
    prepare(&path);
    refusal_of(&directory, &path)
}

#[track_caller]
fn refusal_of(directory: &TempDir, path: &Path) -> String {
    let before = contents(directory.path());
    let error = open(path).expect_err("the file is refused");
    assert_eq!(
        contents(directory.path()),
        before,
        "something was changed: {error}"
    );
    error
        .to_string()
        .replace(path.to_str().unwrap(), "FILE")
        .replace(directory.path().to_str().unwrap(), "DIRECTORY")
}

/// A healthy database, closed, but for what `sql` does to it.
fn healthy(path: &Path, sql: &str) {
    drop(open(path).unwrap());
    alter(path, sql);
}

fn alter(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"))
        .unwrap();
}

#[test]
fn a_new_file_and_those_beside_it_are_readable_for_their_owner_alone() {
    let world = World::new();
    for suffix in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{suffix}", world.path().display()));
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_file_that_is_there_keeps_its_mode() {
    let world = World::new();
    let path = world.path();
    set_mode(&path, 0o640);
    let _second = world.second_server();
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn a_file_is_opened_again_with_all_that_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oauthctl.db");
    let store = open(&path).unwrap();
    assert_eq!(store.path(), path);
    store.write(insert_scope("orders")).unwrap();
    drop(store);
    let store = open(&path).unwrap();
    let scopes = store.read(|tx| tx.scopes()).unwrap();
    assert_eq!(scopes.len(), 1);
    assert_eq!(scopes[0].token.as_str(), "orders");
}

#[test]
fn an_empty_file_is_taken_for_a_new_one() {
    // A process that was stopped between making the file and filling it leaves one behind.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oauthctl.db");
    fs::write(&path, "").unwrap();
    let store = open(&path).unwrap();
    store.write(insert_scope("orders")).unwrap();
    assert_whole(&Connection::open(&path).unwrap());
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    const NOT_SQLITE: &str = "FILE is not a database of oauthctl: it is not a SQLite database; nothing was changed, \
                              name another file with --database";
    let long = b"[server]\nlisten = \"127.0.0.1:8080\"\n".repeat(1000);
    let cases: [(&str, &[u8]); 6] = [
        ("one byte", b"x"),
        ("a short text", b"[server]\n"),
        ("a long text", &long),
        ("zeros", &[0; 8192]),
        ("nothing but the header of a database", b"SQLite format 3\0"),
        (
            "a header and nonsense behind it",
            b"SQLite format 3\0xxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
    ];
    for (what, bytes) in cases {
        assert_eq!(
            refusal(|path| fs::write(path, bytes).unwrap()),
            NOT_SQLITE,
            "{what}"
        );
    }
}

#[test]
fn what_is_no_file_is_refused() {
    assert_eq!(
        refusal(|path| fs::create_dir(path).unwrap()),
        "FILE is not a database of oauthctl: it is not a regular file; nothing was changed, name another file with \
         --database"
    );
}

#[test]
fn a_database_of_another_program_is_refused() {
    const OTHER: &str = "FILE is not a database of oauthctl: it is a database of another program; nothing was \
                         changed, name another file with --database";
    for sql in [
        "CREATE TABLE notes (text TEXT)",
        "CREATE VIEW one AS SELECT 1",
        "PRAGMA application_id = 1",
        "PRAGMA application_id = 1; PRAGMA user_version = 1; CREATE TABLE clients (name TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT)",
    ] {
        assert_eq!(refusal(|path| alter(path, sql)), OTHER, "{sql}");
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let newer = SCHEMA_VERSION + 1;
    let message = format!(
        "the database FILE has schema version {newer}, and this oauthctl knows versions up to {SCHEMA_VERSION}; use a \
         newer oauthctl"
    );
    let upgrade = format!("CREATE TABLE news (text TEXT); PRAGMA user_version = {newer}");
    assert_eq!(refusal(|path| healthy(path, &upgrade)), message);
    // A newer version may have dropped what this one knows.
    let other = format!("DROP TABLE tokens; PRAGMA user_version = {newer}");
    assert_eq!(refusal(|path| healthy(path, &other)), message);
}

#[test]
fn a_database_with_a_version_that_never_was_is_refused() {
    assert_eq!(
        refusal(|path| healthy(path, "PRAGMA user_version = -1")),
        "FILE is not a database of oauthctl: its schema version is negative; nothing was changed, name another file \
         with --database"
    );
}

#[test]
fn a_database_that_misses_a_table_or_an_index_is_refused_and_told_which() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole.db");
    healthy(&whole, "");
    let connection = Connection::open(&whole).unwrap();
    let mut statement = connection
        .prepare("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
        .unwrap();
    let objects: Vec<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(objects.len() > 25, "all tables and indexes: {objects:?}");
    for (kind, name) in objects {
        let message = refusal(|path| healthy(path, &format!("DROP {kind} {name}")));
        assert_eq!(
            message,
            format!("the database FILE is damaged: the {kind} {name} is missing; restore a backup")
        );
    }
}

#[test]
fn a_database_that_was_cut_off_is_refused() {
    let message = refusal(|path| {
        healthy(path, "");
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert_eq!(
        message,
        "the database FILE is damaged: database disk image is malformed; restore a backup"
    );
}

#[test]
fn a_directory_that_does_not_exist_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/oauthctl.db");
    assert_eq!(
        refusal_of(&directory, &path),
        "cannot create the database FILE: the directory DIRECTORY/missing does not exist; create it, or name another \
         file with --database"
    );
    // The superuser is refused by this too, whatever the modes say.
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(
        refusal_of(&directory, &file.join("oauthctl.db")),
        "cannot open the database FILE: Not a directory (os error 20)"
    );
}

/// Whether this process is refused what a mode forbids. The superuser is not.
fn modes_bind_us() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("read-only");
    fs::write(&path, "").unwrap();
    set_mode(&path, 0o400);
    fs::OpenOptions::new().write(true).open(&path).is_err()
}

/// Runs one test of this binary again, as somebody whom modes bind; `None` where this machine does not allow it.
fn as_nobody(test: &str) -> Option<Output> {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    // The binary may stand where nobody else can reach it.
    let binary = directory.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    set_mode(&binary, 0o755);
    Command::new(&binary)
        .args(["--exact", test])
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .ok()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn what_cannot_be_written_is_refused() {
    const READ_ONLY: &str =
        "the database cannot be written; check the owner and the mode of the file and of its directory";
    if !modes_bind_us() {
        let Some(output) = as_nobody("store::what_cannot_be_written_is_refused") else {
            eprintln!(
                "skipped: modes do not bind the superuser, and this process may not become somebody else"
            );
            return;
        };
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{stdout}");
        assert!(stdout.contains("1 passed"), "{stdout}");
        return;
    }
    let cases: [(&str, u32, u32, &str); 3] = [
        ("a file that may not be written", 0o400, 0o700, READ_ONLY),
        ("a directory that may not be written", 0o600, 0o500, READ_ONLY),
        (
            "a file that may not even be read",
            0o000,
            0o700,
            "cannot open the database FILE: Permission denied (os error 13)",
        ),
    ];
    for (what, file_mode, directory_mode, message) in cases {
        for journal in ["WAL", "DELETE"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("oauthctl.db");
            healthy(&path, &format!("PRAGMA journal_mode = {journal}"));
            let before = fs::read(&path).unwrap();
            set_mode(&path, file_mode);
            set_mode(directory.path(), directory_mode);
            let refused = open(&path);
            set_mode(directory.path(), 0o700);
            set_mode(&path, 0o600);
            let error = refused.expect_err(what).to_string();
            assert_eq!(
                error.replace(path.to_str().unwrap(), "FILE"),
                message,
                "{what}, {journal}"
            );
            assert_eq!(fs::read(&path).unwrap(), before, "{what}, {journal}");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o500);
    assert_eq!(
        refusal_of(&directory, &directory.path().join("oauthctl.db")),
        "cannot open the database FILE: Permission denied (os error 13)",
        "no file can be made"
    );
}

#[test]
fn eight_threads_open_a_new_file_at_once() {
    for _ in 0..12 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oauthctl.db");
        let stores = at_once(8, |number| {
            let store = open(&path).unwrap();
            store.write(insert_scope(&format!("scope{number}"))).unwrap();
            store
        });
        for store in &stores {
            assert_eq!(store.read(|tx| tx.scopes()).unwrap().len(), 8);
        }
        assert_eq!(mode(&path), 0o600);
        assert_whole(&Connection::open(&path).unwrap());
    }
}

#[test]
fn several_processes_open_a_new_file_at_once() {
    for _ in 0..4 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oauthctl.db");
        let outputs = at_once(6, |_| {
            Command::new(env!("CARGO_BIN_EXE_oauthctl"))
                .args(["client", "list", "--output", "json", "--database"])
                .arg(&path)
                .current_dir(directory.path())
                .output()
                .unwrap()
        });
        for output in outputs {
            assert!(output.status.success(), "{output:?}");
            assert_eq!(output.stdout.trim_ascii(), b"[]");
        }
        assert_whole(&Connection::open(&path).unwrap());
    }
}

#[test]
fn opening_waits_for_whoever_holds_the_file_and_gives_up_in_the_end() {
    // SQLite itself waits for the first and not for the second, when it switches the journal.
    for hold in ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oauthctl.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch(hold).unwrap();
        let refused = open_impatiently(&path);
        assert!(matches!(refused, Err(StoreError::Busy)), "{hold}: {refused:?}");
        let opened = std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(&path));
            // So that it finds the file held; where it comes later, it succeeds all the same.
            std::thread::sleep(Duration::from_millis(200));
            other.execute_batch("ROLLBACK").unwrap();
            opening.join().unwrap()
        });
        opened.unwrap().write(insert_scope("orders")).unwrap();
    }
}

#[test]
fn a_file_is_recognised_at_one_moment_while_another_process_fills_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oauthctl.db");
    let ours: i64 = {
        let other = directory.path().join("other.db");
        healthy(&other, "");
        let connection = Connection::open(other).unwrap();
        connection
            .query_row("PRAGMA application_id", [], |row| row.get(0))
            .unwrap()
    };
    // Empty or filled, it is of a newer version, and so left alone. Seen half-way, it would be another program's.
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA user_version = 1000")
        .unwrap();
    other.busy_timeout(Duration::from_secs(30)).unwrap();
    let done = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while !done.load(Ordering::SeqCst) {
                for change in [
                    format!("PRAGMA application_id = {ours}; CREATE TABLE clients (name TEXT)"),
                    "PRAGMA application_id = 0; DROP TABLE clients".to_owned(),
                ] {
                    other
                        .execute_batch(&format!("BEGIN IMMEDIATE; {change}; COMMIT"))
                        .unwrap();
                }
            }
        });
        let unexpected = (0..2000)
            .map(|_| open(&path))
            .find(|refused| !matches!(refused, Err(StoreError::TooNew { found: 1000, .. })));
        done.store(true, Ordering::SeqCst);
        assert!(unexpected.is_none(), "{unexpected:?}");
    });
}

#[test]
fn a_write_that_another_process_keeps_out_is_busy_and_reading_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oauthctl.db");
    let store = open_impatiently(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.write(insert_scope("orders"));
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    assert!(store.read(|tx| tx.scopes()).unwrap().is_empty());
    open_impatiently(&path).expect("a file that is up to date opens while somebody writes");
    other.execute_batch("ROLLBACK").unwrap();
    store.write(insert_scope("orders")).unwrap();
    assert_eq!(store.read(|tx| tx.scopes()).unwrap().len(), 1);
}

#[test]
fn a_read_sees_one_moment() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("oauthctl.db")).unwrap();
    store.write(insert_scope("before")).unwrap();
    let counts = store.read(|tx| {
        let first = tx.scopes()?.len();
        store.write(insert_scope("meanwhile"))?;
        Ok::<_, StoreError>((first, tx.scopes()?.len()))
    });
    assert_eq!(counts.unwrap(), (1, 1));
    assert_eq!(store.read(|tx| tx.scopes()).unwrap().len(), 2);
}

#[test]
fn what_is_refused_within_a_transaction_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("oauthctl.db")).unwrap();
    let refused = store.write(|tx| {
        insert_scope("half")(tx)?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(matches!(refused, Err(StoreError::Closed)));
    assert!(store.read(|tx| tx.scopes()).unwrap().is_empty());
}

#[test]
fn an_acknowledged_write_is_seen_by_another_process_at_once() {
    let world = World::new();
    let second = world.second_server();
    world.client("first", |_| {});
    assert_eq!(second.clients().unwrap().len(), 1);
    assert_eq!(world.count("clients"), 1);
    assert_eq!(world.value::<String>("PRAGMA journal_mode"), "wal");
    assert_eq!(
        world.value::<i64>("SELECT created_at FROM clients"),
        START.as_millis()
    );
}

#[test]
fn health_is_found_out_by_reading_and_writing() {
    let world = World::new();
    world.server.is_ready().unwrap();
    assert_eq!(world.value::<i64>("SELECT writes FROM probe"), 1);
}

#[test]
fn a_value_that_the_program_would_never_have_written_is_an_error_that_names_its_place() {
    let cases = [
        ("UPDATE clients SET client_id = 'a b'", "clients", "client_id"),
        ("UPDATE clients SET name = ''", "clients", "name"),
        (
            "UPDATE clients SET access_token_lifetime = -1",
            "clients",
            "access_token_lifetime",
        ),
        (
            "UPDATE clients SET refresh_limit = -1",
            "clients",
            "refresh_limit",
        ),
        (
            "UPDATE client_redirect_uris SET redirect_uri = 'ftp://x'",
            "client_redirect_uris",
            "redirect_uri",
        ),
        ("UPDATE scopes SET scope = 'a b'", "scopes", "scope"),
    ];
    for (sql, table, column) in cases {
        let world = World::bare(|_| {});
        world.define_scope("orders", |coverage| {
            coverage.folders.insert("orders".parse().unwrap());
        });
        world.client("shop", |settings| settings.scopes = "orders".parse().unwrap());
        world.change(sql);
        let error = world.server.clients().unwrap_err().to_string();
        let start = format!("the database is damaged: table {table}, column {column}: ");
        assert!(
            error.starts_with(&start) && error.ends_with("; restore a backup"),
            "{sql}: {error}"
        );
    }
}
