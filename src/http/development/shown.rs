//! Names and values as they may be shown: what opens nothing as it is, everything else cut.

use percent_encoding::percent_decode_str;

use crate::domain::client::CLIENT_SECRET_PREFIX;
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::authorization_checks::{Check, Remedy};

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

/// Of these fields of the head, checks repeat the media type, and the scheme as [`scheme`] shows it.
const FIELDS: [&str; 2] = ["Authorization", "Content-Type"];

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
        return cut(&text(value), 6);
    }
    if OPEN.contains(&name) {
        return cut(&text(value), LONGEST);
    }
    counted(value)
}

/// What a check says. Somebody may have put a token into each parameter, and what is told of it repeats that.
pub(super) fn check(check: Check) -> Check {
    let received = check.received.map(|received| {
        let shown = if FIELDS.contains(&&*check.parameter) {
            cut(&text(&received), LONGEST)
        } else {
            shown(&check.parameter, &received)
        };
        let alike = check
            .differs_at
            .filter(|&at| shown.get(..at).is_some() && shown.get(..at) == received.get(..at));
        (shown, alike)
    });
    let of_words = |words: Vec<String>| words.iter().map(|word| text(word)).collect();
    let remedy = |remedy| match remedy {
        Remedy::Command(words) => Remedy::Command(of_words(words)),
        Remedy::Why(words) => Remedy::Why(of_words(words)),
        Remedy::Client(advice) => Remedy::Client(text(&advice)),
    };
    Check {
        parameter: text(&check.parameter),
        told: text(&check.told),
        differs_at: received.as_ref().and_then(|(_, alike)| *alike),
        received: received.map(|(shown, _)| shown),
        expected: check.expected.iter().map(|expected| text(expected)).collect(),
        remedies: check.remedies.into_iter().map(remedy).collect(),
        ..check
    }
}

/// A text with everything cut that can be told to be a secret of this server, wherever it stands, and percent-encoded or
/// not.
pub(super) fn text(text: &str) -> String {
    let units = units(text);
    let mut shown = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    let mut is_within_word = false;
    while let Some((unit, rest)) = units.get(at..).and_then(<[Unit]>::split_first) {
        let Some((cut, length)) = secret_at(unit, rest, is_within_word) else {
            at += 1;
            is_within_word = is_of_secret(unit.byte);
            continue;
        };
        at += length;
        is_within_word = false;
        shown.push_str(text.get(copied..unit.start).unwrap_or_default());
        shown.push_str(&cut);
        copied = units.get(at).map_or(text.len(), |next| next.start);
    }
    shown.push_str(text.get(copied..).unwrap_or_default());
    shown
}

/// The fewest characters behind its prefix of a secret within a word: `goat_cheese` is none.
const FEWEST_WITHIN: usize = 16;

/// The secret that begins there, cut, and how many units it has.
fn secret_at(first: &Unit, rest: &[Unit], is_within_word: bool) -> Option<(String, usize)> {
    let mut found = String::new();
    let mut length = 0;
    for (number, unit) in std::iter::once(first).chain(rest).enumerate() {
        if is_of_secret(unit.byte) {
            found.push(char::from(unit.byte));
            length = number + 1;
            if found.len() == PREFIX_CHARS && !begins_like_a_secret(&found) {
                return None;
            }
        } else if !matches!(unit.byte, b'\r' | b'\n' | b'\t' | b'\\' | b'?') || found.len() < PREFIX_CHARS {
            break;
        }
        // Somebody who copies out of a terminal copies line breaks too; what is told says `\n` for one, and an
        // `error_description`, in which no backslash may be, `?n`.
    }
    // A prefix alone is told by the server itself.
    let fewest = if is_within_word { FEWEST_WITHIN } else { 1 };
    if found.len() < PREFIX_CHARS + fewest {
        return None;
    }
    Some((secret(&found)?, length))
}

/// A byte that a text means, and where what stands for it begins: `o`, `%6f` and `%256f` are one.
struct Unit {
    byte: u8,
    start: usize,
}

/// How often a text is decoded at most: a URL in a parameter of a URL is encoded twice, and that in a third one thrice.
const MOST_LAYERS: usize = 8;

fn units(text: &str) -> Vec<Unit> {
    let bytes = text.bytes().enumerate();
    let mut units: Vec<Unit> = bytes.map(|(start, byte)| Unit { byte, start }).collect();
    for _ in 0..MOST_LAYERS {
        let before = units.len();
        units = decoded(&units);
        if units.len() == before {
            break;
        }
    }
    units
}

