//! What a developer of a client or of a resource server works with: `login`, `run`, the programs of `example client` with
//! the libraries they are for, and what `example nginx` prints.
//!
//! Where a runtime or a library is missing the tests of the recipes say so and pass; those kinds fail that
//! `OAUTHCTL_REQUIRE_RECIPES` names (`curl python node rust`). `recipes` says what installs them.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod development;
mod login;
mod other_server;
mod program;
#[path = "../proxies/program.rs"]
#[allow(dead_code, reason = "the tests of proxies need more of it")]
mod proxy;
mod recipes;
mod resource_server;
mod run;
#[path = "../http/support/mod.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod support;
mod token_file;
