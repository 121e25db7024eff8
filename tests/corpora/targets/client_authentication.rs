//! Client authentication: an `Authorization` header on the first line, and a body behind it.

use data_encoding::BASE64;
use form_urlencoded::byte_serialize;
use oauthctl::protocol::bearer;
use oauthctl::protocol::client_authentication::{ClientCredentials, CredentialsError, credentials};
use oauthctl::protocol::parameters::Parameters;

const KNOWN: [&str; 2] = ["client_id", "client_secret"];

pub(super) fn run(input: &[u8]) {
    let (header, body) = super::first_line(input);
    let Some(header) = super::text(header) else { return };
    let body = Parameters::parse(body, &KNOWN);
    let in_body = credentials(None, &body);
    match &in_body {
        Ok(found) => {
            assert_eq!(body.get("client_id"), Some(found.id.as_str()));
            assert_eq!(body.get("client_secret"), Some(found.secret.reveal()));
            assert!(found.undecoded.is_none());
        }
        Err(error) => super::assert_message(&error.to_string()),
    }
    let both = credentials(Some(header), &body);
    // Two ways at once are never chosen between.
    if body.get("client_secret").is_some() {
        assert!(matches!(both, Err(CredentialsError::Twice)));
    }
    let alone = credentials(Some(header), &Parameters::default());
    match (&alone, &both) {
        (Ok(found), both) => {
            assert_credentials(found);
            if let Ok(both) = both {
                assert_eq!(both.id, found.id);
            }
            // What is Basic is not Bearer.
            assert_eq!(bearer::token(header), None);
        }
        (Err(error), both) => {
            assert_eq!(*error, CredentialsError::Malformed);
            assert!(both.is_err());
        }
    }
    if let Some(token) = bearer::token(header) {
        assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(bearer::token(&format!("Bearer {token}")), Some(token));
    }
}

/// Written as RFC 6749 §2.3.1 has it, the credentials are read again.
fn assert_credentials(found: &ClientCredentials) {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let (id, secret) = (found.id.as_str(), found.secret.reveal());
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    let header = format!("Basic {}", BASE64.encode(pair.as_bytes()));
    let again = credentials(Some(&header), &Parameters::default()).unwrap();
    assert_eq!((again.id.as_str(), again.secret.reveal()), (id, secret));
    // Within the bounds, and nothing of the secret is shown.
    assert!((1..=255).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
    let shown = format!("{found:?}");
    let undecoded = found.undecoded.as_ref().map_or("", |(id, _)| id.as_str());
    let stands_in_id = id.contains(secret) || undecoded.contains(secret);
    assert!(
        secret.len() < 16 || stands_in_id || !shown.contains(secret),
        "{shown}"
    );
}
