//! Known ways to take a server down, against the real program: it goes on serving, with the memory that it had.
//!
//! The program is the one that was built with this test, or the one that `OAUTHCTL_BINARY` names. The attacks run in
//! small numbers by themselves; `cargo test --test attack -- --ignored` runs them in large ones.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]
#![allow(
    clippy::print_stderr,
    reason = "a test that skips says so, and what was measured is shown"
)]

mod attacks;
mod files;
mod memory;
mod server;
