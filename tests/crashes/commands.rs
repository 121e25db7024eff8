//! The command line is killed before each call that changes a file, or the power fails after it; repeated, it comes to the
//! same end as one that was left alone.

use std::fmt::Debug;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use rusqlite::Connection;
use tempfile::NamedTempFile;

use crate::control::{CHANGES, Control, Failure};
use crate::disk::{Disk, Flushes};
use crate::journal::{self, Call};
use crate::random::{Random, rounds, sample, seed};
use crate::site::{Ran, Site};

/// A command that changes the database, over a database to change.
pub(crate) struct Story<S> {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<&'static str>,
    /// Makes the site.
    pub(crate) begin: Box<dyn Fn() -> Site>,
    /// What is compared in the end.
    pub(crate) end: fn(&Site) -> S,
    /// What must hold where the command did not come to its end.
    pub(crate) between: fn(&Site),
}

impl<S: PartialEq + Debug> Story<S> {
    #[track_caller]
    fn run(&self, site: &Site) -> Ran {
        let ran = site.run(&self.arguments);
        assert!(ran.status.success(), "{}: {ran:?}", self.name);
        ran
    }

    /// Left alone.
    pub(crate) fn undisturbed(&self) -> S {
        let site = (self.begin)();
        self.run(&site);
        (self.end)(&site)
    }

    /// On what a kill or a power cut left.
    #[track_caller]
    fn repeat(&self, left: &Site, due: &S, about: &str) {
        (self.between)(left);
        self.run(left);
        assert_eq!(&(self.end)(left), due, "{about}");
        left.assert_sound(about);
    }

    /// Kills it before its *n*-th call that changes a file; `ordinary` times, spread over all of its calls.
    pub(crate) fn killed(&self, ordinary: usize) {
        let control = Control::new();
        let Some(site) = (self.begin)().under(&control) else {
            return;
        };
        let seed = seed();
        let due = self.undisturbed();
        control.count(CHANGES);
        self.run(&site);
        let calls = control.calls();
        let sampled = sample(calls, ordinary, &mut Random::new(seed));
        let mut unmet = 0;
        for &call in &sampled {
            let about = format!("{}, seed {seed}, killed in the place of call {call}", self.name);
            let site = (self.begin)().under(&control).unwrap();
            control.fail(CHANGES, Failure::Kill, call, 1);
            let ran = site.run(&self.arguments);
            control.heal();
            // How much is done in one transaction may depend on how long it takes: then there are fewer calls.
            if control.failed() > 0 {
                assert_eq!(ran.status.signal(), Some(9), "{about}: {ran:?}");
            } else {
                unmet += 1;
            }
            self.repeat(&site, &due, &about);
        }
        eprintln!(
            "{}: killed in the place of {} of its {calls} calls that change a file",
            self.name,
            sampled.len() - unmet
        );
        assert!(unmet < sampled.len(), "{}: never killed", self.name);
    }

    /// Makes a call fail, in each of its places; it says so, and can be repeated.
    pub(crate) fn failed(&self, kinds: i64, failure: Failure, count: u64, ordinary: usize) {
        let control = Control::new();
        let Some(site) = (self.begin)().under(&control) else {
            return;
        };
        let seed = seed();
        let due = self.undisturbed();
        control.count(kinds);
        self.run(&site);
        let calls = control.calls();
        let sampled = sample(calls, ordinary, &mut Random::new(seed));
        let mut refused = 0;
        for &call in &sampled {
            let about = format!(
                "{}, seed {seed}, {failure:?} from call {call}, {count} times",
                self.name
            );
            let site = (self.begin)().under(&control).unwrap();
            control.fail(kinds, failure, call, count);
            let ran = site.run(&self.arguments);
            control.heal();
            if ran.status.success() {
                assert_eq!(&(self.end)(&site), &due, "{about}");
            } else {
                refused += 1;
                ran.assert_refused();
            }
            self.repeat(&site, &due, &about);
        }
        eprintln!(
            "{}: {failure:?} in {} of its {calls} calls, {refused} times refused",
            self.name,
            sampled.len()
        );
    }

    /// Lets the power fail at places of it.
    pub(crate) fn cut(&self, ordinary: usize) {
        let journal = NamedTempFile::new().unwrap();
        let Some(site) = (self.begin)().journaled(journal.path()) else {
            return;
        };
        let seed = seed();
        let mut random = Random::new(seed);
        let due = self.undisturbed();
        let base: Vec<_> = site
            .files()
            .iter()
            .map(|name| site.path().join(name))
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        self.run(&site);
        let entries = journal::read(journal.path());
        let cuts = rounds(ordinary);
        for _ in 0..cuts {
            let index = random.below(entries.len());
            let mut disk = Disk::with(site.path(), &base, Flushes::Kept);
            for entry in &entries[..=index] {
                disk.follow(entry);
            }
            let left = Site::empty();
            for (path, content) in disk.after_power_cut(&mut random) {
                left.write(path.file_name().unwrap().to_str().unwrap(), &content);
            }
            let about = format!("{}, seed {seed}, power cut after entry {index}", self.name);
            self.repeat(&left, &due, &about);
        }
        eprintln!("{}: {cuts} power cuts in {} calls", self.name, entries.len());
    }
}

pub(crate) fn nothing(_: &Site) {}

/// Scopes and clients as `apply` takes them.
fn declaration() -> String {
    let scopes = (0..40)
        .map(|n| format!("[[scope]]\nname = \"scope-{n}\"\ndescription = \"{n}\"\nfolders = [\"f{n}\"]\n"));
    let clients = (0..20).map(|n| {
        format!(
            "[[client]]\nclient_id = \"applied-{n}\"\nname = \"Applied {n}\"\nredirect_uris = [\"https://a.example/{n}\"]\n\
             scopes = [\"scope-{n}\"]\n"
        )
    });
    scopes.chain(clients).collect()
}

