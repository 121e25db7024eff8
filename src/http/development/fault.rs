//! Faults on demand: how the next answer of an endpoint fails.

use std::fmt;
use std::time::Duration;

use crate::authorization_server::{Considered, noted};
use crate::domain::span::{self, Span};
use crate::http::app::App;
use crate::http::endpoints::check::challenge;
use crate::http::endpoints::page::on_demand;
use crate::http::error::json_error;
use crate::http::header_value::HeaderValue;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::router::Endpoint;
use crate::protocol::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::token_error::{TokenError, TokenErrorCode};

/// The description of every error that was asked for.
pub(super) const ON_DEMAND: &str = "asked for by oauthctl dev fail";

/// The endpoints that can fail.
const ENDPOINTS: [&str; 9] = [
    "authorize",
    "token",
    "revoke",
    "introspect",
    "check",
    "account",
    "metadata",
    "healthz",
    "readyz",
];

/// Of answers that some server or proxy gives where OAuth has no say.
const STATUSES: [u16; 5] = [429, 500, 502, 503, 504];

/// RFC 7009 §2.2.1.
const UNSUPPORTED_TOKEN_TYPE: &str = "unsupported_token_type";

/// The longest that an answer is held up.
const SLOWEST: Duration = Duration::from_secs(300);

/// How the next requests at an endpoint are to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the endpoint.
    pub endpoint: &'static str,
    /// How many more requests fail so.
    pub times: u32,
    pub(super) how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// RFC 6749 §4.1.2.1, by redirect.
    Authorization(AuthorizationErrorCode),
    /// RFC 6749 §5.2.
    Token(TokenErrorCode),
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// RFC 6750 §3.1.
    Bearer(Bearer),
    /// An answer of this status.
    Status(u16),
    /// The answer comes late.
    Slow(Duration),
    /// Everything is done as ever, and the answer is lost on the way: the connection closes without a word.
    Lost,
}

/// What proves that an answer is to be lost because somebody has asked for that: only a fault on demand makes it.
///
/// ```compile_fail,E0423
/// let forged = oauthctl::http::development::LostOnDemand(());
/// ```
#[derive(Debug)]
pub struct LostOnDemand(());

/// This answer, which does not reach whoever waits for it.
pub(super) fn lost(response: Response) -> Response {
    response.lost(&LostOnDemand(()))
}

/// Errors of a resource server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    InvalidToken,
    InsufficientScope,
}

impl Bearer {
    const ALL: [Self; 2] = [Self::InvalidToken, Self::InsufficientScope];

    fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    pub(super) fn response(self) -> Response {
        let status = match self {
            Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
        };
        challenge(status, self.as_str(), ON_DEMAND)
    }
}

/// The fault cannot be, and what can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(String);

impl Fault {
    /// From the words of a command: the endpoint, and how it fails (`invalid_grant`, `500`, `slow 3s`, `lost`).
    ///
    /// # Errors
    /// There is no such endpoint, or it cannot fail so.
    pub fn parse(endpoint: &str, how: &[String], times: u32) -> Result<Self, FaultError> {
        let Some(endpoint) = ENDPOINTS.into_iter().find(|known| *known == endpoint) else {
            return Err(FaultError(format!(
                "there is no endpoint `{endpoint}` that can fail; there are {}",
                ENDPOINTS.join(", ")
            )));
        };
        let words: Vec<&str> = how.iter().flat_map(|words| words.split_whitespace()).collect();
        let how = match words.as_slice() {
            ["slow", length] => slow(length)?,
            ["lost"] => How::Lost,
            [word] => named(endpoint, word).ok_or_else(|| unknown(endpoint, word))?,
            words => return Err(unknown(endpoint, &words.join(" "))),
        };
        Ok(Self {
            endpoint,
            times: times.max(1),
            how,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::Authorization(code) => f.write_str(code.as_str()),
            How::Token(code) => f.write_str(code.as_str()),
            How::UnsupportedTokenType => f.write_str(UNSUPPORTED_TOKEN_TYPE),
            How::Bearer(error) => f.write_str(error.as_str()),
            How::Status(status) => write!(f, "{status}"),
            How::Slow(length) => write!(f, "slow {}", span::format(*length)),
            How::Lost => f.write_str("lost"),
        }
    }
}

fn slow(length: &str) -> Result<How, FaultError> {
    let length: Span = length
        .parse()
        .map_err(|error| FaultError(format!("slow {length}: {error}")))?;
    if length.duration() > SLOWEST {
        return Err(FaultError(format!(
            "an answer can be held up for {} at most",
            span::format(SLOWEST)
        )));
    }
    Ok(How::Slow(length.duration()))
}

fn named(endpoint: &str, word: &str) -> Option<How> {
    if let Ok(status) = word.parse::<u16>() {
        return STATUSES.contains(&status).then_some(How::Status(status));
    }
    match endpoint {
        "authorize" => AuthorizationErrorCode::ALL
            .into_iter()
            .find(|code| code.as_str() == word)
            .map(How::Authorization),
        "revoke" if word == UNSUPPORTED_TOKEN_TYPE => Some(How::UnsupportedTokenType),
        "token" | "revoke" | "introspect" => token_errors(endpoint)
            .iter()
            .find(|code| code.as_str() == word)
            .map(|code| How::Token(*code)),
        "check" => Bearer::ALL
            .into_iter()
            .find(|error| error.as_str() == word)
            .map(How::Bearer),
        _ => None,
    }
}

/// Which errors of RFC 6749 §5.2 an endpoint can answer with: what has no grant in it can be refused for none.
fn token_errors(endpoint: &str) -> &'static [TokenErrorCode] {
    match endpoint {
        "token" => &TokenErrorCode::ALL,
        // RFC 7009 §2.2.1.
        "revoke" => &[
            TokenErrorCode::InvalidRequest,
            TokenErrorCode::InvalidClient,
            TokenErrorCode::UnauthorizedClient,
        ],
        // RFC 7662 §2.3.
        _ => &[TokenErrorCode::InvalidRequest, TokenErrorCode::InvalidClient],
    }
}

