//! At which resource a check asks: the parameter `resource` in the query of the check's URL.
//!
//! It says where, not what: it stands beside `service`, or `method` and `path`, or alone in front of one pair of headers
//! (see [`check_request`](super::check_request)). The proxy's administrator wrote it, and no header is ever read for it; nor
//! should it be made of what the client sends, such as the proxy's variable for the host.
//!
//! A token that is bound to other resources is then no token (`401 invalid_token`); one that is bound to none is good
//! here as everywhere. What it may do is for its scopes to say, in both cases.

use crate::domain::resource::Resource;
use crate::protocol::parameters::{Parameters, names_any};
use crate::protocol::resource_indicators::RESOURCE;

/// The query does not say one resource: whoever set up the proxy has to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckResourceError {
    /// It is there with nothing in it, such as a variable of the proxy that was empty. To ignore it would let a token
    /// pass that was made for another resource.
    #[error("resource= in the query is empty")]
    Empty,
    /// It is there more than once.
    #[error("the query must hold resource= once")]
    Repeated,
    /// It is not one of ours, whatever is wrong with it.
    #[error(
        "the resource in the query is not registered here: give it with `oauthctl resource-server update NAME \
         --resource URL`, exactly as it stands in the query"
    )]
    Unknown,
}

/// Reads the resource; `None` where the query does not speak of one.
pub fn read(query: &str) -> Result<Option<Resource>, CheckResourceError> {
    if !names_any(query.as_bytes(), &[RESOURCE]) {
        return Ok(None);
    }
    match Parameters::parse(query.as_bytes(), &[RESOURCE]).values_of(RESOURCE) {
        [] => Err(CheckResourceError::Empty),
        [one] => one.parse().map(Some).map_err(|_| CheckResourceError::Unknown),
        _ => Err(CheckResourceError::Repeated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_resource_or_none() {
        let a = || Some("https://a.example".parse().unwrap());
        for (query, expected) in [
            ("", Ok(None)),
            ("service=a:b&resources=x", Ok(None)),
            ("resource=https://a.example", Ok(a())),
            ("service=a:b&resource=https%3A%2F%2Fa.example", Ok(a())),
            ("resource=https://a.example&path=/&method=GET", Ok(a())),
            ("resource", Err(CheckResourceError::Empty)),
            ("resource=", Err(CheckResourceError::Empty)),
            ("%72esource=&service=a:b", Err(CheckResourceError::Empty)),
            (
                "resource=https://a.example&resource=https://a.example",
                Err(CheckResourceError::Repeated),
            ),
            (
                "resource=https://a.example&resource=https://b.example",
                Err(CheckResourceError::Repeated),
            ),
            ("resource=a.example", Err(CheckResourceError::Unknown)),
            ("resource=https://a.example%20", Err(CheckResourceError::Unknown)),
            ("resource=%ff", Err(CheckResourceError::Unknown)),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
    }
}
