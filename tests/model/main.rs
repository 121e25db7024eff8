//! A model of the contract in memory, and histories made at random that play on it and on the real use cases over
//! SQLite: each answer and, now and then, everything that can be asked must be the same.
//!
//! ```text
//! cargo test --test model                                       two thousand histories, the same ones each time
//! OAUTHCTL_SEED=17 cargo test --test model                      the history of seed 17 alone, shrunk where it fails
//! OAUTHCTL_HISTORIES=1000000 cargo test --release --test model -- --ignored --nocapture
//!                                                               so many, with a line of progress now and then
//! OAUTHCTL_FIRST_SEED=N                                         where they begin (default: after the ordinary ones)
//! ```
//!
//! A history that fails is made small and printed as Rust. As a regression test it goes into `known.rs` as it stands.
//!
//! - `operation`: what may happen · `generate`: a history for a seed, with an eye for ends, replays and mistakes
//! - `model`: what the contract says to it · `stage`, `driver`: what the use cases say to it
//! - `play`: plays a history on both · `shrink`: makes it small
//!
//! # What was run
//!
//! 15,000 histories beyond the ordinary ones, in 31 minutes on a busy machine, without a difference. Faults that were put in
//! by hand were found after as many histories: the check of a replayed refresh token left out, 7; `--refresh N` off by one,
//! 9; a replayed code that does not end its grant, 10; a wrong verifier accepted, 10; a live grant's code pruned, 13; a
//! remembered approval of a scope that was widened, 14; a disabled owner forgotten at a check, 18; a refresh beyond the
//! absolute lifetime, 30; a code good for a millisecond too long, 76; another client's revocation, 638. One fault was ours:
//! a dry run of pruning counted other tokens than pruning removes (`known.rs`).
//!
//! Not in it: resource indicators, routes and folders (`tests/coverage`), throttling, last use, a clock that steps back.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod driver;
mod generate;
mod histories;
mod known;
mod model;
mod operation;
mod play;
mod shrink;
mod stage;
