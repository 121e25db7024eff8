//! The server is killed under load, and started again on what it left.

use std::sync::atomic::Ordering;

use crate::caller::Caller;
use crate::control::{ALL, Control, Failure};
use crate::holds::{Depth, NO_CUT, verify};
use crate::load::{Record, run_while};
use crate::random::{Random, rounds, seed};
use crate::site::Site;

const THREADS: u64 = 4;

/// A kill that does not come lets the load end here.
const ENOUGH: usize = 2000;

/// Kills at a random moment, again and again on the same file; in the end everything that was acknowledged in any round
/// has to hold.
#[test]
fn what_was_acknowledged_outlives_a_kill_under_load() {
    let seed = seed();
    let mut random = Random::new(seed);
    let site = Site::furnished();
    let mut all = Record::default();
    let (rounds, mut held) = (rounds(3), 0);
    for round in 0..rounds {
        let about = format!("seed {seed}, round {round}");
        let server = site.serve().unwrap();
        let after = random.below(120);
        let pause = std::time::Duration::from_micros(random.next() % 20_000);
        let record = {
            let id = server.id().to_string();
            run_while(&site, &server, THREADS, random.next(), ENOUGH, |done, over| {
                while done.load(Ordering::SeqCst) < after && !over.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                // Where in a commit it is by then, nobody knows.
                std::thread::sleep(pause);
                let killed = std::process::Command::new("kill")
                    .args(["-s", "KILL", &id])
                    .status();
                assert!(killed.unwrap().success());
            })
        };
        server.kill();
        let server = site.serve().unwrap();
        let caller = Caller::of(&server);
        let verdict = verify(&caller, &record, NO_CUT, Depth::ToTheEnd);
        verdict.assert(&about);
        held += verdict.held;
        all.add(record);
        server.kill();
        site.assert_sound(&about);
    }
    eprintln!(
        "seed {seed}: {rounds} kills under load, {} answers acknowledged, {held} things held against the store",
        all.acknowledged()
    );
}

/// Kills in the place of a call on the files: between two writes, between write and flush, in a checkpoint.
#[test]
fn what_was_acknowledged_outlives_a_kill_between_two_calls() {
    let control = Control::new();
    let Some(site) = Site::furnished().under(&control) else {
        return;
    };
    let seed = seed();
    let mut random = Random::new(seed);
    let (rounds, mut held, mut acknowledged) = (rounds(4), 0, 0);
    for round in 0..rounds {
        let about = format!("seed {seed}, round {round}");
        control.heal();
        let server = site.serve().unwrap();
        let call = 1 + random.next() % 1500;
        control.fail(ALL, Failure::Kill, call, 1);
        let record = run_while(&site, &server, THREADS, random.next(), ENOUGH, |_, _| {});
        control.heal();
        server.kill();
        let server = site.serve().unwrap();
        let verdict = verify(&Caller::of(&server), &record, NO_CUT, Depth::ToTheEnd);
        verdict.assert(&format!("{about}, call {call}"));
        held += verdict.held;
        acknowledged += record.acknowledged();
        server.kill();
        site.assert_sound(&about);
    }
    eprintln!(
        "seed {seed}: {rounds} kills in the place of a call, {acknowledged} answers acknowledged, {held} things held \
         against the store"
    );
}
