//! Bearer tokens in the `Authorization` header (RFC 6750 §2.1).

/// Reads the token; `None` where the header holds something else.
pub fn token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    let b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(b64token))
        .then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_read() {
        // RFC 6750 §2.1.
        assert_eq!(token("Bearer mF_9.B5f-4.1JqM"), Some("mF_9.B5f-4.1JqM"));
        assert_eq!(token("bearer  x "), Some("x"));
        for other in [
            "",
            "Bearer",
            "Bearer ",
            "Basic x",
            "Bearer x, Bearer y",
            "Bearer x y",
            "Bearer é",
        ] {
            assert_eq!(token(other), None, "{other}");
        }
    }
}
