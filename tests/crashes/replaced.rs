//! The database is deleted or replaced under the server: it says so, and issues, revokes and honours nothing from a file
//! that will be gone with it.

use std::fs;

use crate::caller::Caller;
use crate::holds::{Depth, NO_CUT, verify};
use crate::load::Worker;
use crate::site::{Running, Site, furniture};
use crate::support::server::wait_for;

/// What it says, to whoever asks and in the log.
#[track_caller]
fn assert_refuses(server: &Running, access_token: &str, code: &str, refresh_token: &str, why: &str) {
    let (caller, client) = (Caller::of(server), &furniture().client);
    for reply in [
        caller.exchange(client, code),
        caller.refresh(client, refresh_token),
        caller.revoke(client, access_token),
        caller.check(access_token),
    ] {
        let reply = reply.unwrap();
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.body.contains("temporarily_unavailable"), "{reply:?}");
    }
    wait_for(|| (caller.status("/readyz") == 503).then_some(()));
    assert_eq!(caller.status("/healthz"), 200);
    wait_for(|| {
        let log = server.log();
        let told = log
            .lines()
            .any(|line| line.contains("is not the file that is open") && line.contains(why));
        told.then_some(())
    });
}

#[test]
fn nothing_is_issued_into_a_file_that_is_gone_and_all_goes_on_once_it_is_back() {
    let site = Site::furnished();
    let server = site.serve().unwrap();
    let caller = Caller::of(&server);
    let client = &furniture().client;
    let mut worker = Worker::new(&site, &server, 1);
    assert!(worker.begin() && worker.refresh(0));
    let held = caller
        .exchange(client, &caller.code(client).unwrap())
        .unwrap()
        .tokens()
        .unwrap();
    let code = caller.code(client).unwrap();

    for name in ["oauthctl.db", "oauthctl.db-wal"] {
        let (place, aside) = (site.path().join(name), site.path().join("aside"));
        fs::rename(&place, &aside).unwrap();
        if name == "oauthctl.db" {
            assert_refuses(&server, &held.access, &code, &held.refresh, "it is gone");
            fs::copy(&aside, &place).unwrap();
            assert_refuses(
                &server,
                &held.access,
                &code,
                &held.refresh,
                "another file is in its place",
            );
        } else {
            // Without its log, what is read is still what was written; nothing more is.
            let reply = caller.refresh(client, &held.refresh).unwrap();
            assert_eq!(reply.status, 503, "{reply:?}");
            assert!(caller.opens(&held.access));
        }
        fs::rename(&aside, &place).unwrap();
    }

    assert!(caller.opens(&held.access));
    assert!(caller.exchange(client, &code).unwrap().tokens().is_some());
    wait_for(|| (caller.status("/readyz") == 200).then_some(()));
    verify(&caller, &worker.record, NO_CUT, Depth::ToTheEnd).assert("put back");
    server.kill();
    site.assert_sound("put back");
}

/// A backup that is restored under the server counts once the server is started anew: until then the one and the other
/// file would contradict each other.
#[test]
fn a_backup_restored_under_the_server_counts_after_a_restart() {
    let site = Site::furnished();
    let server = site.serve().unwrap();
    let mut worker = Worker::new(&site, &server, 1);
    assert!(worker.begin());
    assert!(site.run(&["backup", "copy.db"]).status.success());
    let client = &furniture().client;
    let caller = Caller::of(&server);
    let code = caller.code(client).unwrap();
    let later = caller.exchange(client, &code).unwrap().tokens().unwrap();
    fs::create_dir(site.path().join("old")).unwrap();
    for name in ["oauthctl.db", "oauthctl.db-wal", "oauthctl.db-shm"] {
        fs::rename(site.path().join(name), site.path().join("old").join(name)).unwrap();
    }
    fs::rename(site.path().join("copy.db"), site.database()).unwrap();
    assert_refuses(
        &server,
        &later.access,
        &code,
        &later.refresh,
        "another file is in its place",
    );
    let ended = server.stop();
    assert!(ended.status.success(), "{ended:?}");
    let server = site.serve().unwrap();
    let caller = Caller::of(&server);
    verify(&caller, &worker.record, NO_CUT, Depth::Gently).assert("restored");
    assert!(!caller.opens(&later.access), "it came after the backup");
    drop(server);
    site.assert_sound("restored");
}

/// Whoever closes a database last deletes its log by its path, where by then the log of another file may be. SQLite looks
/// whether the database has moved before it does.
#[test]
fn a_server_that_ends_leaves_the_log_of_another_file_alone() {
    let site = Site::furnished();
    let server = site.serve().unwrap();
    let mut worker = Worker::new(&site, &server, 1);
    assert!(worker.begin());
    assert!(site.run(&["backup", "copy.db"]).status.success());
    for name in ["oauthctl.db", "oauthctl.db-wal", "oauthctl.db-shm"] {
        fs::remove_file(site.path().join(name)).unwrap();
    }
    fs::rename(site.path().join("copy.db"), site.database()).unwrap();
    // Another process works on the file that is there now; what it acknowledged stands in its log.
    let other = site.serve().unwrap();
    let mut later = Worker::new(&site, &other, 2);
    assert!(later.begin());
    let ended = server.stop();
    assert!(ended.status.success(), "{ended:?}");
    other.kill();
    let server = site.serve().unwrap();
    let caller = Caller::of(&server);
    verify(&caller, &worker.record, NO_CUT, Depth::ToTheEnd).assert("restored");
    verify(&caller, &later.record, NO_CUT, Depth::ToTheEnd).assert("acknowledged by the other");
    drop(server);
    site.assert_sound("after the one and the other");
}
