//! The built program from outside, over HTTP: each test has a server process and a database of its own.
//!
//! No verdict depends on how long something took; the only limit of time keeps a test that fails from hanging.

#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod account;
mod aliases;
mod canaries;
mod check;
mod forwarded;
mod health;
mod introspection;
mod log;
mod metadata;
mod metrics;
mod oauth2_client;
mod other_origins;
mod own_password;
mod pages;
mod paths;
mod refusals;
mod remembered;
mod resources;
mod rulings;
mod secrets;
mod signals;
mod support;
mod throttling;
mod two_processes;
mod vectors;
