//! oauthctl

pub mod authorization_server;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod http;
pub mod protocol;
pub mod store;
