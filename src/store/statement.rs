//! A statement whose conditions depend on what is asked.

use rusqlite::types::Value;

/// Conditions that must all hold, with their parameters.
#[derive(Debug, Default)]
pub(super) struct Statement {
    conditions: Vec<String>,
    parameters: Vec<Value>,
}

impl Statement {
    /// The placeholder of a new parameter.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.parameters.push(value.into());
        format!("?{}", self.parameters.len())
    }

    /// Adds a condition. Values stand in it as placeholders only.
    pub(super) fn require(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    /// The conditions as they stand after `WHERE`.
    pub(super) fn conditions(&self) -> String {
        if self.conditions.is_empty() {
            "TRUE".to_owned()
        } else {
            self.conditions.join(" AND ")
        }
    }

    /// The parameters, in the order of their numbers.
    pub(super) fn into_parameters(self) -> Vec<Value> {
        self.parameters
    }
}
