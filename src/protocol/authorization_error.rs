//! Errors that go back to the client by redirect (RFC 6749 §4.1.2.1).

/// The `error` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizationErrorCode {
    /// A parameter is missing, repeated, malformed, or does not go with another.
    InvalidRequest,
    /// The resource owner denied.
    AccessDenied,
    /// Another response type than `code`.
    UnsupportedResponseType,
    /// A scope that does not exist, or that the client may not have.
    InvalidScope,
    /// A resource that is not registered (RFC 8707 §2).
    InvalidTarget,
    /// The resource owner has to sign in, and no page may be shown (OpenID Connect Core 1.0 §3.1.2.6).
    LoginRequired,
    /// The resource owner has to be asked, and no page may be shown (same place).
    ConsentRequired,
    /// A page has to be shown for another reason, and none may be (same place).
    InteractionRequired,
    /// The client may not ask for a code this way.
    UnauthorizedClient,
    /// The server failed.
    ServerError,
    /// The server cannot do it now.
    TemporarilyUnavailable,
}

impl AuthorizationErrorCode {
    /// Every code: those of RFC 6749 first.
    pub const ALL: [Self; 11] = [
        Self::InvalidRequest,
        Self::UnauthorizedClient,
        Self::AccessDenied,
        Self::UnsupportedResponseType,
        Self::InvalidScope,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InvalidTarget,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::InteractionRequired,
    ];

    /// As it is written in the response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// An error with a sentence for the client's developer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationError {
    /// The `error` parameter.
    pub code: AuthorizationErrorCode,
    /// The `error_description` parameter: printable ASCII without `"` and `\`.
    pub description: String,
}

impl AuthorizationError {
    /// An error; characters that `error_description` may not hold become `?`.
    pub fn new(code: AuthorizationErrorCode, description: &str) -> Self {
        Self {
            code,
            description: description_text(description),
        }
    }
}

/// What `error_description` may hold: printable ASCII without `"` and `\` (RFC 6749 §4.1.2.1 and §5.2).
pub fn description_text(text: &str) -> String {
    text.chars()
        .map(|c| {
            if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') {
                c
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_what_the_grammar_allows() {
        let error = AuthorizationError::new(AuthorizationErrorCode::InvalidScope, "no \"ä\\\r\n` here");
        assert_eq!(error.description, "no ?????` here");
    }
}
