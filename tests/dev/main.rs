//! `serve --dev`, `dev` and `explain` as a developer uses them: the real server over HTTP, commanded from the command line.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod buttons;
mod canaries;
mod clock;
mod control;
mod explain;
mod grants;
mod hangup;
mod pasted_commands;
mod place;
mod refused_checks;
mod refused_token_requests;
mod seeds;
mod server;
mod start;
mod tokens;
mod too_long;
mod trouble;
mod watch;
