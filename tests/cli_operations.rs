//! `backup`, `doctor`, `config`, `audit`, `completions`, `man` and `example`, as a shell sees them.
#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oauthctl::authorization_server::{AuthorizationServer, ChainVerdict, Rules};
use oauthctl::clock::{Clock, SystemClock};
use oauthctl::domain::audit::{Action, Actor, Event, Source, Subject};
use oauthctl::domain::issuer::Issuer;
use oauthctl::entropy::OsEntropy;
use oauthctl::protocol::refresh::RetryWindow;
use oauthctl::store::{
    AuditSelector, BackupError, SCHEMA_VERSION, Store, StoreError, StoreOptions, back_up, is_up_to_date,
};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// A directory of its own, and a port at which nobody listens.
struct Place {
    directory: TempDir,
    /// Bound and not listening: whoever connects is refused, and nobody else gets the port.
    _reserved: Socket,
    port: u16,
}

#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Place {
    fn new() -> Self {
        let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        reserved
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        let port = reserved.local_addr().unwrap().as_socket().unwrap().port();
        Self {
            directory: TempDir::new().unwrap(),
            _reserved: reserved,
            port,
        }
    }

    /// With a scope, a client that has it, a resource server and a resource owner.
    fn furnished() -> Self {
        let place = Self::new();
        place.done("scope define orders:read --description Reading --folder orders");
        place.done(
            "client register --client-id orders-web --name Orders --redirect-uri https://a.example/cb \
             --scope orders:read --secret-file secret",
        );
        place.done("resource-server register api --secret-file api-secret");
        fs::write(place.path("password"), "correct horse battery staple\n").unwrap();
        let mut command = place.command("owner add alice --password-stdin");
        command.stdin(fs::File::open(place.path("password")).unwrap());
        assert_eq!(finish(&mut command).code, 0);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Arguments are split at blanks.
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("OAUTHCTL_SERVER_LISTEN", format!("127.0.0.1:{}", self.port))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &str) -> Ran {
        finish(&mut self.command(arguments))
    }

    /// As `run`, for a command that has to succeed.
    fn done(&self, arguments: &str) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments}: {ran:?}");
        ran
    }

    /// The database, past the program.
    fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path("oauthctl.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn options(&self, name: &str) -> StoreOptions {
        StoreOptions {
            path: self.path(name),
            busy_timeout: Duration::from_secs(30),
            readers: 2,
            waiting_writes: 256,
        }
    }

    /// What `doctor` finds of a check: its level, what, and what mends it.
    fn findings(&self, arguments: &str, check: &str) -> Vec<(String, String, Option<String>)> {
        let ran = self.run(&format!("{arguments} doctor -o json"));
        let findings = ran.json();
        let text = |finding: &Value, name: &str| finding[name].as_str().map(str::to_owned);
        let of_check = findings
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["check"] == check);
        of_check
            .map(|f| {
                (
                    text(f, "level").unwrap(),
                    text(f, "finding").unwrap(),
                    text(f, "fix"),
                )
            })
            .collect()
    }
}

