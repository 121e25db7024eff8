//! The parties around an authorization server, as far as commands play them: a client, and a resource owner's browser.

pub(super) mod browser;
pub(super) mod client;
pub(super) mod form;
pub(super) mod http_client;
pub(super) mod resource_owner;
