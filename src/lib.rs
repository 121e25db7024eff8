//! `oauthctl`: an OAuth 2.0 authorization server for the authorization code grant with confidential clients.
//!
//! An administration CLI and a blocking HTTP server in one binary, on one SQLite file. This page is the map.
//!
//! # Floors
//!
//! A module imports from lower floors only; `tests/architecture.rs` reads the sources and fails otherwise.
//!
//! ```text
//! 5  main.rs                 arguments and streams in, exit code out
//! 4  cli                     one file a noun; output renders, exit is the only table from errors to exit codes
//! 3  http                    the only floor that knows HTTP: listener, router, one file an endpoint, pages
//! 2  authorization_server    the use cases, one file and one transaction each
//! 1  protocol  store  config requests of the RFCs and pure decisions · SQLite · settings; they do not know each other
//! 0  domain  clock  entropy  types and rules that know nothing else
//! ```
//!
//! # Where is …
//!
//! | looking for | go to |
//! |---|---|
//! | an endpoint | `http/endpoints/`, a file each; which path leads there: [`http::router`] |
//! | what an endpoint does | [`authorization_server`], whose table follows the eight stages |
//! | why a request is refused | [`protocol`]: `authorization_request`, `exchange`, `refresh`, `check` decide, and do nothing else |
//! | why a check says no, and what would change it | [`protocol::explanation`] |
//! | whether a scope covers a request, and which definitions may not be meant | [`domain::coverage`] |
//! | where a token may be used | [`domain::resource`], [`protocol::resource_indicators`]; at a check: [`protocol::check_resource`] |
//! | when the resource owner is not asked again | [`domain::consent`], [`protocol::prompt`] |
//! | which redirect URI matches | [`domain::redirect_uri`] |
//! | how a token is made, and what is stored of it | [`domain::token`], [`domain::secret`] |
//! | the tables | `store/schema/`; their methods stand in a file each beside it |
//! | what is kept in memory, and why it is never stale | `store/definitions.rs` |
//! | how commits are gathered | `store/writer.rs` |
//! | what is bounded, and at what | [`http::listener`], [`http::listener::Limits`] |
//! | what is measured, what is logged | `http/metrics.rs`, `authorization_server/counts.rs` · `cli/log.rs`, `authorization_server/noted.rs` |
//! | whether it can work | `authorization_server/health.rs` |
//! | the certificate, and how it is replaced | [`http::tls`] |
//! | whose address counts behind a proxy | [`http::client_address`] |
//! | what an administrator may set | [`config`], `oauthctl.toml.example` |
//! | the file of `apply` and `export` | [`config::declaration`]; what differs, and what then is done: [`domain::declaration`] |
//! | the pages, their words, and what an administrator puts in their place | `http/pages/` |
//! | the configurations of proxies, and what is played with them | `cli/example/`, `tests/proxies/` |
//! | a server for the tests of clients | `cli/testing.rs`, with the feature `testing`; for other languages `cli/run/` |
//! | clients in other languages | `cli/example/client/`, `tests/client_side/` |
//! | a server to develop with: what it begins with, and what it can be told | `cli/dev/`, `cli/serve/development.rs` · [`http::development`], `tests/dev/` |
//! | why an authorization URL or an access token request is refused | [`protocol::authorization_checks`], [`protocol::token_request_checks`], `cli/explain/` |
//! | the commands | [`cli`], `oauthctl --help` |
//! | which attacks are stopped, by what, and which are not | [`threat_model`] |
//! | what hostile input is tried with | `tests/corpora/`, `tests/fuzz/run` |
//! | what random histories, races, kills and power cuts are survived | `tests/model/`, `tests/races/`, `tests/crashes/` |
//! | how fast it is, and why not faster | `benches/README.md` |
//!
//! # What holds everywhere
//!
//! - Time and randomness are arguments ([`clock::Clock`], [`entropy::Entropy`]): a test moves the one and seeds the other.
//! - Input is parsed at the border into types that cannot hold a bad value, and is bounded there.
//! - A use case reads, decides in pure code, and writes, in one transaction. A decision that refuses **and** changes
//!   something (a replayed code ends its grant) commits, then refuses.
//! - Nothing that opens a door is stored, logged or shown by `Debug`; a method that lets a secret out is called `reveal`.
//! - An error is a value. It becomes an exit code in `cli/exit.rs` and a status in `http/error.rs`, and nowhere else.
//!
//! # Deliberately absent
//!
//! An async runtime and an ORM; public clients, the implicit and password grants, and ID tokens; a cache that could
//! answer from any other state than that of the moment.

pub mod authorization_server;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod http;
pub mod protocol;
pub mod store;

#[cfg(feature = "testing")]
pub use cli::testing;

#[doc = include_str!("threat_model.md")]
pub mod threat_model {}