fn finish(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn ran(code: i32, stdout: &str, stderr: &str) -> Ran {
    Ran {
        code,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, and where it listens.
fn serve(place: &Place, variables: &[(&str, &str)]) -> (Running, String) {
    let mut command = place.command("serve --listen 127.0.0.1:0");
    let mut child = command
        .envs(variables.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let running = Running(child);
    let mut lines = stderr.lines();
    let address = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("listening on http://")
                .map(str::to_owned)
        })
        .unwrap();
    // Read on, so that the server never waits for somebody to read.
    std::thread::spawn(move || lines.for_each(drop));
    (running, address)
}

// Settings

#[test]
fn config_show_tells_each_key_with_its_value_and_what_set_it() {
    let place = Place::new();
    fs::write(place.path("oauthctl.toml"), "[tokens]\ncode_lifetime = \"30s\"\n").unwrap();
    let ran = place.done("--database x.db config show -o json");
    assert_eq!(ran.stderr, "");
    let shown = ran.json();
    let of = |key: &str| {
        shown
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["key"] == key)
            .unwrap()
            .clone()
    };
    for (key, value, origin) in [
        ("tokens.code_lifetime", json!("30s"), "oauthctl.toml:2"),
        ("database.path", json!("x.db"), "--database"),
        ("database.readers", json!(8), "default"),
        (
            "server.listen",
            json!(format!("127.0.0.1:{}", place.port)),
            "OAUTHCTL_SERVER_LISTEN",
        ),
    ] {
        assert_eq!(of(key), json!({ "key": key, "value": value, "origin": origin }));
    }
    assert_eq!(shown.as_array().unwrap().len(), oauthctl::config::KEYS.len());
    let ids = place.done("config show -o id").stdout;
    assert!(ids.starts_with("server.listen\nserver.issuer\n"), "{ids}");
    assert_eq!(
        place.names(),
        ["oauthctl.toml"],
        "looking at settings makes no database"
    );
}

#[test]
fn config_check_says_whether_the_settings_can_be_used() {
    let place = Place::new();
    assert_eq!(
        place.run("config check"),
        ran(
            0,
            "ok: no configuration file, so defaults and the environment\n",
            ""
        )
    );
    fs::write(place.path("oauthctl.toml"), "[log]\nlevel = \"debug\"\n").unwrap();
    assert_eq!(place.run("config check"), ran(0, "ok: oauthctl.toml\n", ""));
    assert_eq!(
        place.run("config check -o jsonl"),
        ran(
            0,
            "{\"ok\":true,\"file\":\"oauthctl.toml\",\"reason\":null}\n",
            ""
        )
    );

    // What `serve` would not start with cannot be used either.
    for (settings, reason) in [
        (
            "listen = \"0.0.0.0:8455\"\nissuer = \"https://id.example\"",
            "0.0.0.0:8455 can be reached from other machines, and without TLS secrets would travel in clear",
        ),
        (
            "listen = \"0.0.0.0:8455\"\nissuer = \"https://id.example\"\nbehind_proxy = true\ntrusted_proxies = []",
            "name the address of the proxy in `trusted_proxies`",
        ),
        (
            "listen = \"127.0.0.1:8455\"\nhealth_listen = \"127.0.0.1:8455\"",
            "`server.health_listen` is 127.0.0.1:8455, where the server itself listens",
        ),
        (
            "[tls]\ncertificate = \"none.pem\"\nprivate_key = \"none.key\"",
            "none.pem: the certificate cannot be read",
        ),
    ] {
        fs::write(place.path("oauthctl.toml"), format!("[server]\n{settings}\n")).unwrap();
        let refused = finish(place.command("config check").env_remove("OAUTHCTL_SERVER_LISTEN"));
        assert_eq!((refused.code, refused.stdout.as_str()), (6, ""), "{settings}");
        assert!(refused.stderr.contains(reason), "{reason} in {}", refused.stderr);
    }

    fs::write(place.path("oauthctl.toml"), "[log]\nlevl = \"debug\"\n").unwrap();
    let reason = "oauthctl.toml:2: unknown key `log.levl`; did you mean `level`?";
    assert_eq!(
        place.run("config check"),
        ran(6, "", &format!("error: {reason}\n"))
    );
    let refused = place.run("config check -o json");
    assert_eq!(
        refused.json(),
        json!({ "ok": false, "file": null, "reason": reason })
    );
    assert_eq!((refused.code, refused.stderr), (6, format!("error: {reason}\n")));
    // Others say the same, as wrong usage.
    assert_eq!(
        place.run("config show"),
        ran(2, "", &format!("error: {reason}\n"))
    );
    assert_eq!(place.run("client list").code, 2);
    // And what needs no settings works.
    assert_eq!(place.run("completions bash").code, 0);
    assert_eq!(place.run("man").code, 0);
}

// Backup

#[test]
fn a_backup_is_a_new_file_for_its_owner_alone() {
    let place = Place::furnished();
    let before = place.names();
    let ran_once = place.done("backup copy.db -o json");
    assert_eq!(ran_once.stderr, "");
    let told = ran_once.json();
    let bytes = fs::metadata(place.path("copy.db")).unwrap().len();
    let pages = told["pages"].as_u64().unwrap();
    assert_eq!(
        told,
        json!({ "file": "copy.db", "bytes": bytes, "pages": pages, "checked": true })
    );
    assert_eq!(bytes, pages * 4096);
    assert_eq!(mode(&place.path("copy.db")), 0o600);

    let mut after = before;
    after.push("copy.db".to_owned());
    after.sort();
    assert_eq!(place.names(), after, "nothing else is left");

    let copied = fs::read(place.path("copy.db")).unwrap();
    assert_eq!(
        place.run("backup copy.db"),
        ran(
            4,
            "",
            "error: copy.db exists already, and a backup is never written over a file; name another one\n"
        )
    );
    assert_eq!(fs::read(place.path("copy.db")).unwrap(), copied);
    // The same goes for a name that leads nowhere.
    std::os::unix::fs::symlink("nowhere", place.path("link.db")).unwrap();
    assert_eq!(place.run("backup link.db").code, 4);
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing() {
    let place = Place::new();
    assert_eq!(
        place.run("backup copy.db"),
        ran(
            1,
            "",
            "error: there is no database ./oauthctl.db; name another one with --database\n"
        )
    );
    assert!(place.names().is_empty(), "{:?}", place.names());

    fs::write(
        place.path("oauthctl.db"),
        "not a database, but long enough to be one",
    )
    .unwrap();
    assert_eq!(place.run("backup copy.db").code, 1);
    assert_eq!(place.names(), ["oauthctl.db"]);

    let place = Place::furnished();
    let ran = place.run("backup missing/copy.db");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stderr.starts_with("error: cannot write missing/copy.db: "),
        "{ran:?}"
    );
    assert_eq!(place.run("backup").code, 2);

    // A copy that does not pass its check is not kept.
    place.sql("PRAGMA foreign_keys = OFF; DELETE FROM scopes");
    let before = place.names();
    let ran = place.run("backup copy.db");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("error: the copy does not pass its check, so the database is damaged: "),
        "{ran:?}"
    );
    assert_eq!(place.names(), before);
}

fn server_over(store: Store) -> AuthorizationServer {
    let rules = Rules {
        session_lifetime: Duration::from_secs(60),
        form_lifetime: Duration::from_secs(60),
        refresh_retry_window: RetryWindow::UntilSuccessorIsUsed,
        failures: 10,
        failures_per_address: 100,
        password_hashes: 1,
    };
    let issuer = Issuer::parse("http://127.0.0.1:8420").unwrap();
    AuthorizationServer::new(store, Arc::new(SystemClock), Arc::new(OsEntropy), rules, issuer)
}

fn append(store: &Store, note: &str) {
    let event = Event {
        at: SystemClock.now(),
        actor: Actor::Program,
        source: Source::CommandLine,
        action: Action::TokensPruned,
        subject: Subject::new("store", "tokens"),
        detail: serde_json::Map::from_iter([("note".to_owned(), note.into())]),
    };
    store.write(move |tx| tx.append_audit(&event)).unwrap();
}

fn entries(store: &Store) -> Vec<oauthctl::store::StoredAuditEntry> {
    store
        .read(|tx| tx.audit_entries(&AuditSelector::default(), 0, u32::MAX))
        .unwrap()
}

/// A database of more pages than are copied in one step.
fn large_store(place: &Place) -> Store {
    let store = Store::open(place.options("oauthctl.db")).unwrap();
    let note = "x".repeat(4000);
    for _ in 0..700 {
        append(&store, &note);
    }
    store
}

#[test]
fn a_backup_shows_the_moment_when_it_began_whatever_is_written_meanwhile() {
    let place = Place::new();
    let store = large_store(&place);
    let before = entries(&store);
    let mut steps = 0;
    let copy = back_up(
        &place.options("oauthctl.db"),
        &place.path("copy.db"),
        &mut |done, total| {
            assert!(done <= total, "{done} of {total}");
            steps += 1;
            // Each of these would start a copying without a snapshot anew.
            append(&store, "meanwhile");
            ControlFlow::Continue(())
        },
    );
    assert!(copy.unwrap().unwrap().pages > 256);
    assert!(steps > 2, "the database was copied in {steps} steps");
    assert_eq!(entries(&store).len(), before.len() + steps);
    let copy = Store::open(place.options("copy.db")).unwrap();
    assert_eq!(entries(&copy), before);
}

