//! Errors of the token endpoint and its siblings (RFC 6749 §5.2).

use crate::protocol::authorization_error::description_text;

/// The `error` member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenErrorCode {
    /// A parameter is missing, repeated or malformed, or the client authenticates in two ways.
    InvalidRequest,
    /// The client is unknown, disabled, or did not prove who it is.
    InvalidClient,
    /// The code or refresh token is wrong, expired, used up, or another client's.
    InvalidGrant,
    /// The client may not use this grant type.
    UnauthorizedClient,
    /// Another grant type than `authorization_code` and `refresh_token`.
    UnsupportedGrantType,
    /// More scope than was granted.
    InvalidScope,
    /// A resource that is not registered, or not one that was granted (RFC 8707 §2).
    InvalidTarget,
}

impl TokenErrorCode {
    /// Every code: those of RFC 6749 first.
    pub const ALL: [Self; 7] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::InvalidTarget,
    ];

    /// As it is written in the response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
        }
    }
}

/// An error with a sentence for the client's developer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenError {
    /// The `error` member.
    pub code: TokenErrorCode,
    /// The `error_description` member.
    pub description: String,
}

impl TokenError {
    /// An error; characters that `error_description` may not hold become `?`.
    pub fn new(code: TokenErrorCode, description: &str) -> Self {
        Self {
            code,
            description: description_text(description),
        }
    }

    /// The one answer to an unknown client and to a wrong secret, so that nobody learns which it was.
    pub fn invalid_client() -> Self {
        Self::new(TokenErrorCode::InvalidClient, "client authentication failed")
    }

    /// `invalid_grant` with a reason.
    pub fn invalid_grant(description: &str) -> Self {
        Self::new(TokenErrorCode::InvalidGrant, description)
    }
}
