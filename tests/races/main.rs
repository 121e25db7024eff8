//! Many at the one point that matters, over HTTP: a server process, real threads that start at one moment, and the
//! command line as a third process on the same file.
//!
//! ```text
//! cargo test --test races                              a few rounds of each
//! OAUTHCTL_ROUNDS=500 cargo test --release --test races -- --nocapture
//!                                                      so many rounds of each, with a line about what happened
//! OAUTHCTL_SEED=17 cargo test --test races workload    the operations of that seed; how they meet is never the same
//! ```
//!
//! What must hold, whoever is first: at most one family of tokens lives; no answer contradicts the final state; what
//! was acknowledged is known to whoever asks after; no `5xx`.
//!
//! - `tokens`, `approval`, `administration`: one race each
//! - `workload`: random operations on one grant by several threads, written down with their instants
//! - `linearizable`: whether there is an order of them, each between its question and its answer, in which a single
//!   thread would have had the same answers · `one_grant`: what that single thread may be told

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod administration;
mod approval;
mod linearizable;
mod moment;
mod one_grant;
#[path = "../http/support/mod.rs"]
#[expect(dead_code, reason = "the tests over HTTP use more of it")]
mod support;
mod tokens;
mod workload;