#[test]
fn a_backup_under_load_is_whole_and_can_be_put_in_the_place_of_the_database() {
    let place = Place::furnished();
    let store = Arc::new(large_store(&place));
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|number| {
            let (store, is_over) = (store.clone(), is_over.clone());
            std::thread::spawn(move || {
                let mut written = 0;
                while !is_over.load(Ordering::Relaxed) || written == 0 {
                    append(&store, &format!("{number}.{written}"));
                    written += 1;
                }
            })
        })
        .collect();
    for number in 0..3 {
        let at_least = store.read(|tx| tx.audit_head()).unwrap().0;
        place.done(&format!("backup copy{number}.db"));
        let copy = Store::open(place.options(&format!("copy{number}.db"))).unwrap();
        let copied = entries(&copy);
        assert!(copied.len() >= usize::try_from(at_least).unwrap());
        assert_eq!(entries(&store)[..copied.len()], copied[..]);
        let whole = ChainVerdict::Whole {
            entries: i64::try_from(copied.len()).unwrap(),
        };
        assert_eq!(server_over(copy).verify_audit(|_| ()).unwrap(), whole);
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    drop(store);

    // What `backup --help` says of restoring.
    let client = place.done("client show orders-web").stdout;
    place.done("backup kept.db");
    place.sql("UPDATE clients SET name = 'Changed since'");
    assert_ne!(place.done("client show orders-web").stdout, client);
    fs::create_dir(place.path("old")).unwrap();
    for name in place
        .names()
        .iter()
        .filter(|name| name.starts_with("oauthctl.db"))
    {
        fs::rename(place.path(name), place.path("old").join(name)).unwrap();
    }
    fs::copy(place.path("kept.db"), place.path("oauthctl.db")).unwrap();
    assert_eq!(place.done("client show orders-web").stdout, client);
    assert_eq!(place.run("doctor").code, 0);
    place.done("--database old/oauthctl.db audit verify");
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing_and_one_of_two_at_a_time_wins() {
    let place = Place::new();
    drop(large_store(&place));
    let options = place.options("oauthctl.db");
    let names = place.names();
    let stopped = back_up(&options, &place.path("copy.db"), &mut |_, _| {
        ControlFlow::Break(())
    });
    assert_eq!(stopped.unwrap(), None);
    assert_eq!(place.names(), names);

    // The name is taken while the copy is made.
    let late = back_up(&options, &place.path("copy.db"), &mut |_, _| {
        fs::write(place.path("copy.db"), "somebody else's").unwrap();
        ControlFlow::Continue(())
    });
    assert!(matches!(late, Err(BackupError::Exists(_))), "{late:?}");
    assert_eq!(
        fs::read_to_string(place.path("copy.db")).unwrap(),
        "somebody else's"
    );
    assert_eq!(place.names(), ["copy.db", "oauthctl.db"]);
}

// Doctor

#[test]
fn doctor_makes_no_database_where_there_is_none() {
    let place = Place::new();
    let ran = place.run("doctor");
    assert_eq!(
        ran,
        Ran {
            code: 6,
            stdout: format!(
                "ok       settings   no configuration file; defaults and the environment are in force\n\
                 note     issuer     http://127.0.0.1:{port} is for programs on this machine only\n         \
                 -> for others: set issuer = \"https://HOST\" under [server], and put a TLS proxy in front\n\
                 ok       lifetimes  the defaults for clients are wise\n\
                 fault    database   there is no file ./oauthctl.db\n         \
                 -> name it with --database, or begin with: oauthctl --database ./oauthctl.db scope define\n\
                 note     server     none runs at http://127.0.0.1:{port}\n         \
                 -> oauthctl serve\n",
                port = place.port
            ),
            stderr: "error: 1 fault\n".to_owned(),
        }
    );
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn doctor_is_content_with_what_works() {
    let place = Place::furnished();
    let ran = place.run("doctor -o json");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let shown = ran.json();
    let levels: Vec<_> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["check"].as_str().unwrap(),
                finding["level"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        levels,
        [
            ("settings", "ok"),
            ("issuer", "note"),
            ("lifetimes", "ok"),
            ("permissions", "ok"),
            ("integrity", "ok"),
            ("schema", "ok"),
            ("write-ahead log", "ok"),
            ("disk", "ok"),
            ("clock", "ok"),
            ("clients", "ok"),
            ("resource servers", "ok"),
            ("scopes", "ok"),
            ("server", "note"),
        ]
    );
    let first = &shown.as_array().unwrap()[0];
    let names: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(names, ["check", "level", "finding", "fix"]);
}

#[test]
fn doctor_finds_what_is_wrong_and_says_what_mends_it() {
    /// What is done to a furnished place, what is looked at, and the level and the remedy that are expected.
    type Case = (&'static str, &'static str, &'static str, &'static str);
    const CASES: [Case; 9] = [
        (
            "DELETE FROM client_secrets",
            "client orders-web",
            "fault",
            "oauthctl client rotate-secret orders-web",
        ),
        (
            "DELETE FROM client_scopes",
            "client orders-web",
            "fault",
            "oauthctl client update orders-web --add-scope SCOPE",
        ),
        (
            "UPDATE clients SET enabled = 0",
            "client orders-web",
            "note",
            "oauthctl client enable orders-web",
        ),
        (
            "UPDATE clients SET access_token_lifetime = 86400001",
            "client orders-web",
            "warning",
            "oauthctl client update orders-web --access-token-lifetime 1h",
        ),
        (
            "DELETE FROM scope_openings",
            "scope orders:read",
            "note",
            "oauthctl scope update orders:read --add-folder FOLDER",
        ),
        (
            "DELETE FROM client_scopes",
            "scope orders:read",
            "note",
            "oauthctl client update ID --add-scope orders:read",
        ),
        (
            "DELETE FROM resource_owners",
            "resource owners",
            "note",
            "oauthctl owner add USERNAME",
        ),
        (
            "UPDATE audit SET at = at + 120000",
            "clock",
            "fault",
            "timedatectl set-ntp true",
        ),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM scopes",
            "integrity",
            "fault",
            "restore a backup: oauthctl backup --help says how",
        ),
    ];
    for (sql, check, level, fix) in CASES {
        let place = Place::furnished();
        place.sql(sql);
        let findings = place.findings("", check);
        let expected = (level.to_owned(), Some(fix.to_owned()));
        let found: Vec<_> = findings.into_iter().map(|(level, _, fix)| (level, fix)).collect();
        assert!(found.contains(&expected), "{sql}: {found:?}");
        if matches!(level, "fault" | "warning") {
            assert_eq!(place.run("doctor").code, 6, "{sql}");
        }
    }
}

#[test]
fn notes_are_no_reason_for_exit_code_6_and_warnings_are() {
    let place = Place::furnished();
    place.sql("UPDATE clients SET enabled = 0; DELETE FROM scope_openings");
    let ran = place.run("doctor");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");

    let place = Place::furnished();
    let mut command = place.command("doctor");
    let ran = finish(command.env("OAUTHCTL_TOKENS_REFRESH_TOKEN_LIFETIME", "91d"));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (6, "error: 1 warning\n"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains(
            "warning  lifetimes         where a client has none of its own, one approval can be refreshed for 91d, which is \
             longer than 90d\n         -> export OAUTHCTL_TOKENS_REFRESH_TOKEN_LIFETIME=30d\n"
        ),
        "{ran:?}"
    );
}

#[test]
fn doctor_finds_a_file_that_others_can_open() {
    let place = Place::furnished();
    fs::set_permissions(place.path("oauthctl.db"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        place.findings("", "permissions"),
        [(
            "fault".to_owned(),
            "./oauthctl.db has mode 0644, so others on this machine can open it".to_owned(),
            Some("chmod 600 ./oauthctl.db".to_owned())
        )]
    );
    fs::set_permissions(place.path("oauthctl.db"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(place.directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let found = place.findings("", "permissions");
    assert!(
        found
            .iter()
            .any(|(level, _, fix)| level == "fault" && fix.as_deref() == Some("chmod o-w .")),
        "{found:?}"
    );
}

#[test]
fn doctor_finds_a_file_that_is_damaged_or_something_else_and_leaves_it_as_it_is() {
    let place = Place::furnished();
    // Everything is in the file, and page 3 on is not what it was.
    let mut bytes = fs::read(place.path("oauthctl.db")).unwrap();
    bytes[2 * 4096..8 * 4096].fill(0xa5);
    fs::write(place.path("oauthctl.db"), &bytes).unwrap();
    let found = place.findings("", "integrity");
    assert!(found.iter().any(|(level, ..)| level == "fault"), "{found:?}");
    assert_eq!(place.run("doctor").code, 6);

    for content in [&b"#!/bin/sh\necho this is a script\n"[..], b"x"] {
        let place = Place::new();
        fs::write(place.path("oauthctl.db"), content).unwrap();
        let found = place.findings("", "integrity");
        assert_eq!(found[0].0, "fault");
        assert_eq!(found[0].2.as_deref(), Some("name another file with --database"));
        assert_eq!(fs::read(place.path("oauthctl.db")).unwrap(), content);
    }
}

#[test]
fn doctor_does_not_migrate() {
    let place = Place::new();
    fs::write(place.path("oauthctl.db"), "").unwrap();
    fs::set_permissions(place.path("oauthctl.db"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!is_up_to_date(&place.options("oauthctl.db")).unwrap());
    let found = place.findings("", "schema");
    assert_eq!(found[0].0, "note", "{found:?}");
    assert!(!is_up_to_date(&place.options("oauthctl.db")).unwrap());

    let place = Place::furnished();
    place.sql(&format!("PRAGMA user_version = {}", SCHEMA_VERSION + 1));
    let found = place.findings("", "integrity");
    assert_eq!(found[0].0, "fault");
    assert_eq!(found[0].2.as_deref(), Some("use the newer oauthctl that made it"));
    assert!(matches!(
        Store::open(place.options("oauthctl.db")),
        Err(StoreError::TooNew { .. })
    ));
}

#[test]
fn doctor_asks_a_running_server() {
    let place = Place::furnished();
    let (_server, address) = serve(&place, &[]);
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = place.command("doctor -o json");
        command.env("OAUTHCTL_SERVER_LISTEN", &address);
        let ran = finish(command.envs(variables.iter().copied()));
        let found = ran.json();
        let of = |check: &str| -> Value {
            let findings = found.as_array().unwrap();
            let finding = findings.iter().find(|finding| finding["check"] == check);
            finding.map_or(Value::Null, |finding| {
                json!([finding["level"], finding["finding"]])
            })
        };
        (
            ran.code,
            of("server"),
            of("server is ready"),
            of("server's issuer"),
            of("proxy"),
        )
    };
    let base = format!("http://{address}");
    let runs = json!(["ok", format!("one runs at {base}")]);
    let ready = json!(["ok", "it reads and writes its database"]);
    assert_eq!(
        doctor(&[]),
        (0, runs.clone(), ready.clone(), json!(["ok", base]), Value::Null)
    );
    // It was started with other settings.
    let issuer = "https://id.example/oauth";
    let (code, server, is_ready, stated, proxy) = doctor(&[("OAUTHCTL_SERVER_ISSUER", issuer)]);
    assert_eq!((code, server), (6, runs));
    assert_eq!(is_ready, ready);
    let differs = format!("it calls itself {base}, and the settings say {issuer}");
    assert_eq!(stated, json!(["fault", differs]));
    assert_eq!(proxy, json!(["note", "the way through the proxy was not tried"]));
}

#[test]
fn doctor_takes_another_program_for_another_program() {
    let place = Place::furnished();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
        while request.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
    });
    let mut command = place.command("doctor -o json");
    let ran = finish(command.env("OAUTHCTL_SERVER_LISTEN", &address));
    other.join().unwrap();
    let found = ran.json();
    let server = found.as_array().unwrap().last().unwrap();
    assert_eq!(server["level"], "fault");
    assert_eq!(
        server["finding"],
        format!("what listens at http://{address} answers /healthz with 404: is it another program?")
    );
    assert_eq!(ran.code, 6);
}

#[test]
fn doctor_tells_refused_settings_as_a_fault() {
    let place = Place::furnished();
    fs::write(place.path("oauthctl.toml"), "[sever]\n").unwrap();
    assert_eq!(
        place.run("doctor"),
        ran(
            6,
            "fault    settings  oauthctl.toml:1: unknown section `sever`; did you mean `server`?\n         \
             -> mend the settings, and check them with: oauthctl config check\n",
            "error: 1 fault\n"
        )
    );
}

// Audit trail

#[test]
fn audit_list_selects_and_pages() {
    let place = Place::furnished();
    let all = place.done("audit list -o json").json();
    let actions: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "scope.define",
            "client.register",
            "resource_server.register",
            "owner.add"
        ]
    );
    let first = &all[0];
    let names: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "entry",
            "at",
            "actor_kind",
            "actor",
            "source",
            "action",
            "subject_kind",
            "subject",
            "detail"
        ]
    );
    assert_eq!(first["entry"], 1);
    assert_eq!(first["detail"]["folders"], json!(["orders"]));
    assert_eq!(all[3]["detail"], json!({}));
    let actor = first["actor"].as_str().unwrap();

    for (arguments, expected) in [
        ("--limit 2", "1\n2\n"),
        ("--after 2", "3\n4\n"),
        ("--after 1 --limit 1", "2\n"),
        ("--after 4", ""),
        ("--action owner.add", "4\n"),
        ("--action scope.", "1\n"),
        ("--action scope", ""),
        ("--subject orders-web", "2\n"),
        (&format!("--actor {actor} --subject alice"), "4\n"),
        ("--actor nobody", ""),
        ("--since 10m", "1\n2\n3\n4\n"),
        ("--since 2000-01-01T00:00:00Z", "1\n2\n3\n4\n"),
        ("--since 9000-01-01T00:00:00Z", ""),
    ] {
        let ran = place.done(&format!("audit list -o id {arguments}"));
        assert_eq!(ran.stdout, expected, "{arguments}");
        assert_eq!(
            ran.stderr,
            if expected.is_empty() {
                "no such entries\n"
            } else {
                ""
            }
        );
    }
    let lines = place.done("audit list -o jsonl").stdout;
    let parsed: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(Value::Array(parsed), all);

    for wrong in [
        "--since yesterday",
        "--limit 0",
        "--after -1",
        "--follow --limit 2",
        "--follow -o json",
    ] {
        assert_eq!(place.run(&format!("audit list {wrong}")).code, 2, "{wrong}");
    }
}

