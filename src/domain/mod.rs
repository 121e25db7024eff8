//! Floor 0: types and rules that know nothing else.

pub mod audit;
pub mod client;
pub mod consent;
pub mod coverage;
pub mod declaration;
pub mod excerpt;
pub mod grant;
pub mod identifier;
pub mod issuer;
pub mod likeness;
pub mod network;
pub mod owner;
pub mod password;
pub mod pkce;
pub mod redirect_uri;
pub mod registration;
pub mod resource;
pub mod resource_server;
pub mod scope;
pub mod secret;
pub mod session;
pub mod shell;
pub mod span;
pub mod text;
pub mod token;
pub mod token_state;
