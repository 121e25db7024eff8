//! `owner set-password|enable|disable|delete`.

use serde_json::{Value, json};

use super::{AdministrationError, AuthorizationServer, Failure, Noun};
use crate::domain::audit::{Action, Subject};
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::password::Password;
use crate::store::{GrantHolder, ReadTransaction};

impl AuthorizationServer {
    /// Sets a new password and ends every session of the resource owner. How many sessions there were.
    pub fn set_password(
        &self,
        username: Username,
        password: &Password,
    ) -> Result<usize, AdministrationError> {
        // Looked for first, so that a mistyped name does not cost a hash.
        self.store.read(|tx| find(tx, &username))?;
        let hash = password.hash(&*self.entropy).map_err(Failure::from)?;
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let owner = find(tx, &username)?;
            tx.set_password(owner.key, &hash)?;
            let sessions = tx.delete_sessions_of(owner.key)?;
            let subject = Subject::new("owner", &username);
            operator.record(
                tx,
                Action::PasswordSet,
                subject,
                json!({ "sessions_ended": sessions }),
            )?;
            Ok(sessions)
        })
    }

    /// Sees to it that a password is the resource owner's. Whether it was another before, whose sessions then ended.
    pub fn bring_password(
        &self,
        username: Username,
        password: &Password,
    ) -> Result<bool, AdministrationError> {
        let owner = self.store.read(|tx| find(tx, &username))?;
        if owner.password_hash.admits(password) {
            return Ok(false);
        }
        self.set_password(username, password)?;
        Ok(true)
    }

    /// Enables or disables a resource owner. Disabled, they cannot sign in and all tokens that they approved stop
    /// working at once.
    pub fn set_owner_enabled(
        &self,
        username: Username,
        enabled: bool,
    ) -> Result<ResourceOwner, AdministrationError> {
        let operator = self.operator(self.now());
        self.store.write(move |tx| {
            let mut owner = find(tx, &username)?;
            tx.set_owner_enabled(owner.key, enabled)?;
            if !enabled {
                tx.delete_sessions_of(owner.key)?;
            }
            owner.enabled = enabled;
            let action = if enabled {
                Action::OwnerEnabled
            } else {
                Action::OwnerDisabled
            };
            operator.record(tx, action, Subject::new("owner", &username), Value::Null)?;
            Ok(owner)
        })
    }

    /// Deletes a resource owner with their grants and tokens: disables them first, then works in small transactions.
    /// Interrupted, it can be repeated. Calls `progress` with the number of grants removed.
    pub fn delete_owner(
        &self,
        username: &Username,
        progress: impl FnMut(usize),
    ) -> Result<(), AdministrationError> {
        let owner = self.set_owner_enabled(username.clone(), false)?;
        let removed = self.remove_grants(GrantHolder::Owner(owner.key), progress)?;
        let (operator, username) = (self.operator(self.now()), username.clone());
        self.store.write(move |tx| {
            tx.delete_owner(owner.key)?;
            let detail = json!({ "grants": removed });
            operator.record(tx, Action::OwnerDeleted, Subject::new("owner", &username), detail)?;
            Ok(())
        })
    }
}

/// A resource owner who must be there.
pub(super) fn find(
    tx: &ReadTransaction<'_>,
    username: &Username,
) -> Result<ResourceOwner, AdministrationError> {
    if let Some(owner) = tx.owner(username)? {
        return Ok(owner);
    }
    let known = tx.owners()?.into_iter().map(|owner| owner.username.to_string());
    Err(AdministrationError::not_found(
        Noun::Owner,
        username.as_str(),
        known,
    ))
}