#[test]
fn audit_list_reads_a_long_trail_page_by_page() {
    let place = Place::new();
    let store = Store::open(place.options("oauthctl.db")).unwrap();
    for number in 0..1203 {
        append(&store, &number.to_string());
    }
    let expected: Vec<String> = (1..=1203).map(|entry| entry.to_string()).collect();
    for format in ["id", "csv"] {
        let printed = place.done(&format!("audit list -o {format}")).stdout;
        let entries: Vec<&str> = printed
            .lines()
            .filter(|line| !line.starts_with("entry,"))
            .map(|line| line.split(',').next().unwrap())
            .collect();
        assert_eq!(entries, expected, "{format}");
    }
    assert_eq!(
        place
            .done("audit list -o id --after 3 --limit 1000")
            .stdout
            .lines()
            .count(),
        1000
    );
}

#[test]
fn audit_list_follows() {
    let place = Place::furnished();
    for (arguments, action) in [
        ("audit list --follow -o jsonl --after 3", "owner.add"),
        (
            "audit list --follow -o jsonl --since 2000-01-01T00:00:00Z",
            "scope.define",
        ),
    ] {
        let mut child = place.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let _running = Running(child);
        let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(next()["action"], action);
        place.done(&format!(
            "scope define s{} --description S --folder s",
            arguments.len()
        ));
        while next()["subject"] != format!("s{}", arguments.len()) {}
    }
    // Without a beginning, only what is new. Whether it has begun cannot be seen from outside: write until it says so.
    let mut child = place
        .command("audit list --follow")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _running = Running(child);
    let is_seen = Arc::new(AtomicBool::new(false));
    let line = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let store = Store::open(place.options("oauthctl.db")).unwrap();
            while !is_seen.load(Ordering::Relaxed) {
                append(&store, "new");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let line = lines.next().unwrap().unwrap();
        is_seen.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        line
    });
    assert!(
        line.ends_with("token.prune           store tokens  {\"note\":\"new\"}"),
        "{line}"
    );
}

