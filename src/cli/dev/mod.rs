//! Servers that somebody develops with: the real one, on a database of its own.
//!
//! | file | what it holds |
//! |---|---|
//! | `seed`, `example.toml` | scopes, clients and resource owners that it begins with |
//! | `scratch` | such a server in this process |

pub(super) mod scratch;
pub(super) mod seed;
