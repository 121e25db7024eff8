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
