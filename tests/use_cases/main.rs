//! The use cases on a real file, with a clock that the test moves, and the store beneath them.
//!
//! Each test is a sentence of the contract. `support` has the words: a [`World`](support::World) with scopes, clients
//! and resource owners, and what they do to one another.

#![expect(
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    reason = "a test stops where it is surprised"
)]

mod account;
mod administration;
mod authorize;
mod chain;
mod change_password;
mod check;
mod client_authentication;
mod definitions;
mod exchange;
mod families;
mod introspect;
mod nothing_in_clear;
mod prune;
mod refresh;
mod register;
mod remembered;
mod resources;
mod revoke;
mod schema_versions;
mod selectors;
mod sign_in;
mod store;
mod support;
mod token_selectors;
