//! Stage 2 at a development server: a resource owner is signed in at the press of a button.

use std::net::IpAddr;

use serde_json::json;

use super::{AuthorizationServer, SignInError, noted};
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::session::SessionCookie;
use crate::store::StoreError;

/// The resource owners whom a button signs in. Only [`AuthorizationServer::buttons`] puts any in, and so none of a server
/// that others rely on can be among them.
#[derive(Debug, Default)]
pub struct Buttons {
    owners: Vec<Username>,
}

impl Buttons {
    /// Who they are.
    pub fn owners(&self) -> &[Username] {
        &self.owners
    }

    /// As of a development server, without one.
    #[cfg(test)]
    pub(crate) fn for_test(owners: Vec<Username>) -> Self {
        Self { owners }
    }
}

impl AuthorizationServer {
    /// Buttons for these resource owners; none where the database is not one that development servers began.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn buttons(&self, owners: Vec<Username>) -> Result<Option<Buttons>, StoreError> {
        Ok(self.is_for_development()?.then_some(Buttons { owners }))
    }

    /// Signs the resource owner in whose button was pressed, without a password: a session with a new cookie. The session of
    /// the old cookie ends.
    ///
    /// # Errors
    /// There is no such button, or the resource owner is disabled or gone.
    pub fn sign_in_by_button(
        &self,
        buttons: &Buttons,
        pressed: &Username,
        old: Option<&SessionCookie>,
        from: IpAddr,
    ) -> Result<SessionCookie, SignInError> {
        let result = self.owner_of(buttons, pressed).and_then(|owner| {
            let detail = json!({ "by": "button of a development server" });
            self.begin_session(&owner, old, from, detail, self.now())
        });
        self.count_sign_in(&result);
        result
    }

    fn owner_of(&self, buttons: &Buttons, pressed: &Username) -> Result<ResourceOwner, SignInError> {
        if !buttons.owners.contains(pressed) {
            return Err(SignInError::Wrong);
        }
        let found = self.store.read(|tx| tx.owner(pressed))?;
        let owner = found.ok_or(SignInError::Wrong)?;
        noted::owner(Some(&owner.username));
        if owner.enabled {
            Ok(owner)
        } else {
            Err(SignInError::Disabled)
        }
    }
}
