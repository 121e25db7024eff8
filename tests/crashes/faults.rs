//! Faults of the system under a server: it says what it cannot do, loses nothing of what it acknowledged, and goes on by
//! itself once the fault is over.

use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;
use rusqlite::Connection;

use crate::caller::Caller;
use crate::control::{ACCEPT, ALL, CHANGES, Control, Failure, OPEN, SYNC, THREAD, WRITE};
use crate::holds::{Depth, NO_CUT, verify};
use crate::load::{Record, Worker};
use crate::random::{Random, sample, seed};
use crate::site::{Running, Site, furniture};
use crate::support::server::wait_for;

const FOR_EVER: u64 = u64::MAX >> 1;

/// A server that has started to the end: it listens first, and answers once it has told what it is.
fn started(site: &Site) -> Running {
    let server = site.serve().unwrap();
    assert_eq!(Caller::of(&server).status("/healthz"), 200);
    server
}

/// The same each time: what the load draws, in a row. Gives what was acknowledged of it, and whether all was.
fn story(site: &Site, server: &Running, name: &str) -> (Record, bool) {
    let mut worker = Worker::new(site, server, 1);
    let mut all = true;
    // Each on a family of its own where the one before got no answer.
    let deeds: [fn(&mut Worker<'_>, usize) -> bool; 5] = [
        |worker, family| worker.refresh(family),
        |worker, family| worker.refresh(family),
        |worker, family| worker.revoke_access(family),
        |worker, family| worker.end(family),
        |worker, family| worker.replay(family),
    ];
    let mut sound = false;
    for deed in deeds {
        if !sound {
            sound = worker.begin();
            all &= sound;
        }
        if sound {
            let family = worker.record.families.len() - 1;
            sound = deed(&mut worker, family);
            all &= sound;
        }
    }
    all &= worker.register(name);
    (worker.record, all)
}

/// An access token that nobody has.
const UNKNOWN: &str = "oat_36vpvaqx0y3rfDg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4";

/// What fails, and how.
struct Fault {
    kinds: i64,
    failure: Failure,
    /// How many calls from the chosen one on.
    count: u64,
    /// How many of the calls are chosen in an ordinary run.
    ordinary: usize,
}

const FAULTS: [Fault; 6] = [
    Fault {
        kinds: ALL,
        failure: Failure::Error(Errno::EIO),
        count: 1,
        ordinary: 5,
    },
    Fault {
        kinds: ALL,
        failure: Failure::Error(Errno::EIO),
        count: FOR_EVER,
        ordinary: 2,
    },
    Fault {
        kinds: SYNC,
        failure: Failure::Error(Errno::EIO),
        count: 1,
        ordinary: 2,
    },
    Fault {
        kinds: WRITE,
        failure: Failure::Short(Errno::ENOSPC),
        count: FOR_EVER,
        ordinary: 2,
    },
    Fault {
        kinds: WRITE,
        failure: Failure::Error(Errno::EDQUOT),
        count: 1,
        ordinary: 2,
    },
    Fault {
        kinds: CHANGES,
        failure: Failure::Error(Errno::EROFS),
        count: FOR_EVER,
        ordinary: 2,
    },
];

/// At each of the calls that are chosen: the story with the fault, then without and without a restart, then after a kill.
fn at_every_call(fault: &Fault) {
    let control = Control::new();
    let Some(site) = Site::furnished().under(&control) else {
        return;
    };
    let seed = seed();
    let server = started(&site);
    control.count(fault.kinds);
    let (_, all) = story(&site, &server, "counted");
    assert!(all);
    let calls = control.calls();
    drop(server);
    let sampled = sample(calls, fault.ordinary, &mut Random::new(seed));
    let (mut felt, mut held) = (0, 0);
    for &call in &sampled {
        let about = format!(
            "seed {seed}, {:?} from call {call}, {} times",
            fault.failure, fault.count
        );
        let site = Site::furnished().under(&control).unwrap();
        let mut server = started(&site);
        control.fail(fault.kinds, fault.failure, call, fault.count);
        let (mut record, all) = story(&site, &server, "faulty");
        control.heal();
        felt += usize::from(!all);
        assert!(server.is_alive(), "{about}: {}", server.log());
        let (caller, log) = (Caller::of(&server), server.log());
        verify(&caller, &record, NO_CUT, Depth::Gently).assert(&format!("{about}, before a restart:\n{log}"));
        let (later, all) = story(&site, &server, "healed");
        assert!(all, "{about}: it does not go on by itself: {}", server.log());
        record.add(later);
        server.kill();
        let server = site.serve().unwrap();
        let verdict = verify(&Caller::of(&server), &record, NO_CUT, Depth::ToTheEnd);
        verdict.assert(&about);
        held += verdict.held;
        drop(server);
        site.assert_sound(&about);
    }
    eprintln!(
        "seed {seed}: {:?} from {} of {calls} calls on, {} times: felt in {felt}; {held} things held against the store",
        fault.failure,
        sampled.len(),
        fault.count
    );
}

#[test]
fn a_call_that_fails_is_told_and_loses_nothing() {
    at_every_call(&FAULTS[0]);
}

#[test]
fn a_disk_that_fails_from_a_call_on_is_told_and_loses_nothing() {
    at_every_call(&FAULTS[1]);
}

#[test]
fn a_flush_that_fails_is_told_and_loses_nothing() {
    at_every_call(&FAULTS[2]);
}

#[test]
fn a_disk_that_runs_full_is_told_and_loses_nothing() {
    at_every_call(&FAULTS[3]);
    at_every_call(&FAULTS[4]);
}

#[test]
fn a_file_that_becomes_read_only_is_told_and_loses_nothing() {
    at_every_call(&FAULTS[5]);
}

#[test]
fn a_server_that_cannot_start_says_why_and_starts_once_it_can() {
    let control = Control::new();
    let Some(site) = Site::furnished().under(&control) else {
        return;
    };
    let seed = seed();
    control.count(ALL);
    site.serve().unwrap().kill();
    let calls = control.calls();
    let sampled = sample(calls, 6, &mut Random::new(seed));
    let mut refused = 0;
    for &call in &sampled {
        let site = Site::furnished().under(&control).unwrap();
        control.fail(ALL, Failure::Error(Errno::EIO), call, FOR_EVER);
        match site.serve() {
            Ok(server) => server.kill(),
            Err(ran) => {
                refused += 1;
                ran.assert_refused();
            }
        }
        control.heal();
        let server = site.serve().unwrap();
        let (_, all) = story(&site, &server, "later");
        assert!(all, "seed {seed}, call {call}: {}", server.log());
        drop(server);
        site.assert_sound(&format!("seed {seed}, call {call}"));
    }
    eprintln!(
        "seed {seed}: started with a disk that fails from {} of {calls} calls on, {refused} times refused",
        sampled.len()
    );
}

#[test]
fn another_process_that_holds_the_file_for_long_costs_an_answer_and_nothing_else() {
    let site = Site::furnished();
    let server = site
        .serve_with(|command| command.env("OAUTHCTL_DATABASE_BUSY_TIMEOUT", "100ms"))
        .unwrap();
    let (caller, client) = (Caller::of(&server), &furniture().client);
    let held = caller
        .exchange(client, &caller.code(client).unwrap())
        .unwrap()
        .tokens()
        .unwrap();
    let code = caller.code(client).unwrap();
    let other = Connection::open(site.database()).unwrap();
    for _ in 0..3 {
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        for reply in [
            caller.exchange(client, &code),
            caller.refresh(client, &held.refresh),
            caller.revoke(client, &held.access),
        ] {
            let reply = reply.unwrap();
            assert_eq!(reply.status, 503, "{reply:?}");
            reply.assert_failed_clearly();
        }
        assert!(caller.opens(&held.access), "whoever reads does not wait");
        other.execute_batch("ROLLBACK").unwrap();
    }
    assert!(caller.exchange(client, &code).unwrap().tokens().is_some());
    assert!(caller.refresh(client, &held.refresh).unwrap().tokens().is_some());
    assert!(server.log().contains("the database is busy"), "{}", server.log());
}

#[test]
fn a_clock_that_jumps_lets_nobody_in_and_loses_nothing() {
    const HOUR: i64 = 3600;
    let control = Control::new();
    let Some(site) = Site::furnished().under(&control) else {
        return;
    };
    let server = site.serve().unwrap();
    let (caller, client) = (Caller::of(&server), &furniture().client);
    let fresh = || {
        let code = caller.code(client).unwrap();
        (caller.exchange(client, &code).unwrap().tokens().unwrap(), code)
    };
    let (before, used) = fresh();
    let unused = caller.code(client).unwrap();

    // An hour back: what was issued "later" is good, what is issued now too, what was used stays used.
    control.clock(-HOUR);
    assert!(caller.opens(&before.access));
    let (back, _) = fresh();
    assert!(caller.opens(&back.access));
    assert!(caller.exchange(client, &unused).unwrap().tokens().is_some());
    let refreshed = caller.refresh(client, &back.refresh).unwrap().tokens().unwrap();
    assert!(
        caller
            .refresh(client, &refreshed.refresh)
            .unwrap()
            .tokens()
            .is_some()
    );
    assert_eq!(caller.refresh(client, &back.refresh).unwrap().status, 400);
    assert!(!caller.opens(&back.access), "reuse ended it");
    site.assert_sound("an hour back");

    // Right again: what was issued an hour ago, by this clock, has just ended.
    control.clock(0);
    assert!(caller.opens(&before.access));
    let code = caller.code(client).unwrap();

    // A day on: access tokens and codes have ended, the refresh token has not.
    control.clock(24 * HOUR);
    assert!(!caller.opens(&before.access));
    assert_eq!(caller.exchange(client, &code).unwrap().status, 400);
    let tomorrow = caller.refresh(client, &before.refresh).unwrap().tokens().unwrap();
    assert!(caller.opens(&tomorrow.access));
    assert_eq!(caller.exchange(client, &used).unwrap().status, 400);
    assert!(
        !caller.opens(&tomorrow.access),
        "a used code stays used, and ends what came of it"
    );

    // And right again: what had ended by that clock only is good once more, what was ended stays so.
    control.clock(0);
    assert!(!caller.opens(&tomorrow.access));
    assert!(caller.code(client).is_ok());
    assert_eq!(caller.status("/readyz"), 200);
    drop(server);
    // What it wrote down has the wrong time for good, which is for an administrator to know.
    let told = site.run(&["doctor"]);
    assert!(told.stdout.contains("timedatectl set-ntp true"), "{told:?}");
    site.assert_whole("clock");
}

/// While `kinds` fail nobody is served, or not everybody; afterwards everybody is, by the same process.
fn passes(kinds: i64, errno: Errno, told: &str) {
    let control = Control::new();
    let Some(site) = Site::furnished().under(&control) else {
        return;
    };
    let mut server = started(&site);
    let (record, all) = story(&site, &server, "before");
    assert!(all);
    control.fail(kinds, Failure::Error(errno), 1, FOR_EVER);
    let mut unserved = 0;
    for _ in 0..20 {
        // A new one each time: a connection of its own.
        let caller = Caller::impatient(&server);
        match caller.ask("GET", "/check?service=orders:list", ("Accept", "*/*"), None) {
            Some(reply) if reply.status == 503 => unserved += 1,
            Some(reply) => assert_eq!(reply.status, 401, "{reply:?}"),
            None => unserved += 1,
        }
        assert!(server.is_alive(), "{}", server.log());
    }
    assert!(control.failed() > 0, "nothing was asked of the system");
    wait_for(|| server.log().contains(told).then_some(()));
    control.heal();
    wait_for(|| {
        let reply = Caller::of(&server).ask("GET", "/readyz", ("Accept", "*/*"), None);
        reply.filter(|reply| reply.status == 200)
    });
    let (_, all) = story(&site, &server, "after");
    assert!(all, "{}", server.log());
    verify(&Caller::of(&server), &record, NO_CUT, Depth::ToTheEnd).assert("once it was over");
    let log = server.log();
    server.kill();
    site.assert_sound("once it was over");
    eprintln!(
        "{errno} for calls of kind {kinds}: {unserved} of 20 callers unserved; {} lines of log",
        log.lines().count()
    );
}

#[test]
fn a_server_without_threads_goes_on_once_there_are_some() {
    passes(THREAD, Errno::EAGAIN, "there is no thread for a connection");
}

#[test]
fn a_server_without_descriptors_for_connections_goes_on_once_there_are_some() {
    passes(ACCEPT, Errno::EMFILE, "a connection could not be accepted");
}

#[test]
fn a_server_without_descriptors_for_files_says_so_and_goes_on_once_there_are_some() {
    let control = Control::new();
    let Some(site) = Site::furnished().under(&control) else {
        return;
    };
    let server = started(&site);
    // Whoever reads while others do opens a connection for it.
    control.fail(OPEN, Failure::Error(Errno::EMFILE), 1, FOR_EVER);
    let asked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let caller = Caller::of(&server);
                while control.failed() == 0 && asked.fetch_add(1, Ordering::SeqCst) < 20_000 {
                    let reply = caller.check(UNKNOWN).unwrap();
                    if reply.status != 401 {
                        reply.assert_failed_clearly();
                    }
                }
            });
        }
    });
    assert!(control.failed() > 0, "no two read at once");
    control.heal();
    let (_, all) = story(&site, &server, "after");
    assert!(all, "{}", server.log());
}
