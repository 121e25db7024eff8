//! Access token requests (RFC 6749 §4.1.3 and §6).

use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::parameters::Parameters;
use crate::protocol::resource_indicators::{self, RESOURCE};
use crate::protocol::token_error::{TokenError, TokenErrorCode};

/// The parameters that the token endpoint knows.
pub const KNOWN: [&str; 9] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "client_id",
    "client_secret",
    RESOURCE,
];

/// The grant types that the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
}

/// What a client asks of the token endpoint.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// To exchange an authorization code.
    Exchange(ExchangeRequest),
    /// To refresh an access token.
    Refresh(RefreshRequest),
}

/// RFC 6749 §4.1.3 with RFC 7636 §4.5.
#[derive(Debug, Clone)]
pub struct ExchangeRequest {
    /// The code; `None` where the text cannot be one of ours.
    pub code: Option<TokenValue>,
    /// The redirect URI of the authorization request.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier, if there is one.
    pub code_verifier: Verifier,
    /// Where the access token is to be used, where that is said (RFC 8707 §2.2).
    pub resources: ResourceSet,
}

/// The `code_verifier` parameter.
#[derive(Debug, Clone)]
pub enum Verifier {
    /// It is not there.
    Missing,
    /// It breaks the grammar, so it cannot be right.
    Malformed,
    /// It may be right.
    Given(crate::domain::pkce::CodeVerifier),
}

/// RFC 6749 §6.
#[derive(Debug, Clone)]
pub struct RefreshRequest {
    /// The refresh token; `None` where the text cannot be one of ours.
    pub refresh_token: Option<TokenValue>,
    /// A narrower scope for the access token, where one is asked for.
    pub scope: Option<ScopeSet>,
    /// Where the access token is to be used, where that is said (RFC 8707 §2.2).
    pub resources: ResourceSet,
}

/// Reads a request; `implied` is the grant type that the endpoint's name already says, if it does.
pub fn parse(parameters: &Parameters, implied: Option<GrantType>) -> Result<TokenRequest, TokenError> {
    let refuse = |code, description: &str| Err(TokenError::new(code, description));
    if let Some((name, flaw)) = parameters.first_flaw() {
        return refuse(TokenErrorCode::InvalidRequest, &format!("{name} {flaw}"));
    }
    let named = match parameters.get("grant_type") {
        None => None,
        Some("authorization_code") => Some(GrantType::AuthorizationCode),
        Some("refresh_token") => Some(GrantType::RefreshToken),
        Some(_) => {
            return refuse(
                TokenErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token",
            );
        }
    };
    let grant_type = match (named, implied) {
        (Some(named), Some(implied)) if named != implied => {
            return refuse(
                TokenErrorCode::InvalidRequest,
                "this endpoint is for another grant_type",
            );
        }
        (Some(grant_type), _) | (None, Some(grant_type)) => grant_type,
        (None, None) => return refuse(TokenErrorCode::InvalidRequest, "grant_type is missing"),
    };
    match grant_type {
        GrantType::AuthorizationCode => exchange(parameters).map(TokenRequest::Exchange),
        GrantType::RefreshToken => refresh(parameters).map(TokenRequest::Refresh),
    }
}

fn exchange(parameters: &Parameters) -> Result<ExchangeRequest, TokenError> {
    let code = parameters
        .get("code")
        .ok_or_else(|| TokenError::new(TokenErrorCode::InvalidRequest, "code is missing"))?;
    let code_verifier = match parameters.get("code_verifier") {
        None => Verifier::Missing,
        Some(text) => {
            crate::domain::pkce::CodeVerifier::parse(text).map_or(Verifier::Malformed, Verifier::Given)
        }
    };
    Ok(ExchangeRequest {
        code: TokenValue::parse_as(TokenKind::AuthorizationCode, code),
        redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
        code_verifier,
        resources: resource_indicators::asked(parameters)?,
    })
}

fn refresh(parameters: &Parameters) -> Result<RefreshRequest, TokenError> {
    let refresh_token = parameters
        .get("refresh_token")
        .ok_or_else(|| TokenError::new(TokenErrorCode::InvalidRequest, "refresh_token is missing"))?;
    let scope = parameters
        .get("scope")
        .map(str::parse::<ScopeSet>)
        .transpose()
        .map_err(|error| TokenError::new(TokenErrorCode::InvalidScope, &format!("scope: {error}")))?;
    Ok(RefreshRequest {
        refresh_token: TokenValue::parse_as(TokenKind::RefreshToken, refresh_token),
        // Nothing but spaces asks for nothing in particular.
        scope: scope.filter(|scope| !scope.is_empty()),
        resources: resource_indicators::asked(parameters)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str, implied: Option<GrantType>) -> &'static str {
        parse(&Parameters::parse(body.as_bytes(), &KNOWN), implied)
            .unwrap_err()
            .code
            .as_str()
    }

    #[test]
    fn requests_that_cannot_be_read() {
        for (body, implied, expected) in [
            ("", None, "invalid_request"),
            ("grant_type=", None, "invalid_request"),
            ("grant_type=password", None, "unsupported_grant_type"),
            ("grant_type=authorization_code", None, "invalid_request"),
            ("grant_type=authorization_code&code=", None, "invalid_request"),
            (
                "grant_type=authorization_code&code=a&code=b",
                None,
                "invalid_request",
            ),
            ("grant_type=refresh_token", None, "invalid_request"),
            (
                "grant_type=refresh_token&refresh_token=x&scope=%22",
                None,
                "invalid_scope",
            ),
            (
                "grant_type=authorization_code&code=x&resource=orders",
                None,
                "invalid_target",
            ),
            (
                "grant_type=refresh_token&refresh_token=x",
                Some(GrantType::AuthorizationCode),
                "invalid_request",
            ),
            (
                "refresh_token=x",
                Some(GrantType::AuthorizationCode),
                "invalid_request",
            ),
        ] {
            assert_eq!(refused(body, implied), expected, "{body}");
        }
    }

    #[test]
    fn the_endpoint_may_imply_the_grant_type() {
        let parameters = Parameters::parse(b"refresh_token=x", &KNOWN);
        let request = parse(&parameters, Some(GrantType::RefreshToken)).unwrap();
        assert!(matches!(
            request,
            TokenRequest::Refresh(RefreshRequest {
                refresh_token: None,
                scope: None,
                ..
            })
        ));
    }
}
