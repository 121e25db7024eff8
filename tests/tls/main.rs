//! TLS: the real program with certificates of its own making, and the listener in this process where limits are short.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod listener;
mod reload;
mod server;
mod starting;
mod support;
