//! What the tests stand on: a home for a database with the command line over it, a server over that, an HTTP client
//! that shows everything, and a small browser.

pub(crate) mod browser;
pub(crate) mod flow;
pub(crate) mod form;
pub(crate) mod home;
pub(crate) mod http;
pub(crate) mod server;
