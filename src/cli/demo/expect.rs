//! What a stage expects. Each fault says what was expected and what came instead, without secrets.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::http_client::Answer;

pub(super) fn status(answer: &Answer, expected: u16) -> Result<()> {
    let error = match answer.error() {
        Some((error, Some(description))) => format!(" ({error}: {description})"),
        Some((error, None)) => format!(" ({error})"),
        None => String::new(),
    };
    ensure!(
        answer.status() == expected,
        "expected status {expected}, got {}{error}",
        answer.status_line()
    );
    Ok(())
}

/// A refusal as RFC 6749 §5.2 writes it.
pub(super) fn refusal(answer: &Answer, expected_status: u16, expected_error: &str) -> Result<()> {
    status(answer, expected_status)?;
    let error = answer.error().map(|(error, _)| error).unwrap_or_default();
    same("the error", &error, expected_error)
}

/// Whether `got` is `expected`; neither is a secret.
pub(super) fn same(what: &str, got: &str, expected: &str) -> Result<()> {
    ensure!(got == expected, "expected {what} to be `{expected}`, got `{got}`");
    Ok(())
}

/// Whether `text` is in a page.
pub(super) fn shows(answer: &Answer, text: &str) -> Result<()> {
    ensure!(
        answer.body().contains(text),
        "expected a page that shows `{text}`, got one that does not"
    );
    Ok(())
}

/// A member of a JSON object that is a text.
pub(super) fn text(object: &Value, name: &str) -> Result<String> {
    let found = object.get(name).and_then(Value::as_str).map(str::to_owned);
    found.with_context(|| format!("expected a text `{name}` in the answer, got none"))
}

/// A header field.
pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> Result<&'a str> {
    answer
        .header(name)
        .with_context(|| format!("expected a header field {name}, got none"))
}
