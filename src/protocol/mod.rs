//! Floor 1: requests of the RFCs read into types, and decisions over records. Nothing here does input or output,
//! nothing knows HTTP or SQL.
//!
//! | file | what it holds |
//! |---|---|
//! | `parameters` | form-encoded parameters: known, repeated, empty |
//! | `authorization_request` | RFC 6749 §4.1.1: validated against the client, in the contract's order |
//! | `authorization_checks` | the same request taken apart for people: each check, and what mends it |
//! | `token_request_checks` | the same for an access token request that was refused |
//! | `caller_checks` | the same for whoever authenticates at the token endpoint, and at introspection and revocation |
//! | `access_token_checks` | the same for an access token that is shown and opens nothing |
//! | `redirect_uri_meant` | which redirect URI was probably meant by a wrong one |
//! | `authorization_error` | RFC 6749 §4.1.2.1: the codes that go back by redirect |
//! | `prompt` | OpenID Connect Core §3.1.2.1: which pages are shown, and whether any is |
//! | `client_authentication` | RFC 6749 §2.3.1: Basic and body |
//! | `token_request`, `token_error` | RFC 6749 §4.1.3, §6 and §5.2 |
//! | `exchange`, `refresh` | what to do with a code, and with a refresh token |
//! | `liveness` | whether an access token is active now |
//! | `resource_indicators` | RFC 8707: which resources a token is for |
//! | `check_request`, `check_resource`, `check` | stage 8: what is asked for and where, and whether a scope covers it |
//! | `explanation` | why the check says so, and what would change it |
//! | `bearer` | RFC 6750: reading the token |

pub mod access_token_checks;
pub mod authorization_checks;
pub mod authorization_error;
pub mod authorization_request;
pub mod bearer;
pub mod caller_checks;
pub mod check;
pub mod check_request;
pub mod check_resource;
pub mod client_authentication;
pub mod exchange;
pub mod explanation;
pub mod liveness;
pub mod parameters;
pub mod prompt;
pub mod redirect_uri_meant;
pub mod refresh;
pub mod resource_indicators;
pub mod token_error;
pub mod token_request;
pub mod token_request_checks;
