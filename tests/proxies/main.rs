//! The configurations that `oauthctl example` prints, with the real programs: each is started on a free port in front of
//! a service that records what reaches it, and asks a server of ours.
//!
//! Where a program is missing its tests say so and pass; with `OAUTHCTL_REQUIRE_PROXIES` set they fail.

#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod apache;
mod caddy;
mod confusion;
mod nginx;
mod program;
mod raw;
mod service;
mod stage;
mod story;
#[path = "../http/support/mod.rs"]
#[expect(dead_code, reason = "the tests over HTTP use more of it")]
mod support;
mod traefik;