fn exported(site: &Site) -> String {
    let ran = site.run(&["export"]);
    assert!(ran.status.success(), "{ran:?}");
    ran.stdout
}

fn apply() -> Story<String> {
    Story {
        name: "apply --prune",
        arguments: vec!["apply", "-f", "a.toml", "--prune", "--yes", "-o", "json"],
        begin: Box::new(|| {
            let site = Site::furnished();
            site.write("a.toml", declaration().as_bytes());
            site
        }),
        end: exported,
        // All of it or nothing.
        between: |site| {
            let clients = exported(site).matches("[[client]]").count();
            assert!(clients == 1 || clients == 20, "{clients} clients");
        },
    }
}

/// A furnished site with 1,200 access tokens of 60 grants: half of them ended long ago.
fn with_tokens() -> Site {
    let site = Site::furnished();
    let database = Connection::open(site.database()).unwrap();
    database
        .execute_batch(
            "BEGIN;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60)
             INSERT INTO grants (grant_key, client_key, owner_key, scope, created_at, form_nonce)
             SELECT n, (SELECT client_key FROM clients), (SELECT owner_key FROM resource_owners), 'stock', 0,
                    randomblob(16) FROM n;
             INSERT INTO grant_scopes (scope, grant_key) SELECT 'stock', grant_key FROM grants;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
             INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, issued_at, expires_at)
             SELECT n, 'access', 1 + n % 60, randomblob(32), 'stock', 0, iif(n % 120 < 60, 1, 4000000000000) FROM n;
             COMMIT;",
        )
        .unwrap();
    site
}

/// The keys of all tokens, and which of them are revoked.
fn tokens(site: &Site) -> Vec<(i64, bool)> {
    let database = Connection::open(site.database()).unwrap();
    let mut statement = database
        .prepare("SELECT token_key, revoked_at IS NOT NULL FROM tokens ORDER BY 1")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn revoke() -> Story<Vec<(i64, bool)>> {
    Story {
        name: "token revoke",
        arguments: vec!["token", "revoke", "--client", "orders", "--yes", "-o", "json"],
        begin: Box::new(with_tokens),
        end: tokens,
        between: nothing,
    }
}

fn prune() -> Story<Vec<(i64, bool)>> {
    Story {
        name: "token prune",
        arguments: vec!["token", "prune", "--older-than", "30d", "--yes", "-o", "json"],
        begin: Box::new(with_tokens),
        end: tokens,
        between: nothing,
    }
}

/// The copy, if there is one, is whole; then it makes room for the next.
fn take_the_copy_away(site: &Site) {
    let copy = site.path().join("copy.db");
    if copy.exists() {
        assert_eq!(tokens_of_copy(&copy), 1200);
        fs::remove_file(copy).unwrap();
    }
}

fn tokens_of_copy(copy: &Path) -> i64 {
    let database = Connection::open(copy).unwrap();
    let whole: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    database
        .query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))
        .unwrap()
}

fn backup() -> Story<i64> {
    Story {
        name: "backup",
        arguments: vec!["backup", "copy.db", "-o", "json"],
        begin: Box::new(with_tokens),
        end: |site| tokens_of_copy(&site.path().join("copy.db")),
        between: take_the_copy_away,
    }
}

#[test]
fn apply_that_was_killed_can_be_repeated() {
    apply().killed(4);
    apply().cut(3);
}

#[test]
fn revoking_that_was_killed_can_be_repeated() {
    assert!(
        revoke()
            .undisturbed()
            .iter()
            .filter(|(_, revoked)| *revoked)
            .count()
            >= 600
    );
    revoke().killed(4);
    revoke().cut(3);
}

#[test]
fn pruning_that_was_killed_can_be_repeated() {
    assert_eq!(prune().undisturbed().len(), 600);
    prune().killed(4);
    prune().cut(3);
}

#[test]
fn a_backup_that_was_killed_leaves_no_half_file_and_can_be_repeated() {
    backup().killed(5);
}

/// A copy gets its name once it is flushed, and the directory is flushed after that.
#[test]
fn a_backup_is_flushed_before_it_counts() {
    let journal = NamedTempFile::new().unwrap();
    let Some(site) = with_tokens().journaled(journal.path()) else {
        return;
    };
    // By its whole path: that is what the shim looks at.
    let copy = site.path().join("copy.db");
    let ran = site.run(&["backup", copy.to_str().unwrap()]);
    assert!(ran.status.success(), "{ran:?}");
    let entries = journal::read(journal.path());
    let place = |is_it: &dyn Fn(&journal::Entry) -> bool| entries.iter().rposition(is_it).unwrap();
    let is_partial = |entry: &journal::Entry| entry.path.to_string_lossy().contains("copy.db.partial-");
    let is_database =
        |entry: &journal::Entry| is_partial(entry) && !entry.path.to_string_lossy().ends_with("-journal");
    let written =
        place(&|entry| is_database(entry) && matches!(entry.call, Call::Write { .. } | Call::Truncate(_)));
    let flushed = place(&|entry| is_database(entry) && matches!(entry.call, Call::SyncEnded(_)));
    let named = place(&|entry| entry.path == site.path() && matches!(entry.call, Call::SyncEnded(_)));
    assert!(
        written < flushed && flushed < named,
        "{written} {flushed} {named}"
    );
}
