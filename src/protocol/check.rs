//! Stage 8: whether some scope in force covers what is asked for.

use crate::domain::coverage::CoveredBy;
use crate::domain::scope::{Scope, ScopeSet, ScopeToken};
use crate::protocol::check_request::Asked;

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckDecision {
    /// A scope covers it.
    Allowed {
        /// The scope.
        scope: ScopeToken,
        /// What in the scope covers it, such as `folder orders`.
        by: String,
    },
    /// Nothing covers it.
    Denied {
        /// Why, in a sentence for people.
        reason: String,
    },
}

/// Allowed means: some scope of the token is still defined, still among the client's scopes, and covers what is asked
/// for. Anything else is denied.
///
/// `scope` is the token's; `client_scopes` are the definitions of those that its client may have now.
pub fn decide(scope: &ScopeSet, client_scopes: &[Scope], asked: &Asked) -> CheckDecision {
    let requested = match asked {
        Asked::For(requested) => requested,
        Asked::ForNothing(reason) => {
            return CheckDecision::Denied {
                reason: reason.clone(),
            };
        }
    };
    let in_force = || {
        client_scopes
            .iter()
            .filter(|defined| scope.contains(&defined.token))
    };
    let covering = in_force().find_map(|defined| {
        let by: CoveredBy<'_> = defined.coverage.covers(requested)?;
        Some(CheckDecision::Allowed {
            scope: defined.token.clone(),
            by: by.to_string(),
        })
    });
    covering.unwrap_or_else(|| {
        let names: Vec<&str> = in_force().map(|defined| defined.token.as_str()).collect();
        let reason = match names.as_slice() {
            [] => "no scope is in force".to_owned(),
            [one] => format!("the scope {one} does not cover it"),
            several => format!("none of the scopes {} covers it", several.join(", ")),
        };
        CheckDecision::Denied { reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::coverage::Coverage;
    use crate::protocol::check_request::service_asked;

    fn scope(name: &str, folder: &str) -> Scope {
        Scope {
            token: name.parse().unwrap(),
            description: "".parse().unwrap(),
            coverage: Coverage {
                folders: [folder.parse().unwrap()].into(),
                ..Coverage::default()
            },
            created_at: Timestamp::from_millis(0),
        }
    }

    fn outcome(token: &str, client: &[Scope], service: &str) -> String {
        match decide(&token.parse().unwrap(), client, &service_asked(service)) {
            CheckDecision::Allowed { scope, by } => format!("{scope} by {by}"),
            CheckDecision::Denied { reason } => reason,
        }
    }

    #[test]
    fn token_client_and_definition_must_agree() {
        let client = [scope("orders", "orders"), scope("stock", "stock")];
        assert_eq!(
            outcome("orders stock", &client, "stock:count"),
            "stock by folder stock"
        );
        assert_eq!(
            outcome("orders", &client, "stock:count"),
            "the scope orders does not cover it"
        );
        assert_eq!(
            outcome("orders stock", &client, "mail:send"),
            "none of the scopes orders, stock covers it"
        );
        assert_eq!(
            outcome("orders gone", &client[1..], "orders:list"),
            "no scope is in force"
        );
        assert!(outcome("orders", &client, "orders").starts_with("the service name is not one"));
    }
}