#[test]
fn audit_verify_finds_each_line_that_was_changed_added_or_removed() {
    let place = Place::furnished();
    assert_eq!(
        place.run("audit verify -o jsonl"),
        ran(
            0,
            "{\"ok\":true,\"entries\":4,\"broken_at\":null,\"reason\":null}\n",
            ""
        )
    );
    let whole = fs::read(place.path("oauthctl.db")).unwrap();
    let changed = "it is not as it was written";
    let missing = "it is missing";
    for (sql, broken_at, reason) in [
        ("UPDATE audit SET actor = 'mallory' WHERE entry = 2", 2, changed),
        ("UPDATE audit SET at = at + 1 WHERE entry = 1", 1, changed),
        ("UPDATE audit SET detail = '{}' WHERE entry = 3", 3, changed),
        (
            "UPDATE audit SET hash = randomblob(32) WHERE entry = 4",
            4,
            changed,
        ),
        ("DELETE FROM audit WHERE entry = 1", 1, missing),
        ("DELETE FROM audit WHERE entry = 3", 3, missing),
        ("DELETE FROM audit WHERE entry = 4", 4, missing),
        ("DELETE FROM audit", 1, missing),
        (
            "DELETE FROM audit WHERE entry = 3; UPDATE audit SET entry = 3 WHERE entry = 4",
            3,
            changed,
        ),
        (
            "INSERT INTO audit SELECT 5, at, actor_kind, actor, source, action, subject_kind, subject, detail, hash \
             FROM audit WHERE entry = 4",
            5,
            "it was not written by the program",
        ),
        (
            "UPDATE audit_head SET hash = randomblob(32)",
            4,
            "it is not the one that was written last",
        ),
    ] {
        fs::write(place.path("oauthctl.db"), &whole).unwrap();
        place.sql(sql);
        assert_eq!(
            place.run("audit verify -o jsonl"),
            Ran {
                code: 6,
                stdout: format!(
                    "{{\"ok\":false,\"entries\":{},\"broken_at\":{broken_at},\"reason\":\"{reason}\"}}\n",
                    broken_at - 1
                ),
                stderr: format!("error: the audit trail is broken at entry {broken_at}: {reason}\n"),
            },
            "{sql}"
        );
        assert_eq!(place.run("audit verify").code, 6, "{sql}");
    }
}

