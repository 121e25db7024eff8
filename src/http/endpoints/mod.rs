//! The endpoints, a file each: from a request to a use case, from its outcome to a response.

pub(super) mod account;
pub(super) mod authorize;
pub(super) mod check;
pub(super) mod form_body;
pub(super) mod health;
pub(super) mod introspect;
pub(super) mod logout;
pub(super) mod metadata;
pub(super) mod metrics;
pub(super) mod page;
pub(super) mod resource_metadata;
pub(super) mod revoke;
mod sign_in;
pub(super) mod token;
