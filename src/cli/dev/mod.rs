//! Servers that somebody develops with: the real one, on a database of its own.
//!
//! | file | what it holds |
//! |---|---|
//! | `seed`, `example.toml` | scopes, clients and resource owners that it begins with |
//! | `scratch` | such a server in this process |
//! | `environment` | what a client has to know of it |
//! | `place`, `control`, `orders` | the socket by which it is commanded, which only one server has, and what it understands |
//! | `commands`, `watch` | `oauthctl dev …` |

mod commands;
pub(super) mod control;
pub(super) mod environment;
pub(super) mod orders;
pub(super) mod place;
pub(super) mod scratch;
pub(super) mod seed;
pub(super) mod watch;

pub(super) use commands::{Command, run};