// Completions

/// What the program says to a shell that completes the last of `words`.
fn completed(place: &Place, shell: &str, words: &[&str]) -> Ran {
    let mut command = place.command("--");
    command
        .args(words)
        .env("COMPLETE", shell)
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
    finish(&mut command)
}

#[test]
fn names_are_completed_from_the_database() {
    let place = Place::furnished();
    let elsewhere = format!("--database={}", place.path("oauthctl.db").display());
    for (words, expected) in [
        (&["oauthctl", "client", "show", "ord"][..], "orders-web"),
        (&["oauthctl", "scope", "show", "orders:r"], "orders:read"),
        (&["oauthctl", "client", "register", "--scope", "o"], "orders:read"),
        (&["oauthctl", "access", "check", "--client", "o"], "orders-web"),
        (
            &["oauthctl", "access", "check", "--client=o"],
            "--client=orders-web",
        ),
        (&["oauthctl", "owner", "disable", "al"], "alice"),
        (&["oauthctl", "token", "revoke", "--client", "o"], "orders-web"),
        (
            &["oauthctl", "client", "update", "orders-web", "--add-scope", "o"],
            "orders:read",
        ),
        (&["oauthctl", "audit", "list", "--actor", "al"], "alice"),
        (
            &["oauthctl", "audit", "list", "--subject", "o"],
            "orders-web\norders:read",
        ),
        (&["oauthctl", &elsewhere, "client", "show", "o"], "orders-web"),
        (&["oauthctl", "client", "show", "zzz"], ""),
        (&["oauthctl", "compl"], "completions"),
        (&["oauthctl", "completions", "e"], "elvish"),
    ] {
        assert_eq!(
            completed(&place, "bash", words),
            ran(0, expected, ""),
            "{words:?}"
        );
    }
    assert_eq!(
        completed(&place, "fish", &["oauthctl", "client", "show", "o"]).stdout,
        "orders-web\tOrders\n"
    );
    assert_eq!(
        completed(&place, "zsh", &["oauthctl", "scope", "show", "o"]).stdout,
        "orders\\:read:Reading"
    );
}

#[test]
fn completion_makes_nothing_and_says_nothing_of_what_is_wrong() {
    let words = ["oauthctl", "client", "show", "o"];
    let place = Place::new();
    assert_eq!(completed(&place, "bash", &words), ran(0, "", ""));
    assert!(place.names().is_empty(), "{:?}", place.names());

    fs::write(place.path("oauthctl.db"), "").unwrap();
    assert_eq!(completed(&place, "bash", &words), ran(0, "", ""));
    assert_eq!(
        fs::metadata(place.path("oauthctl.db")).unwrap().len(),
        0,
        "it was migrated"
    );

    fs::write(place.path("oauthctl.db"), "this is something else altogether").unwrap();
    assert_eq!(completed(&place, "bash", &words), ran(0, "", ""));

    let place = Place::furnished();
    fs::write(place.path("oauthctl.toml"), "[sever]\n").unwrap();
    assert_eq!(completed(&place, "bash", &words), ran(0, "", ""));
    // A word that is not there cannot be completed at all.
    let mut command = place.command("-- oauthctl client");
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "9");
    assert_eq!(finish(&mut command), ran(1, "", ""));
}

#[test]
fn what_a_shell_would_run_is_not_completed() {
    let place = Place::furnished();
    place.sql("UPDATE clients SET client_id = 'orders-$(reboot)'");
    assert_eq!(
        completed(&place, "bash", &["oauthctl", "client", "show", "o"]),
        ran(0, "", "")
    );
}

#[test]
fn a_variable_that_somebody_left_behind_does_not_keep_the_program_from_its_work() {
    let place = Place::furnished();
    for shell in ["bash", "1", "nonsense"] {
        let mut command = place.command("client list -o id");
        assert_eq!(
            finish(command.env("COMPLETE", shell)),
            ran(0, "orders-web\n", ""),
            "{shell}"
        );
    }
}

#[test]
fn each_shell_gets_a_script_that_asks_the_program() {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_oauthctl");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = place.done(&format!("completions {shell}"));
        assert!(
            ran.stdout.contains(program) && ran.stdout.contains(shell),
            "{ran:?}"
        );
        assert!(ran.stdout.contains(" -- "), "{ran:?}");
        assert_eq!(ran.stderr, "");
        let record = place.done(&format!("completions {shell} -o json")).json();
        assert_eq!(
            record,
            json!({ "file": format!("oauthctl.{shell}"), "content": ran.stdout })
        );
    }
    assert_eq!(place.run("completions tcsh").code, 2);
    assert!(place.names().is_empty());
}

