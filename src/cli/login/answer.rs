//! The authorization response, and whether it is to be believed.

use crate::cli::exit::CliError;
use crate::domain::excerpt::excerpt;
use crate::domain::secret::equal_in_constant_time;
use crate::protocol::parameters::Parameters;

/// What an authorization response may hold (RFC 6749 §4.1.2, RFC 9207 §2).
const KNOWN: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

/// What was sent with the request, and what has to come back.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) state: String,
    pub(super) issuer: String,
    /// Whether the server says that it always sends `iss`.
    pub(super) sends_issuer: bool,
}

impl Expected {
    /// The parameters in `query`, where they have the state that was sent (RFC 6749 §10.12). Anything else is not an
    /// answer to this request, whoever sent it.
    pub(super) fn own(&self, query: &str) -> Option<Parameters> {
        let parameters = Parameters::parse(query.as_bytes(), &KNOWN);
        let state = parameters.get("state")?;
        equal_in_constant_time(state.as_bytes(), self.state.as_bytes()).then_some(parameters)
    }

    /// The code in an answer to this request.
    ///
    /// # Errors
    /// An answer of another server (RFC 9207 §2.4), and what the server refused.
    pub(super) fn code(&self, answer: &Parameters) -> Result<String, CliError> {
        if let Some((name, flaw)) = answer.first_flaw() {
            return Err(failed(format!("the answer cannot be used: `{name}` {flaw}")));
        }
        match answer.get("iss") {
            Some(issuer) if issuer == self.issuer => {}
            None if !self.sends_issuer => {}
            Some(other) => {
                return Err(failed(format!(
                    "the answer says that it comes from {}, and {} was asked; it is not used",
                    excerpt(other),
                    self.issuer
                )));
            }
            None => {
                return Err(failed(format!(
                    "the answer does not say which server it comes from (`iss`), and {} always does; it is not used",
                    self.issuer
                )));
            }
        }
        if let Some(error) = answer.get("error") {
            return Err(failed(refusal(error, answer.get("error_description"))));
        }
        answer
            .get("code")
            .map(str::to_owned)
            .ok_or_else(|| failed("the answer has neither a code nor an error".to_owned()))
    }
}

/// An error of the server (RFC 6749 §4.1.2.1 and §5.2), such that it does nothing to a terminal.
pub(super) fn refusal(error: &str, description: Option<&str>) -> String {
    let meaning = match error {
        "access_denied" => "the resource owner denied it, or nothing was granted",
        "invalid_scope" => "that scope is unknown, or the client may not have it",
        "invalid_target" => "that resource is unknown, or not to be had",
        "invalid_client" => "the client is not known, or its secret is not the right one",
        "unauthorized_client" => "the client may not do this",
        "invalid_grant" => "what was presented is not good, or no longer",
        _ => "the server refused",
    };
    // The description is the server's own, and as long as it likes.
    let description = description.map(|text| {
        let shown: String = text
            .chars()
            .filter(|&c| !crate::domain::text::is_hidden(c))
            .take(300)
            .collect();
        format!(": {shown}")
    });
    format!(
        "{meaning} ({}){}",
        excerpt(error).trim_matches('`'),
        description.unwrap_or_default()
    )
}

fn failed(message: String) -> CliError {
    CliError::Failed(anyhow::Error::msg(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(sends_issuer: bool) -> Expected {
        Expected {
            state: "af0ifjsldkj".to_owned(),
            issuer: "https://id.example".to_owned(),
            sends_issuer,
        }
    }

    #[test]
    fn only_the_state_that_was_sent_is_an_answer() {
        for query in [
            "",
            "code=a",
            "code=a&state=",
            "code=a&state=other",
            "state=af0ifjsldkj&state=af0ifjsldkj",
        ] {
            assert!(expected(true).own(query).is_none(), "{query}");
        }
        assert!(expected(true).own("code=a&state=af0ifjsldkj").is_some());
    }

    #[test]
    fn the_code_of_another_server_is_not_used() {
        let code = |sends_issuer: bool, query: &str| {
            let expected = expected(sends_issuer);
            let answer = expected.own(&format!("state=af0ifjsldkj&{query}")).unwrap();
            expected.code(&answer).map_err(|error| error.to_string())
        };
        assert_eq!(code(true, "code=a&iss=https://id.example"), Ok("a".to_owned()));
        assert_eq!(code(false, "code=a"), Ok("a".to_owned()));
        for (sends_issuer, query, reason) in [
            (true, "code=a", "`iss`"),
            (true, "code=a&iss=https://evil.example", "comes from"),
            (false, "code=a&iss=https://evil.example", "comes from"),
            (false, "error=x&iss=https://evil.example", "comes from"),
            (false, "code=a&code=b", "more than once"),
            (false, "x=y", "neither"),
            (false, "error=access_denied&code=a", "denied it"),
            (
                false,
                "error=%1b[31m&error_description=a%1bb",
                "(\\u{1b}[31m): ab",
            ),
        ] {
            let error = code(sends_issuer, query).unwrap_err();
            assert!(error.contains(reason), "{query}: {error}");
        }
    }
}
