//! A statement whose conditions depend on what is asked.

use rusqlite::types::Value;

use crate::domain::client::ClientId;
use crate::domain::owner::Username;

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

    /// Requires that the grant `g` is of this client and of this resource owner, where they are given.
    pub(super) fn require_holders(&mut self, client: Option<&ClientId>, owner: Option<&Username>) {
        if let Some(client) = client {
            let client = self.bind(client.as_str().to_owned());
            self.require(format!(
                "g.client_key = (SELECT client_key FROM clients WHERE client_id = {client})"
            ));
        }
        if let Some(owner) = owner {
            let owner = self.bind(owner.as_str().to_owned());
            self.require(format!(
                "g.owner_key = (SELECT owner_key FROM resource_owners WHERE username = {owner})"
            ));
        }
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