/// What bash puts in the place of the word at the end of `line`.
fn bash(place: &Place, words: &[&str], line: &str, word: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source ./completions.bash\nCOMP_WORDS=({})\nCOMP_CWORD={}\nCOMP_LINE='{line}'\nCOMP_POINT=${{#COMP_LINE}}\n\
         COMP_TYPE=9\n_oauthctl oauthctl '{word}' ''\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1
    );
    let mut command = Command::new("bash");
    command
        .args(["--norc", "-c", &script])
        .current_dir(place.directory.path())
        .env_clear()
        .env("HOME", place.directory.path());
    let ran = finish(&mut command);
    assert_eq!(ran.stderr, "", "{line}");
    ran.stdout.trim_end().to_owned()
}

#[test]
fn bash_completes_words_that_it_breaks_at_colons_and_equals_signs() {
    let place = Place::furnished();
    place.done("scope define orders:write --description Writing --folder orders");
    let script = place.done("completions bash").stdout;
    fs::write(place.path("completions.bash"), script).unwrap();
    for (words, line, word, expected) in [
        (
            &["oauthctl", "client", "show", "ord"][..],
            "oauthctl client show ord",
            "ord",
            "orders-web",
        ),
        (
            &["oauthctl", "scope", "show", "orders", ":", "r"],
            "oauthctl  scope show orders:r",
            "r",
            "read",
        ),
        (
            &["oauthctl", "scope", "show", "orders", ":"],
            "oauthctl scope show orders:",
            "",
            "read\nwrite",
        ),
        (
            &["oauthctl", "access", "check", "--client", "=", "o"],
            "oauthctl access check --client=o",
            "o",
            "orders-web",
        ),
        (
            &[
                "oauthctl", "client", "register", "--name", "\"A B\"", "--scope", "orders", ":", "w",
            ],
            "oauthctl client register --name \"A B\" --scope orders:w",
            "w",
            "write",
        ),
    ] {
        assert_eq!(bash(&place, words, line, word), expected, "{line}");
    }
    // A word that is yet to be begun.
    let all = bash(
        &place,
        &["oauthctl", "scope", "show", ""],
        "oauthctl scope show ",
        "",
    );
    assert!(all.starts_with("orders:read\norders:write\n--"), "{all}");
}

// Manual pages and examples

#[test]
fn there_is_a_manual_page_for_each_command() {
    let place = Place::new();
    let page = place.done("man").stdout;
    assert!(
        page.contains(".TH oauthctl 1") && page.contains("oauthctl\\-backup(1)"),
        "{page}"
    );

    let written = place.done("man --dir pages/man1 -o id").stdout;
    for page in [
        "oauthctl.1",
        "oauthctl-backup.1",
        "oauthctl-client-register.1",
        "oauthctl-audit-list.1",
    ] {
        assert!(
            written.lines().any(|line| line == format!("pages/man1/{page}")),
            "{written}"
        );
    }
    for line in written.lines() {
        let text = fs::read_to_string(place.path(line)).unwrap();
        let name = Path::new(line).file_stem().unwrap().to_str().unwrap();
        assert!(text.contains(&format!(".TH {name} 1 ")), "{line}: {text}");
    }
    assert!(!written.contains("help"), "{written}");
    // Again, over them.
    assert_eq!(place.done("man --dir pages/man1 -o id").stdout, written);

    fs::write(place.path("file"), "").unwrap();
    assert_eq!(place.run("man --dir file").code, 1);
}

/// What `systemd-analyze` says of the units, where it is there.
#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run here says so")]
fn systemd_finds_the_units_in_order_and_the_server_well_locked_in() {
    let place = Place::new();
    let units = place.done("example systemd -o json").json();
    for unit in units.as_array().unwrap() {
        fs::write(
            place.path(unit["file"].as_str().unwrap()),
            unit["content"].as_str().unwrap(),
        )
        .unwrap();
    }
    let analyze = |args: &[&str]| {
        std::process::Command::new("systemd-analyze")
            .args(args)
            .arg(place.path("oauthctl.service"))
            .output()
    };
    let Ok(verified) = analyze(&["verify", "--man=no"]) else {
        eprintln!("skipped: there is no systemd-analyze here");
        return;
    };
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(
        verified.status.success() && !told.contains("oauthctl.service:"),
        "{told}"
    );
    // 0 is locked in, 10 is open; in tenths.
    for unit in ["oauthctl.service", "oauthctl-housekeeping.service"] {
        let exposure = std::process::Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=yes", "--threshold=20"])
            .arg(place.path(unit))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&exposure.stdout);
        assert!(exposure.status.success(), "{unit}: {told}");
    }
}

#[test]
fn examples_have_the_database_and_the_configuration_in_force() {
    let place = Place::new();
    fs::write(
        place.path("oauthctl.toml"),
        "[database]\npath = \"data/o 1.db\"\n",
    )
    .unwrap();
    let directory = place.directory.path().canonicalize().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_oauthctl")).canonicalize().unwrap();
    let start = format!(
        "{} --config {}/oauthctl.toml --database",
        program.display(),
        directory.display()
    );
    let database = format!("{}/data/o 1.db", directory.display());

    let cron = place.done("example cron").stdout;
    let lines: Vec<&str> = cron.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            format!("17 3 * * *  {start} '{database}' token revoke --unused-for 90d --yes >/dev/null"),
            format!("27 3 * * *  {start} '{database}' token prune --yes >/dev/null"),
        ]
    );
    let units = place.done("example systemd -o json").json();
    let names: Vec<_> = units
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| unit["file"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "oauthctl.service",
            "oauthctl.socket",
            "oauthctl-housekeeping.service",
            "oauthctl-housekeeping.timer"
        ]
    );
    let server = units[0]["content"].as_str().unwrap();
    for line in [
        format!("\nExecStart={start} \"{database}\" serve\n"),
        format!("\nReadWritePaths={}/data\n", directory.display()),
        "\nCapabilityBoundingSet=\n".to_owned(),
        "\nTimeoutStopSec=15s\n".to_owned(),
    ] {
        assert!(server.contains(&line), "{line} in {server}");
    }
    let low = "example systemd -o json --config low.toml";
    fs::write(
        place.path("low.toml"),
        "[server]\nhealth_listen = \"127.0.0.1:443\"\n",
    )
    .unwrap();
    let of_low = place.done(low).json();
    assert!(
        of_low[0]["content"]
            .as_str()
            .unwrap()
            .contains("\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n")
    );
    fs::remove_file(place.path("low.toml")).unwrap();
    assert!(
        units[1]["content"]
            .as_str()
            .unwrap()
            .contains(&format!("\nListenStream=127.0.0.1:{}\n", place.port))
    );
    let service = units[2]["content"].as_str().unwrap();
    for task in ["token revoke --unused-for 90d --yes", "token prune --yes"] {
        let line = format!("\nExecStart={start} \"{database}\" {task}\n");
        assert!(service.contains(&line), "{service}");
    }
    assert!(
        units[3]["content"]
            .as_str()
            .unwrap()
            .contains("\nOnCalendar=*-*-* 03:17:00\n")
    );
    let printed = place.done("example systemd").stdout;
    let contents = (0..4).map(|n| units[n]["content"].as_str().unwrap());
    assert_eq!(printed, contents.collect::<String>());
    assert_eq!(place.names(), ["oauthctl.toml"]);
}

