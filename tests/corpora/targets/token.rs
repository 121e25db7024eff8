//! The values that open doors: tokens, secrets, session cookies, PKCE.

use oauthctl::domain::client::ClientSecret;
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::pkce::{CodeChallenge, CodeVerifier};
use oauthctl::domain::secret::Secret;
use oauthctl::domain::session::SessionCookie;
use oauthctl::domain::token::{TokenKind, TokenValue};

pub(super) fn run(input: &[u8]) {
    let Some(text) = super::text(input) else { return };
    // Each is written in one way only: two texts never name the same value.
    if let Some(token) = TokenValue::parse(text) {
        assert_eq!(token.reveal(), text);
        assert!(text.starts_with(token.kind().prefix()));
        let kinds = [
            TokenKind::AuthorizationCode,
            TokenKind::AccessToken,
            TokenKind::RefreshToken,
        ];
        let others = kinds.into_iter().filter(|kind| *kind != token.kind());
        assert!(
            others
                .into_iter()
                .all(|kind| TokenValue::parse_as(kind, text).is_none())
        );
        assert!(!format!("{token:?}").contains(&token.secret().reveal()));
    }
    if let Some(cookie) = SessionCookie::parse(text) {
        assert_eq!(cookie.reveal(), text);
        assert!(TokenValue::parse(text).is_none());
    }
    if let Some(secret) = Secret::parse(text) {
        assert_eq!(secret.reveal(), text);
        assert!(secret.hash().matches(&Secret::parse(text).unwrap().hash()));
        assert!(!format!("{secret:?}").contains(text));
    }
    if let Ok(identifier) = text.parse::<Identifier>() {
        assert_eq!(identifier.to_string(), text);
        assert_eq!(Identifier::from_i64(identifier.as_i64()), Some(identifier));
    }
    if let Some(challenge) = CodeChallenge::parse(text) {
        assert_eq!(challenge.to_text(), text);
    }
    if let Some(verifier) = CodeVerifier::parse(text) {
        assert!((43..=128).contains(&text.len()));
        assert!(verifier.challenge().is_answered_by(&verifier));
        let challenge = CodeChallenge::parse(&verifier.challenge().to_text()).unwrap();
        assert!(challenge.is_answered_by(&verifier));
        assert!(!format!("{verifier:?}").contains(text));
    }
    match ClientSecret::import(text) {
        Ok(secret) => assert!((32..=255).contains(&text.len()) && secret.reveal() == text),
        Err(error) => super::assert_message(&error.to_string()),
    }
}
