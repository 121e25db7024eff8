//! Many histories, on all processors.

#![expect(
    clippy::print_stderr,
    reason = "whoever plays very many wants to see how far it is"
)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use oauthctl::clock::Stopwatch;

use crate::generate::history;
use crate::play::play;
use crate::shrink::shrink;

/// How many histories an ordinary run plays.
const ORDINARY: u64 = 2_000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
    )
}

/// Panics with the history of a seed that fails, made small.
fn report(seed: u64) -> ! {
    let whole = history(seed);
    let length = whole.steps.len();
    let small = shrink(whole, |history| play(history).is_some());
    let difference = play(&small);
    let (step, what) = difference.map_or_else(Default::default, |found| (found.step, found.what));
    panic!(
        "OAUTHCTL_SEED={seed}: {length} steps, {} of them are enough\n{small}\nat step {step}:\n{what}",
        small.steps.len()
    );
}

/// Plays the histories of so many seeds. How many steps those had.
fn play_all(first: u64, count: u64, progress: bool) -> u64 {
    let (next, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let (failed, stop) = (Mutex::new(None::<u64>), AtomicBool::new(false));
    let watch = Stopwatch::start();
    let told = Mutex::new(Duration::ZERO);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count || stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let history = history(first + number);
                    steps.fetch_add(history.steps.len() as u64, Ordering::SeqCst);
                    if play(&history).is_some() {
                        let mut failed = failed.lock().unwrap();
                        *failed = Some(failed.map_or(first + number, |seed| seed.min(first + number)));
                        stop.store(true, Ordering::SeqCst);
                    }
                    let mut told = told.lock().unwrap();
                    if progress && watch.elapsed() >= *told + Duration::from_secs(5) {
                        *told = watch.elapsed();
                        eprintln!("{} of {count} histories in {} s", number + 1, told.as_secs());
                    }
                }
            });
        }
    });
    if let Some(seed) = failed.into_inner().unwrap() {
        eprintln!(
            "a difference among the first {} histories",
            next.load(Ordering::SeqCst)
        );
        report(seed);
    }
    steps.into_inner()
}

#[test]
fn the_use_cases_do_what_the_model_does() {
    if let Some(seed) = number("OAUTHCTL_SEED") {
        if play(&history(seed)).is_some() {
            report(seed);
        }
        return;
    }
    let steps = play_all(0, ORDINARY, false);
    assert!(
        steps > 20 * ORDINARY,
        "{steps} steps are too few to find anything"
    );
}

#[test]
#[ignore = "as long as OAUTHCTL_HISTORIES says"]
fn many_more() {
    let count = number("OAUTHCTL_HISTORIES").unwrap_or(100_000);
    let first = number("OAUTHCTL_FIRST_SEED").unwrap_or(ORDINARY);
    let watch = Stopwatch::start();
    let steps = play_all(first, count, true);
    eprintln!(
        "{count} histories, {steps} steps, {} s",
        watch.elapsed().as_secs()
    );
}
