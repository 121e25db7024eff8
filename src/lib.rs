//! An OAuth 2.0 authorization server for the authorization code grant with confidential clients.

pub mod clock;
pub mod domain;
pub mod entropy;