/// One layer of percent-encoding less.
fn decoded(mut units: &[Unit]) -> Vec<Unit> {
    let digit = |unit: &Unit| {
        char::from(unit.byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut decoded = Vec::with_capacity(units.len());
    while let Some((first, rest)) = units.split_first() {
        let pair = match rest {
            [high, low, ..] if first.byte == b'%' => digit(high).zip(digit(low)),
            _ => None,
        };
        let (byte, length) = pair.map_or((first.byte, 1), |(high, low)| (high * 16 + low, 3));
        decoded.push(Unit {
            byte,
            start: first.start,
        });
        units = units.get(length..).unwrap_or_default();
    }
    decoded
}

/// Base64url, as all of ours are written.
fn is_of_secret(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// How long the prefixes are.
const PREFIX_CHARS: usize = 4;

fn begins_like_a_secret(text: &str) -> bool {
    let kinds = [
        TokenKind::AuthorizationCode,
        TokenKind::AccessToken,
        TokenKind::RefreshToken,
    ];
    let prefixes = kinds.map(TokenKind::prefix).into_iter();
    prefixes
        .chain([CLIENT_SECRET_PREFIX])
        .any(|prefix| text.starts_with(prefix))
}

/// What can be told from its form to be a secret of this server, or an attempt at one, cut.
fn secret(value: &str) -> Option<String> {
    if let Some(token) = TokenValue::parse(value) {
        // The identifier is what `token list` and `token show` call it.
        return Some(format!("{}{}…", token.kind().prefix(), token.identifier()));
    }
    begins_like_a_secret(value).then(|| format!("{}…", value.chars().take(PREFIX_CHARS).collect::<String>()))
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
        secret(name).unwrap_or_else(|| text(name))
    } else {
        counted(name)
    };
    (known, shown(name, value))
}

/// A path; somebody may have put a token into it.
pub(super) fn path(path: &str) -> String {
    let segments = path.split('/');
    let segments: Vec<String> = segments
        .map(|segment| secret(segment).unwrap_or_else(|| text(segment)))
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
            (Some(name), Some(value))
                if OPEN.contains(&&*name) && secret(&value).is_none() && text(&value) == value =>
            {
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
    use percent_encoding::percent_encode_byte;

    use super::*;
    use crate::protocol::authorization_checks::Verdict;

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
    fn a_secret_is_cut_wherever_it_stands() {
        let token = format!("oat_{}{}", "0".repeat(13), "A".repeat(43));
        let secret = format!("ocs_{}", "b".repeat(43));
        let encoded = |text: &str| -> String { text.bytes().map(percent_encode_byte).collect() };
        for (given, expected) in [
            (
                format!("http://x/cb?code={token}&a=b"),
                "http://x/cb?code=oat_0000000000000…&a=b",
            ),
            (
                format!("the scope {secret} does not exist"),
                "the scope ocs_… does not exist",
            ),
            (format!("{secret},{token}"), "ocs_…,oat_0000000000000…"),
            (format!("é{secret}é"), "éocs_…é"),
            (format!("within{token}"), "withinoat_0000000000000…"),
            (
                format!("http%3A%2F%2Fx%3Fcode%3D{token}%26a"),
                "http%3A%2F%2Fx%3Fcode%3Doat_0000000000000…%26a",
            ),
            (format!("{}%20a", encoded(&secret)), "ocs_…%20a"),
            (
                format!("a={}", encoded(&encoded(&encoded(&token)))),
                "a=oat_0000000000000…",
            ),
            (secret.replace('_', "%25255F"), "ocs_…"),
            (format!("{}\r\n{} b", &secret[..20], &secret[20..]), "ocs_… b"),
            (
                format!("`{}?{}?` is none", &secret[..20], &secret[20..]),
                "`ocs_…?` is none",
            ),
            ("oac_cut off".to_owned(), "oac_… off"),
        ] {
            assert_eq!(text(&given), expected);
        }
        for harmless in [
            "",
            "%",
            "%o",
            "%zzoac",
            "goat_cheese",
            "oat",
            "short_cut",
            "é%",
            "begins with oac_, and",
        ] {
            assert_eq!(text(harmless), harmless);
        }
    }

    #[test]
    fn a_check_repeats_no_secret() {
        let secret = format!("ocs_{}", "b".repeat(43));
        let sent = format!("http://127.0.0.1/cb?{secret}");
        let checked = check(Check {
            parameter: "redirect_uri".to_owned(),
            verdict: Verdict::Failed,
            told: format!("{sent} is not registered"),
            received: Some(sent.clone()),
            expected: vec!["http://127.0.0.1/".to_owned(), sent.clone()],
            is_registered: true,
            differs_at: Some(17),
            remedies: vec![
                Remedy::Command(vec!["add".to_owned(), sent.clone()]),
                Remedy::Client(format!("leave {sent} out")),
            ],
        });
        assert!(!format!("{checked:?}").contains("bbb"), "{checked:?}");
        assert_eq!(checked.received.as_deref(), Some("http://127.0.0.1/cb?ocs_…"));
        assert_eq!(checked.differs_at, Some(17), "what comes before it is as it was");
        for (parameter, received, expected) in [
            ("Content-Type", "application/json", "application/json"),
            ("Content-Type", &secret, "ocs_…"),
            ("Authorization", "Basic …", "Basic …"),
            ("code_verifier", "too short", "(9 characters)"),
        ] {
            let checked = check(Check {
                parameter: parameter.to_owned(),
                received: Some(received.to_owned()),
                ..checked.clone()
            });
            assert_eq!(checked.received.as_deref(), Some(expected), "{parameter}");
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
