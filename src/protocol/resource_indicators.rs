//! Resource indicators (RFC 8707): the parameter `resource`, by which a client says where it will use its tokens.
//!
//! It may be repeated, as no other parameter may (§2). A client that names none gets tokens that are bound to none,
//! and so are good everywhere; naming resources only ever narrows.

use crate::domain::resource::{Resource, ResourceSet, ResourceSetError};
use crate::protocol::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::{TokenError, TokenErrorCode};

/// The parameter.
pub const RESOURCE: &str = "resource";

/// Why a token cannot be for the resources that are asked for: `invalid_target` (§2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// One of them is no resource, or they are too many.
    #[error("resource: {0}")]
    Malformed(#[from] ResourceSetError),
    /// No resource server serves it.
    #[error("the resource {0} is not registered here")]
    Unregistered(Resource),
    /// The resource owner approved the use at other resources.
    #[error("the resource {0} is not one that the resource owner approved")]
    NotGranted(Resource),
}

impl From<TargetError> for AuthorizationError {
    fn from(error: TargetError) -> Self {
        Self::new(AuthorizationErrorCode::InvalidTarget, &error.to_string())
    }
}

impl From<TargetError> for TokenError {
    fn from(error: TargetError) -> Self {
        Self::new(TokenErrorCode::InvalidTarget, &error.to_string())
    }
}

/// The resources that a request names; none where it names none.
pub fn asked(parameters: &Parameters) -> Result<ResourceSet, TargetError> {
    let texts = parameters.values_of(RESOURCE).iter().map(String::as_str);
    Ok(ResourceSet::parse(texts)?)
}

/// Refuses what is asked for and is not registered.
pub fn refuse_unregistered(asked: &ResourceSet, registered: &ResourceSet) -> Result<(), TargetError> {
    match asked.iter().find(|resource| !registered.contains(resource)) {
        Some(unknown) => Err(TargetError::Unregistered(unknown.clone())),
        None => Ok(()),
    }
}

/// What an access token is for, of an access token request that asks for `asked` under a grant for `granted` (§2.2):
/// all that was granted where nothing is asked for, and no more than that.
///
/// A grant that is bound to nothing may be narrowed to anything that is registered. One that is bound keeps its
/// resources, also when they are not registered any more.
pub fn narrowed(
    asked: &ResourceSet,
    granted: &ResourceSet,
    registered: &ResourceSet,
) -> Result<ResourceSet, TargetError> {
    if asked.is_empty() {
        return Ok(granted.clone());
    }
    if granted.is_empty() {
        refuse_unregistered(asked, registered)?;
    } else if let Some(foreign) = asked.iter().find(|resource| !granted.contains(resource)) {
        return Err(TargetError::NotGranted(foreign.clone()));
    }
    Ok(asked.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTERED: &str = "https://a.example https://b.example";

    fn set(text: &str) -> ResourceSet {
        text.parse().unwrap()
    }

    #[test]
    fn the_parameter_may_be_repeated_and_an_empty_one_says_nothing() {
        let read = |raw: &str| asked(&Parameters::parse(raw.as_bytes(), &[RESOURCE]));
        assert_eq!(read("x=1"), Ok(ResourceSet::default()));
        assert_eq!(read("resource="), Ok(ResourceSet::default()));
        assert_eq!(
            read("resource=https%3A%2F%2Fb.example&resource=&resource=https://a.example"),
            Ok(set("https://a.example https://b.example"))
        );
        for bad in [
            "resource=https://a.example&resource=nonsense",
            "resource=https://a.example+https://b.example",
            "resource=https://a.example%23",
            "resource=%ff",
        ] {
            assert!(matches!(read(bad), Err(TargetError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn an_authorization_request_asks_for_what_is_registered() {
        for (asked, expected) in [
            ("", Ok(())),
            ("https://a.example https://b.example", Ok(())),
            ("https://a.example https://c.example", Err("https://c.example")),
            ("https://a.example/", Err("https://a.example/")),
        ] {
            let expected = expected.map_err(|text: &str| TargetError::Unregistered(text.parse().unwrap()));
            assert_eq!(
                refuse_unregistered(&set(asked), &set(REGISTERED)),
                expected,
                "{asked}"
            );
        }
    }

    #[test]
    fn an_access_token_request_narrows() {
        for (asked, granted, expected) in [
            ("", "", Ok("")),
            ("", "https://a.example", Ok("https://a.example")),
            ("https://a.example", "https://a.example", Ok("https://a.example")),
            (
                "https://a.example",
                "https://a.example https://b.example",
                Ok("https://a.example"),
            ),
            (
                "https://b.example",
                "https://a.example",
                Err("the resource https://b.example is not one that the resource owner approved"),
            ),
            // It was registered once.
            ("https://c.example", "https://c.example", Ok("https://c.example")),
            // Bound to nothing: everything that there is.
            ("https://b.example", "", Ok("https://b.example")),
            (
                "https://c.example",
                "",
                Err("the resource https://c.example is not registered here"),
            ),
        ] {
            let found = narrowed(&set(asked), &set(granted), &set(REGISTERED));
            let found = found.map_err(|error| error.to_string());
            assert_eq!(
                found,
                expected.map(set).map_err(str::to_owned),
                "{asked} of {granted}"
            );
        }
    }
}
