//! `scope define`.

use serde_json::json;

use super::{AdministrationError, AuthorizationServer, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::coverage::Coverage;
use crate::domain::scope::{Scope, ScopeToken};
use crate::domain::text::Description;

/// The most folders, services and routes of one scope together: each check looks at all of them.
const MOST_OPENINGS: usize = 1000;

impl AuthorizationServer {
    /// Defines a scope.
    ///
    /// # Errors
    /// `Exists` where the name is taken, `Refused` where the scope would open nothing, or too much to look through.
    pub fn define_scope(
        &self,
        token: ScopeToken,
        description: Description,
        coverage: Coverage,
    ) -> Result<Scope, AdministrationError> {
        check_coverage(&token, &coverage)?;
        let now = self.now();
        let operator = self.operator(now);
        let scope = Scope {
            token,
            description,
            coverage,
            created_at: now,
        };
        self.store.write(move |tx| {
            if tx.scope(&scope.token)?.is_some() {
                return Err(AdministrationError::Exists {
                    noun: Noun::Scope,
                    name: scope.token.to_string(),
                });
            }
            tx.insert_scope(&scope)?;
            let subject = Subject::new("scope", &scope.token);
            operator.record(tx, Action::ScopeDefined, subject, detail_of(&scope))?;
            Ok(scope)
        })
    }
}

/// Refuses a scope that would open nothing, or too much to look through at each check.
pub(super) fn check_coverage(token: &ScopeToken, coverage: &Coverage) -> Result<(), AdministrationError> {
    let openings = coverage.folders.len() + coverage.services.len() + coverage.routes.len();
    if openings == 0 {
        return Err(AdministrationError::Refused(format!(
            "the scope {token} would open nothing; give a folder, a service or a route"
        )));
    }
    if openings > MOST_OPENINGS {
        return Err(AdministrationError::Refused(format!(
            "a scope may have {MOST_OPENINGS} folders, services and routes at most"
        )));
    }
    Ok(())
}

/// What the audit trail keeps of a scope.
pub(super) fn detail_of(scope: &Scope) -> serde_json::Value {
    fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
        items.into_iter().map(|item| item.to_string()).collect()
    }
    json!({
        "description": scope.description.as_str(),
        "folders": texts(&scope.coverage.folders),
        "services": texts(&scope.coverage.services),
        "routes": texts(&scope.coverage.routes),
    })
}
