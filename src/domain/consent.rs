//! Whether the approval of a resource owner may stand for the next request too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::domain::coverage::CoverageDigest;
use crate::domain::identifier::Identifier;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::{Scope, ScopeSet, ScopeToken};

/// What is set for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConsentPolicy {
    /// The resource owner is asked each time.
    #[default]
    Always,
    /// The resource owner may tick that they are not asked again for what they approve.
    Remember,
}

impl ConsentPolicy {
    /// As options, JSON and rows name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Remember => "remember",
        }
    }
}

impl fmt::Display for ConsentPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a consent policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`always` or `remember` is expected")]
pub struct NotAConsentPolicy;

impl FromStr for ConsentPolicy {
    type Err = NotAConsentPolicy;

    fn from_str(text: &str) -> Result<Self, NotAConsentPolicy> {
        let all = [Self::Always, Self::Remember];
        all.into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(NotAConsentPolicy)
    }
}

/// An approval that its resource owner wants remembered.
#[derive(Debug, Clone)]
pub struct RememberedApproval {
    /// Key of the row.
    pub identifier: Identifier,
    /// What was approved, each scope with a digest of what it opened then.
    pub scopes: BTreeMap<ScopeToken, CoverageDigest>,
    /// Where tokens may be used (RFC 8707); nowhere in particular where there is none.
    pub resources: ResourceSet,
    /// When.
    pub approved_at: Timestamp,
}

impl RememberedApproval {
    /// Whether it holds all of `scope` at `resources`, and each of these scopes still opens what it opened then.
    /// `defined` are scopes as they are now.
    ///
    /// One approval has to hold everything: two of them, for different resources, do not add up to a third.
    pub fn covers(&self, scope: &ScopeSet, resources: &ResourceSet, defined: &[Scope]) -> bool {
        let is_unchanged = |token: &ScopeToken| {
            let now = defined.iter().find(|scope| scope.token == *token);
            now.is_some_and(|now| self.scopes.get(token) == Some(&now.coverage.digest()))
        };
        scope.iter().all(is_unchanged) && self.is_good_at(resources)
    }

    /// Whether it allows the use at each of `resources`. Without any a token is good everywhere, and so is an approval.
    fn is_good_at(&self, resources: &ResourceSet) -> bool {
        self.resources.is_empty()
            || (!resources.is_empty() && resources.iter().all(|resource| self.resources.contains(resource)))
    }

    /// The scopes by name.
    pub fn scope(&self) -> ScopeSet {
        self.scopes.keys().cloned().collect()
    }
}

/// What the scopes of a page open, as one text: a page carries it, so that what is remembered is what was shown, also
/// where a scope was defined anew while the page was open.
pub fn shown(scopes: &[Scope]) -> String {
    let mut hasher = Sha256::new();
    for scope in scopes {
        // A token holds no control character, and a digest is of one length.
        hasher.update(scope.token.as_str().as_bytes());
        hasher.update(b"\n");
        hasher.update(scope.coverage.digest().as_bytes());
    }
    BASE64URL_NOPAD.encode(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Coverage;

    fn scope(name: &str, folders: &[&str]) -> Scope {
        Scope {
            token: name.parse().unwrap(),
            description: "".parse().unwrap(),
            coverage: Coverage {
                folders: folders.iter().map(|folder| folder.parse().unwrap()).collect(),
                ..Coverage::default()
            },
            created_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn policies_read_back() {
        for text in ["always", "remember"] {
            assert_eq!(text.parse::<ConsentPolicy>().unwrap().to_string(), text);
        }
        for bad in ["", "never", "Always", " always"] {
            assert_eq!(bad.parse::<ConsentPolicy>(), Err(NotAConsentPolicy), "{bad}");
        }
    }

    #[test]
    fn an_approval_holds_what_was_approved_as_it_was_and_nothing_more() {
        const A: &str = "https://a.example";
        const BOTH: &str = "https://a.example https://b.example";
        let then = [scope("orders", &["orders"]), scope("place", &["place"])];
        let widened = [scope("orders", &["orders", "stock"]), scope("place", &["place"])];
        let narrowed = [scope("orders", &[]), scope("place", &["place"])];
        for (approved, at, asked, asked_at, defined, covered) in [
            ("orders place", "", "orders place", "", &then[..], true),
            ("orders place", "", "orders", "", &then, true),
            ("orders", "", "orders place", "", &then, false),
            ("orders", "", "place", "", &then, false),
            // Where tokens may be used.
            ("orders", "", "orders", A, &then, true),
            ("orders", A, "orders", A, &then, true),
            ("orders", BOTH, "orders", A, &then, true),
            ("orders", A, "orders", BOTH, &then, false),
            ("orders", A, "orders", "", &then, false),
            // What the scopes open now.
            ("orders place", "", "orders", "", &widened, false),
            ("orders place", "", "place", "", &widened, true),
            ("orders place", "", "orders", "", &narrowed, false),
            ("orders place", "", "orders", "", &then[1..], false),
        ] {
            let approved: ScopeSet = approved.parse().unwrap();
            let digests = then.iter().filter(|scope| approved.contains(&scope.token));
            let approval = RememberedApproval {
                identifier: Identifier::at(Timestamp::from_millis(0), 0),
                scopes: digests
                    .map(|scope| (scope.token.clone(), scope.coverage.digest()))
                    .collect(),
                resources: at.parse().unwrap(),
                approved_at: Timestamp::from_millis(0),
            };
            assert_eq!(
                approval.covers(&asked.parse().unwrap(), &asked_at.parse().unwrap(), defined),
                covered,
                "{asked} at `{asked_at}` of {approved} at `{at}`"
            );
        }
    }
}