/// A token of a kind that cannot be revoked.
pub(super) fn unsupported_token_type() -> Response {
    json_error(400, UNSUPPORTED_TOKEN_TYPE, ON_DEMAND)
}

fn unknown(endpoint: &str, how: &str) -> FaultError {
    let errors: Vec<&str> = match endpoint {
        "authorize" => AuthorizationErrorCode::ALL
            .map(AuthorizationErrorCode::as_str)
            .to_vec(),
        "token" | "revoke" | "introspect" => {
            let codes = token_errors(endpoint).iter().map(|code| code.as_str());
            codes
                .chain((endpoint == "revoke").then_some(UNSUPPORTED_TOKEN_TYPE))
                .collect()
        }
        "check" => Bearer::ALL.map(Bearer::as_str).to_vec(),
        _ => Vec::new(),
    };
    let statuses: Vec<String> = STATUSES.iter().map(ToString::to_string).collect();
    let mut ways: Vec<&str> = errors;
    ways.extend(statuses.iter().map(String::as_str));
    ways.extend(["slow SPAN", "lost"]);
    FaultError(format!(
        "{endpoint} cannot fail by `{how}`; it can by {}",
        ways.join(", ")
    ))
}

pub(super) fn token(code: TokenErrorCode) -> TokenError {
    TokenError::new(code, ON_DEMAND)
}

/// An answer of this status, as this server or a proxy before it gives it: to browsers a page.
pub(super) fn status(app: &App, request: &Request, endpoint: Endpoint, status: u16) -> Response {
    let error = match status {
        429 => match endpoint {
            // As where too many secrets were wrong.
            Endpoint::Token(_) | Endpoint::Revoke | Endpoint::Introspect => "invalid_client",
            _ => "temporarily_unavailable",
        },
        500 => "server_error",
        _ => "temporarily_unavailable",
    };
    let response = match endpoint {
        Endpoint::Authorize | Endpoint::Account => on_demand(app, request, status),
        _ => json_error(status, error, ON_DEMAND),
    };
    if matches!(status, 429 | 503) {
        response.header("Retry-After", HeaderValue::seconds(1))
    } else {
        response
    }
}

/// The authorization request, where it is one that is good, and has not been answered yet.
pub(super) fn answerable(app: &App, request: &Request) -> Option<AuthorizationRequest> {
    if request.method() == "POST" {
        return None;
    }
    let cookie = app.cookies.read(request);
    match app.server.consider(request.query(), cookie.as_ref()).ok()? {
        Considered::SignIn(asking)
        | Considered::Ask { request: asking, .. }
        | Considered::Remembered { request: asking, .. } => Some(asking),
        _ => None,
    }
}

/// The redirect with this error.
pub(super) fn refused(app: &App, asking: &AuthorizationRequest, code: AuthorizationErrorCode) -> Response {
    let refusal = asking.refuse(AuthorizationError::new(code, ON_DEMAND));
    noted::outcome("request refused");
    noted::error(code.as_str());
    let to = refusal.response(app.server.issuer().as_str());
    Response::redirect(302, HeaderValue::encoded(&to))
        .header("Cache-Control", HeaderValue::from_static("no-store"))
        .header("Referrer-Policy", HeaderValue::from_static("no-referrer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(endpoint: &str, how: &str) -> Result<String, FaultError> {
        let words: Vec<String> = how.split(' ').map(str::to_owned).collect();
        Fault::parse(endpoint, &words, 1).map(|fault| fault.to_string())
    }

    #[test]
    fn every_error_of_the_standard_can_be_asked_for() {
        for code in [
            "invalid_request",
            "unauthorized_client",
            "access_denied",
            "unsupported_response_type",
            "invalid_scope",
            "server_error",
            "temporarily_unavailable",
        ] {
            assert_eq!(parse("authorize", code).unwrap(), code, "RFC 6749 §4.1.2.1");
        }
        for code in [
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
        ] {
            assert_eq!(parse("token", code).unwrap(), code, "RFC 6749 §5.2");
        }
    }

    #[test]
    fn what_an_endpoint_cannot_do_is_refused_with_what_it_can() {
        assert_eq!(parse("token", "slow 3s").unwrap(), "slow 3s");
        assert_eq!(parse("check", "lost").unwrap(), "lost");
        assert_eq!(
            parse("revoke", "unsupported_token_type").unwrap(),
            "unsupported_token_type"
        );
        for (endpoint, how, told) in [
            ("tokens", "500", "there are authorize, token"),
            ("token", "access_denied", "invalid_grant"),
            ("account", "invalid_grant", "it can by 429, 500"),
            (
                "revoke",
                "invalid_scope",
                "unauthorized_client, unsupported_token_type, 429",
            ),
            (
                "introspect",
                "unsupported_grant_type",
                "it can by invalid_request, invalid_client, 429",
            ),
            ("token", "unsupported_token_type", "invalid_grant"),
            ("token", "200", "429, 500, 502, 503, 504"),
            ("token", "slow", "slow SPAN"),
            ("token", "slow 1h", "5m at most"),
            ("token", "slow soon", "slow soon"),
        ] {
            let error = parse(endpoint, how).unwrap_err().to_string();
            assert!(error.contains(told), "{endpoint} {how}: {error}");
        }
    }
}