#[test]
fn examples_of_proxies_say_which_resource_they_protect() {
    let place = Place::new();
    let printed = |arguments: &str| place.done(&format!("example {arguments}")).stdout;
    // The resource stands in the URL of the check, and its metadata is passed on; without it there is a warning.
    let resource = "--resource https://api.example/a";
    for (proxy, check, metadata) in [
        (
            "nginx",
            "        proxy_pass http://oauthctl/check?resource=https://api.example/a;\n",
            "    location = /.well-known/oauth-protected-resource/a {\n",
        ),
        (
            "caddy",
            "uri /check?resource=https://api.example/a\n",
            "handle /.well-known/oauth-protected-resource/a {\n",
        ),
        (
            "traefik",
            "/check?resource=https://api.example/a\"\n",
            "/.well-known/oauth-protected-resource/a",
        ),
    ] {
        let bound = printed(&format!("{proxy} {resource}"));
        assert!(bound.contains(check) && bound.contains(metadata), "{bound}");
        assert!(!bound.contains("CAUTION"), "{bound}");
        assert!(printed(proxy).contains("# CAUTION: it is not said which resource this is"));
    }
    let odd = place.run("example nginx --resource https://api.example/a;b");
    assert_eq!((odd.code, odd.stdout.as_str()), (2, ""), "{odd:?}");
}

#[test]
fn examples_of_proxies_follow_the_settings_and_refuse_what_would_leave_a_hole() {
    let place = Place::new();
    let printed = |arguments: &str| place.done(&format!("example {arguments}")).stdout;
    // The defaults, and no database is made for it.
    let here = format!("127.0.0.1:{}", place.port);
    assert!(printed("nginx").contains(&format!("\n    server {here};\n")));
    assert!(printed("caddy").contains(&format!("forward_auth http://{here} {{\n")));
    assert!(printed("traefik").contains(&format!("\naddress = \"http://{here}/check\"\n")));
    assert!(printed("apache").contains(&format!("http://{here}/.well-known/oauth-authorization-server\n")));
    for proxy in ["nginx", "caddy", "traefik", "apache"] {
        let text = printed(&format!("{proxy} --service http://[::1]:3001"));
        assert!(
            text.contains("http://[::1]:3001") && !text.contains("127.0.0.1:3000"),
            "{text}"
        );
        let document = place.done(&format!("example {proxy} -o json")).json();
        assert_eq!(document["content"], printed(proxy));
        // Nothing was left unfilled, and no template was torn.
        assert!(!text.contains("{{") && !text.contains("{%"), "{text}");
    }
    assert_eq!(place.names(), [""; 0]);

    // With TLS it is reached by the name of its certificate.
    let mut command = place.command("example caddy");
    command
        .env("OAUTHCTL_TLS_CERTIFICATE", "chain.pem")
        .env("OAUTHCTL_TLS_PRIVATE_KEY", "key.pem");
    let by_address = finish(&mut command);
    assert!(
        by_address
            .stdout
            .contains(&format!("forward_auth https://{here} {{\n"))
    );
    let by_name = finish(command.env("OAUTHCTL_SERVER_ISSUER", "https://id.example:8443"));
    assert!(
        by_name
            .stdout
            .contains("forward_auth https://id.example:8443 {\n")
    );

    // The issuer, where the server listens for others.
    fs::write(
        place.path("oauthctl.toml"),
        "[server]\nlisten = \"192.0.2.1:443\"\nissuer = \"https://id.example/oauth\"\n\
         [check]\nrequest_from = \"original\"\ntrust_forwarded_from = [\"192.0.2.0/24\"]\n",
    )
    .unwrap();
    let as_set_up = |arguments: &str| {
        let mut command = place.command(&format!("example {arguments}"));
        finish(command.env_remove("OAUTHCTL_SERVER_LISTEN"))
    };
    let refused = |arguments: &str| {
        let ran = as_set_up(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments}: {ran:?}");
        ran.stderr
    };
    let printed = |arguments: &str| {
        let ran = as_set_up(arguments);
        assert_eq!(ran.code, 0, "{arguments}: {ran:?}");
        ran.stdout
    };
    let nginx = printed("nginx --listen 0.0.0.0:443 --host api.example");
    for line in [
        "    server id.example:443;",
        "        proxy_pass https://oauthctl/oauth/check;",
        "        proxy_ssl_verify on;",
        "        proxy_set_header X-Original-URI $request_uri;",
        "    listen 0.0.0.0:443 ssl;",
        "    server_name api.example;",
    ] {
        assert!(nginx.contains(&format!("\n{line}\n")), "{line}: {nginx}");
    }
    assert!(nginx.contains("192.0.2.0/24"), "{nginx}");
    assert!(printed("caddy").contains("header_up X-Original-URI {uri}\n"));
    assert!(
        printed("apache")
            .contains("OIDCOAuthIntrospectionEndpoint https://id.example:443/oauth/introspect\n")
    );

    assert!(refused("traefik").contains("set it to `forwarded`"));
    assert!(refused("nginx --listen 0.0.0.0:443").contains("add `--host api.example.com`"));
    for bad in [
        "http://127.0.0.1:3000/api",
        "127.0.0.1:3000",
        "http://a;b:1",
        "http://$x:1",
    ] {
        assert!(
            refused(&format!("caddy --service {bad}")).contains("without a path"),
            "{bad}"
        );
    }
}
