//! The method of an HTTP request.

use std::fmt;
use std::str::FromStr;

/// The longest method, in bytes.
pub const MAX_METHOD_BYTES: usize = 32;

/// The method of an HTTP request: a token, case-sensitive (RFC 9110 §9.1), at most 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(String);

/// The text is not a method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an HTTP method: accepted are 1 to {MAX_METHOD_BYTES} letters, digits and !#$%&'*+-.^_`|~, as in `GET`"
)]
pub struct MethodError;

impl Method {
    /// The method as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if text.is_empty() || text.len() > MAX_METHOD_BYTES || !text.bytes().all(is_token) {
            return Err(MethodError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
