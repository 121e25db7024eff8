//! `owner add`.

use serde_json::Value;

use super::{AdministrationError, AuthorizationServer, Failure, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::password::Password;

impl AuthorizationServer {
    /// Adds a resource owner.
    ///
    /// # Errors
    /// `Exists` where the username is taken.
    pub fn add_owner(
        &self,
        username: Username,
        password: &Password,
    ) -> Result<ResourceOwner, AdministrationError> {
        // Outside of the transaction: hashing takes long on purpose.
        let hash = password.hash(&*self.entropy).map_err(Failure::from)?;
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if tx.owner(&username)?.is_some() {
                return Err(AdministrationError::Exists {
                    noun: Noun::Owner,
                    name: username.to_string(),
                });
            }
            tx.insert_owner(&username, &hash, now)?;
            operator.record(
                tx,
                Action::OwnerAdded,
                Subject::new("owner", &username),
                Value::Null,
            )?;
            let added = tx.owner(&username)?;
            added.ok_or_else(|| AdministrationError::Refused("the resource owner is gone again".to_owned()))
        })
    }
}
