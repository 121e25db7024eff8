//! HTTP: the only floor that knows it.
//!
//! | file | what it holds |
//! |---|---|
//! | [`request`] | a request that has been read whole |
//! | [`request_id`] | what a request is called in the log and in its answer |
//! | [`response`] | an answer: status, header fields, body |
//! | [`header_value`] | a field value that cannot end its line |
//! | [`health_app`], [`metrics`] | health and metrics on an address of their own; what is measured |
//! | [`client_address`] | who asks, where a proxy stands in between |
//! | [`development`] | what a development server does besides: faults on demand, and what it was asked |
//! | [`tls`] | the certificate, and how it is replaced |
//! | [`listener`] | sockets, framing, bounds; turns bytes into requests and responses into bytes |
//!
//! Between the listener and everything else stands one function, [`listener::Handler::handle`]: a request in, a
//! response out. What calls it in a test needs no socket.

pub mod app;
pub mod client_address;
pub mod cookie;
pub mod development;
mod endpoints;
pub mod error;
pub mod header_value;
pub mod health_app;
pub mod listener;
pub mod metrics;
pub mod pages;
pub mod request;
pub mod request_id;
pub mod response;
pub mod router;
pub mod tls;
mod token;
