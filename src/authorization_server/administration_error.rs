//! Why an administrator's command is refused.

use std::fmt;

use super::Failure;
use crate::store::StoreError;

/// What kind of thing a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// A client.
    Client,
    /// A scope.
    Scope,
    /// A resource owner.
    Owner,
    /// A resource server.
    ResourceServer,
    /// The resource of a resource server.
    Resource,
    /// A redirect URI of a client.
    RedirectUri,
    /// A secret of a client or a resource server.
    Secret,
    /// What a scope opens: a folder, a service or a route.
    Opening,
    /// A grant.
    Grant,
    /// An access token or a refresh token.
    Token,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Scope => "scope",
            Self::Owner => "resource owner",
            Self::ResourceServer => "resource server",
            Self::Resource => "resource server for",
            Self::RedirectUri => "redirect URI",
            Self::Secret => "secret",
            Self::Opening => "folder, service or route",
            Self::Grant => "grant",
            Self::Token => "token",
        })
    }
}

/// Why an administrator's command is refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// The named thing does not exist.
    #[error("no {noun} `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NotFound {
        /// What kind of thing.
        noun: Noun,
        /// What was typed.
        name: String,
        /// The name that is most like it.
        nearest: Option<String>,
    },
    /// The name is taken.
    #[error("there is a {noun} `{name}` already")]
    Exists {
        /// What kind of thing has it.
        noun: Noun,
        /// The name.
        name: String,
    },
    /// It is still in use.
    #[error("the {noun} `{name}` is still in use by {}", users.join(", "))]
    InUse {
        /// What kind of thing.
        noun: Noun,
        /// Its name.
        name: String,
        /// Who uses it.
        users: Vec<String>,
    },
    /// A value that parses, but cannot be taken here.
    #[error("{0}")]
    Refused(String),
    /// The server failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for AdministrationError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl AdministrationError {
    /// [`NotFound`](Self::NotFound) with the name among `known` that is most like the one that was typed.
    pub(super) fn not_found(noun: Noun, name: &str, known: impl IntoIterator<Item = String>) -> Self {
        let nearest = known
            .into_iter()
            .map(|candidate| (likeness(name, &candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.6)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, candidate)| candidate);
        Self::NotFound {
            noun,
            name: name.to_owned(),
            nearest,
        }
    }
}

/// From 0 to 1, which is the same name.
fn likeness(typed: &str, candidate: &str) -> f64 {
    // Identifiers end in random characters that nobody knows by heart.
    let is_beginning = typed.len() >= 3 && candidate.starts_with(typed);
    let distance = strsim::normalized_damerau_levenshtein(typed, candidate);
    if is_beginning { distance.max(0.9) } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_and_a_beginning_are_recognised_and_another_word_is_not() {
        for (typed, nearest) in [
            ("orders-wbe", Some("orders-web")),
            ("warehouse", Some("warehouse-7k3m9q2x")),
            ("war", Some("warehouse-7k3m9q2x")),
            ("w", None),
            ("mail", None),
            ("", None),
        ] {
            let known = ["orders-web", "warehouse-7k3m9q2x"].map(str::to_owned);
            let error = AdministrationError::not_found(Noun::Client, typed, known);
            let AdministrationError::NotFound { nearest: found, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(found.as_deref(), nearest, "{typed}");
        }
    }
}
