//! Values as they may be shown: what opens nothing as it is, everything else cut.

use crate::domain::client::CLIENT_SECRET_PREFIX;
use crate::domain::token::{TokenKind, TokenValue};

/// What is shown as it is. All else may be a secret, or somebody's password in the wrong field.
const OPEN: [&str; 38] = [
    "acr_values",
    "active",
    "aud",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "decision",
    "development_owner",
    "error",
    "error_description",
    "error_uri",
    "exp",
    "expires_in",
    "grant_type",
    "iat",
    "iss",
    "issuer",
    "login_hint",
    "max_age",
    "method",
    "nonce",
    "path",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "service",
    "sub",
    "token_type",
    "token_type_hint",
    "ui_locales",
    "display",
    "redirect_url",
    "scopes",
    "audience",
    "redirect",
];

/// The most characters of a value that is shown.
const LONGEST: usize = 300;

/// A value of this name, cut where it could open anything.
pub(super) fn shown(name: &str, value: &str) -> String {
    if let Some(token) = TokenValue::parse(value) {
        // The identifier is what `token list` and `token show` call it.
        return format!("{}{}…", token.kind().prefix(), token.identifier());
    }
    let kinds = [
        TokenKind::AuthorizationCode,
        TokenKind::AccessToken,
        TokenKind::RefreshToken,
    ];
    let begins_like_a_secret = kinds
        .map(TokenKind::prefix)
        .into_iter()
        .chain([CLIENT_SECRET_PREFIX])
        .any(|prefix| value.starts_with(prefix));
    if begins_like_a_secret {
        return format!("{}…", value.chars().take(4).collect::<String>());
    }
    if name == "state" {
        // Enough to see whether it is the same one.
        return cut(value, 6);
    }
    if OPEN.contains(&name) {
        return cut(value, LONGEST);
    }
    format!("({} characters)", value.chars().count())
}

fn cut(value: &str, most: usize) -> String {
    let mut cut: String = value.chars().take(most).collect();
    if cut.len() < value.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_something_is_cut() {
        let token = format!("oat_{}{}", "0".repeat(13), "A".repeat(43));
        for (name, value, expected) in [
            ("client_id", "dev-client", "dev-client"),
            ("client_id", "ocs_abcdefgh", "ocs_…"),
            ("scope", &token, "oat_0000000000000…"),
            ("access_token", &token, "oat_0000000000000…"),
            ("client_secret", "hunter2hunter2", "(14 characters)"),
            ("username", "my password", "(11 characters)"),
            ("password", "secret", "(6 characters)"),
            ("state", "abcdefghij", "abcdef…"),
            ("code_verifier", "v", "(1 characters)"),
        ] {
            assert_eq!(shown(name, value), expected, "{name}");
        }
    }
}
