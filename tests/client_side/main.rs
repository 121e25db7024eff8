//! What a developer of a client works with: `login`, `run`, and the programs of `example client` with the libraries they
//! are for.
//!
//! Where a runtime or a library is missing the tests of the recipes say so and pass; with `OAUTHCTL_REQUIRE_RECIPES` they
//! fail. `recipes` says what installs them.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod login;
mod other_server;
mod program;
mod recipes;
mod run;
#[path = "../http/support/mod.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod support;
