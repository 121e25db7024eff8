//! A code or token on stdin, in the forms in which people have one in hand.

use std::io::{self, BufRead, Read};

use serde_json::Value;

use super::exit::CliError;
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::bearer;
use crate::protocol::parameters::Parameters;

/// The most bytes that are read: the largest answer of a token endpoint is far smaller.
const LONGEST: u64 = 64 * 1024;

/// Why there is no token.
#[derive(Debug)]
pub(super) enum NoToken {
    /// What stands there is none, for this reason.
    Other(String),
    /// Nothing stands there, or it cannot be read.
    Failed(CliError),
}

impl From<NoToken> for CliError {
    fn from(error: NoToken) -> Self {
        match error {
            NoToken::Other(why) => Self::Usage(why),
            NoToken::Failed(error) => error,
        }
    }
}

/// What stands on stdin: a value alone or in quotes, `Bearer` and a value, the whole header, the JSON that holds an
/// `access_token`, or the URL to which a browser was sent with a `code`. No more is read than the first line, but for JSON,
/// which is read to its end.
///
/// # Errors
/// It is nothing of that.
pub(super) fn from_stdin() -> Result<TokenValue, NoToken> {
    read(&mut io::stdin().lock().take(LONGEST))
}

fn read(input: &mut impl BufRead) -> Result<TokenValue, NoToken> {
    let mut text = String::new();
    loop {
        let read = input.read_line(&mut text).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => none("what stands on stdin is not text in UTF-8"),
            _ => NoToken::Failed(CliError::io("read stdin")(error)),
        })?;
        let so_far = text.trim();
        if so_far.starts_with('{') {
            match serde_json::from_str(so_far) {
                Ok(json) => return of_json(&json),
                Err(_) if read == 0 => {
                    return Err(none("what stands on stdin begins like JSON, and is none"));
                }
                Err(_) => {}
            }
        } else if !so_far.is_empty() {
            return of_line(so_far);
        } else if read == 0 {
            return Err(NoToken::Failed(CliError::Usage(
                "there is no token on stdin; it is expected on the first line".to_owned(),
            )));
        }
    }
}

fn none(what: &str) -> NoToken {
    NoToken::Other(format!(
        "{what}: this is no token of this server; its codes and tokens begin with oac_, oat_ or ort_, and have 60 characters"
    ))
}

fn of_json(json: &Value) -> Result<TokenValue, NoToken> {
    let value = json["access_token"].as_str().and_then(TokenValue::parse);
    value
        .filter(|value| value.kind() == TokenKind::AccessToken)
        .ok_or_else(|| none("the JSON on stdin has no `access_token` that is one here"))
}

fn of_line(line: &str) -> Result<TokenValue, NoToken> {
    let text = unquoted(line);
    let text = match text.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.trim(),
        _ => text,
    };
    let bare = bearer::token(text).unwrap_or(text);
    if let Some(value) = TokenValue::parse(bare) {
        return Ok(value);
    }
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    if !before.contains("://") {
        return Err(none("what stands on stdin is something else"));
    }
    let query = query.split('#').next().unwrap_or_default();
    let parameters = Parameters::parse(query.as_bytes(), &["code"]);
    let code = parameters.get("code").and_then(TokenValue::parse);
    code.filter(|value| value.kind() == TokenKind::AuthorizationCode)
        .ok_or_else(|| none("the URL on stdin has no `code` that is one here"))
}

/// Without one pair of quotes around it.
fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::identifier::Identifier;
    use crate::domain::secret::Secret;
    use crate::entropy::SeededEntropy;

    fn value(kind: TokenKind) -> String {
        let secret = Secret::generate(&SeededEntropy::new(1)).unwrap();
        TokenValue::new(kind, Identifier::at(Timestamp::from_millis(1), 7), secret).reveal()
    }

    fn found(text: &str) -> Result<String, String> {
        match read(&mut text.as_bytes()) {
            Ok(value) => Ok(value.reveal()),
            Err(error) => Err(CliError::from(error).to_string()),
        }
    }

    #[test]
    fn it_is_found_in_the_forms_in_which_people_have_it() {
        let [code, access, refresh] = [
            TokenKind::AuthorizationCode,
            TokenKind::AccessToken,
            TokenKind::RefreshToken,
        ]
        .map(value);
        for (text, expected) in [
            (access.clone(), &access),
            (format!("\n  {refresh}\r\n"), &refresh),
            (format!("{access}\nwhatever\n"), &access),
            (format!("Bearer {access}"), &access),
            (format!("Authorization: Bearer {access}\n"), &access),
            (format!("authorization:bearer {access}\n"), &access),
            (format!("\"{access}\""), &access),
            (format!("'Authorization: Bearer {access}'"), &access),
            (
                format!("{{\n  \"refresh_token\": \"{refresh}\",\n  \"access_token\": \"{access}\"\n}}\n"),
                &access,
            ),
            (format!("{{\"access_token\":\"{access}\"}}"), &access),
            (
                format!("http://127.0.0.1:9000/callback?state=x&code={code}&iss=y#z"),
                &code,
            ),
            (format!("'https://app.example/cb?code={code}'"), &code),
        ] {
            assert_eq!(found(&text).as_ref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_believed() {
        let [code, access] = [TokenKind::AuthorizationCode, TokenKind::AccessToken].map(value);
        let cut = &access[..access.len() - 1];
        for (text, told) in [
            (String::new(), "there is no token on stdin"),
            ("\n \n".to_owned(), "there is no token on stdin"),
            (cut.to_owned(), "this is no token"),
            (format!("{access} {access}"), "this is no token"),
            (format!("nonsense\n{access}"), "this is no token"),
            (format!("Basic {access}"), "this is no token"),
            (format!("Cookie: {access}"), "this is no token"),
            (format!("{{\"token\":\"{access}\"}}"), "no `access_token`"),
            (format!("{{\"access_token\":\"{code}\"}}"), "no `access_token`"),
            (format!("{{\"access_token\":\"{access}\""), "begins like JSON"),
            (format!("http://a/cb?code={code}&code={code}"), "no `code`"),
            (format!("http://a/cb?code={access}"), "no `code`"),
            (format!("http://a/cb#code={code}"), "no `code`"),
            ("x".repeat(100_000), "this is no token"),
            ("é".repeat(30), "this is no token"),
        ] {
            let error = found(&text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
            assert!(!error.contains(&access[20..]), "{error}");
        }
    }
}
