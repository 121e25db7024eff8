//! The command line from outside: arguments, streams and exit codes of the built program, compared exactly.
//!
//! Each test has a directory of its own as the working directory. What differs from run to run is replaced before
//! it is compared: see [`harness::with_placeholders`].
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod access;
mod administration;
mod client;
mod database;
mod harness;
mod help;
mod many_tokens;
mod owner;
mod pages;
mod resource_server;
mod scope;
mod secrets;
mod serve;
mod settings;
mod streams;
mod supervision;
mod terminal;
