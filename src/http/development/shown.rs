//! Names and values as they may be shown: what opens nothing as it is, everything else cut.

use percent_encoding::percent_decode_str;

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

/// Names that are known, of values that are not shown as they are.
const CLOSED: [&str; 11] = [
    "access_token",
    "client_secret",
    "code",
    "code_verifier",
    "form_token",
    "password",
    "refresh_token",
    "request",
    "state",
    "token",
    "username",
];

/// The schemes that are known by name (RFC 9110 §11.1 and its registry).
const SCHEMES: [&str; 6] = ["Basic", "Bearer", "Digest", "DPoP", "Negotiate", "Token"];

/// The most characters of a value that is shown.
const LONGEST: usize = 300;

/// The most characters of a name.
const LONGEST_NAME: usize = 60;

/// The most characters of a path.
const LONGEST_PATH: usize = 200;

/// A value of this name, cut where it could open anything.
pub(super) fn shown(name: &str, value: &str) -> String {
    if let Some(cut) = secret(value) {
        return cut;
    }
    if name == "state" {
        // Enough to see whether it is the same one.
        return cut(value, 6);
    }
    if OPEN.contains(&name) {
        return cut(value, LONGEST);
    }
    counted(value)
}

/// What can be told from its form to be a secret of this server, or an attempt at one, cut.
fn secret(value: &str) -> Option<String> {
    if let Some(token) = TokenValue::parse(value) {
        // The identifier is what `token list` and `token show` call it.
        return Some(format!("{}{}…", token.kind().prefix(), token.identifier()));
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
    begins_like_a_secret.then(|| format!("{}…", value.chars().take(4).collect::<String>()))
}

fn counted(value: &str) -> String {
    match value.chars().count() {
        1 => "(1 character)".to_owned(),
        count => format!("({count} characters)"),
    }
}

/// A parameter. A name is one only where it looks like one and has a value: a body in JSON is a name to whoever reads it
/// as a form, and so is a password alone.
pub(super) fn parameter(name: &str, value: &str) -> (String, String) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']');
    let is_name = OPEN.contains(&name)
        || CLOSED.contains(&name)
        || (!value.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_plain));
    let known = if is_name {
        secret(name).unwrap_or_else(|| name.to_owned())
    } else {
        counted(name)
    };
    (known, shown(name, value))
}

/// A path; somebody may have put a token into it.
pub(super) fn path(path: &str) -> String {
    let segments = path.split('/');
    let segments: Vec<String> = segments
        .map(|segment| secret(segment).unwrap_or_else(|| segment.to_owned()))
        .collect();
    cut(&segments.join("/"), LONGEST_PATH)
}

/// How somebody authenticates; never what with.
pub(super) fn scheme(header: &str) -> String {
    let first = header.split(' ').next().unwrap_or_default();
    if SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(first)) {
        format!("{first} …")
    } else {
        // A secret without a scheme.
        counted(header)
    }
}

/// The query of an authorization request such that it is explained as the one that came: what the server looks at stays,
/// letter by letter, and all else is cut. Of `state` nothing counts but that it is there, and text.
pub(super) fn authorization_request(query: &str) -> String {
    let cut = |pair: &str| {
        let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |raw: &str| {
            let raw = raw.replace('+', " ");
            let decoded = percent_decode_str(&raw).decode_utf8();
            decoded.ok().map(std::borrow::Cow::into_owned)
        };
        match (decode(raw_name), decode(raw_value)) {
            (Some(name), Some(value)) if OPEN.contains(&&*name) && secret(&value).is_none() => {
                pair.to_owned()
            }
            (Some(name), Some(value)) if value.is_empty() => parameter(&name, "").0,
            (Some(name), Some(value)) => {
                let (name, value) = parameter(&name, &value);
                form_urlencoded::Serializer::new(String::new())
                    .append_pair(&name, &value)
                    .finish()
            }
            // No text, as it was none.
            (Some(name), None) => format!("{}=%FF", parameter(&name, "?").0),
            (None, _) => "%FF=".to_owned(),
        }
    };
    let pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(cut)
        .collect();
    pairs.join("&")
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
            ("code_verifier", "v", "(1 character)"),
        ] {
            assert_eq!(shown(name, value), expected, "{name}");
        }
    }

    #[test]
    fn a_secret_in_an_odd_place_is_cut_too() {
        let token = format!("oat_{}{}", "0".repeat(13), "A".repeat(43));
        for (name, value, expected) in [
            ("foo[bar]", "x", "foo[bar]"),
            ("scope", "", "scope"),
            (r#"{"client_secret":"hunter2"}"#, "", "(27 characters)"),
            ("hunter2", "", "(7 characters)"),
            ("ocs_abcdefgh", "x", "ocs_…"),
            ("\u{1b}[31m", "x", "(5 characters)"),
        ] {
            assert_eq!(parameter(name, value).0, expected);
        }
        assert_eq!(path(&format!("/check/{token}/a")), "/check/oat_0000000000000…/a");
        for (header, expected) in [
            ("Basic YTpi", "Basic …"),
            ("bearer x", "bearer …"),
            ("ocs_abcdefgh", "(12 characters)"),
            ("correct horse", "(13 characters)"),
        ] {
            assert_eq!(scheme(header), expected);
        }
    }

    #[test]
    fn of_an_authorization_request_stays_what_the_server_looks_at() {
        for (query, expected) in [
            (
                "client_id=a%20b&redirect_uri=http%3a%2f%2fx",
                "client_id=a%20b&redirect_uri=http%3a%2f%2fx",
            ),
            ("state=abcdefghij&state=", "state=abcdef%E2%80%A6&state"),
            ("state=%ff", "state=%FF"),
            (
                "client_secret=hunter2&x=y",
                "client_secret=%287+characters%29&x=%281+character%29",
            ),
            ("client_id=ocs_hunter2", "client_id=ocs_%E2%80%A6"),
            ("hunter2", "(7 characters)"),
            ("%ff=a&&scope", "%FF=&scope"),
        ] {
            assert_eq!(authorization_request(query), expected, "{query}");
        }
        for name in crate::protocol::authorization_request::KNOWN {
            assert!(name == "state" || OPEN.contains(&name), "{name}");
        }
    }
}
