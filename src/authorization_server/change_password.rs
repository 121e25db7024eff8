//! A resource owner changes their own password.

use std::net::IpAddr;

use serde_json::json;

use super::audit::Recorder;
use super::session::signed_in;
use super::{AuthorizationServer, Failure, FormError, Purpose, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::password::{Password, PasswordError};
use crate::domain::session::SessionCookie;
use crate::store::StoreError;

/// Why a password is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The form is not one that may be answered.
    #[error("the form may not be answered")]
    Form(FormError),
    /// Nobody is signed in any more.
    #[error("nobody is signed in")]
    SignedOut,
    /// The new password cannot be taken.
    #[error(transparent)]
    Unfit(#[from] PasswordError),
    /// The new password was not typed twice alike.
    #[error("the two new passwords differ")]
    Different,
    /// The present password is wrong.
    #[error("the present password is wrong")]
    Wrong,
    /// Too many failures of this name from this address.
    #[error("too many failures; wait {0} seconds")]
    Throttled(u64),
    /// Too many passwords are looked at at once.
    #[error("too many sign-ins at once; try again")]
    Busy,
    /// The server failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for ChangePasswordError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What was typed into the form.
#[derive(Clone, Copy)]
pub struct TypedPasswords<'t> {
    /// The present password.
    pub old: &'t str,
    /// The new one.
    pub new: &'t str,
    /// The new one, once more.
    pub again: &'t str,
}

impl AuthorizationServer {
    /// Changes the password of whoever is signed in with this cookie, and ends all their other sessions. A wrong present
    /// password counts as a wrong one at sign-in does: whoever sits at somebody else's browser cannot try them all.
    pub fn change_password(
        &self,
        typed: TypedPasswords<'_>,
        cookie: Option<&SessionCookie>,
        form_token: &str,
        from: IpAddr,
    ) -> Result<(), ChangePasswordError> {
        let result = self.try_change_password(typed, cookie, form_token, from);
        noted::outcome(match &result {
            Ok(()) => "password changed",
            Err(ChangePasswordError::Form(_)) => "form not accepted",
            Err(ChangePasswordError::SignedOut) => "signed out meanwhile",
            Err(ChangePasswordError::Unfit(_) | ChangePasswordError::Different) => "new password not fit",
            Err(ChangePasswordError::Wrong) => "present password wrong",
            Err(ChangePasswordError::Throttled(_)) => "change of password throttled",
            Err(ChangePasswordError::Busy) => "too many sign-ins at once",
            Err(ChangePasswordError::Failed(_)) => return result,
        });
        result
    }

    fn try_change_password(
        &self,
        typed: TypedPasswords<'_>,
        cookie: Option<&SessionCookie>,
        form_token: &str,
        from: IpAddr,
    ) -> Result<(), ChangePasswordError> {
        self.open_form(form_token, cookie, Purpose::ChangePassword, "")
            .map_err(ChangePasswordError::Form)?;
        let (Some(cookie), Some(before)) = (cookie.cloned(), self.signed_in(cookie)?) else {
            return Err(ChangePasswordError::SignedOut);
        };
        let before = before.owner;
        noted::owner(Some(&before.username));
        if typed.new != typed.again {
            return Err(ChangePasswordError::Different);
        }
        let new = Password::choose(typed.new)?;
        let now = self.now();
        let name = before.username.as_str();
        let attempt = self
            .throttle
            .try_begin(name, from, now)
            .map_err(ChangePasswordError::Throttled)?;
        let old = Password::presented(typed.old);
        let is_known = self.throttle.knows(name, from, now);
        let hashed = self
            .password_gate
            .enter(from, is_known, || {
                let is_right = old.is_some_and(|old| before.password_hash.admits(&old));
                is_right.then(|| new.hash(&*self.entropy))
            })
            .ok_or(ChangePasswordError::Busy)?;
        let Some(hash) = hashed else {
            let owner = Actor::Owner(before.username.to_string());
            self.record_failure(owner, from, Action::WrongPassword, attempt.failed());
            return Err(ChangePasswordError::Wrong);
        };
        drop(attempt);
        self.throttle.succeeded(name, from, now);
        let hash = hash.map_err(Failure::from)?;
        self.store.write(move |tx| {
            // Hashing takes a while: a session that ended meanwhile, or a password that somebody else set, is heeded.
            let Some(signed_in) = signed_in(tx, &cookie, now)? else {
                return Err(ChangePasswordError::SignedOut);
            };
            let owner = signed_in.owner;
            if owner.key != before.key || owner.password_hash.as_str() != before.password_hash.as_str() {
                return Err(ChangePasswordError::Wrong);
            }
            tx.set_password(owner.key, &hash)?;
            let sessions = tx.delete_other_sessions_of(owner.key, cookie.identifier())?;
            let recorder = Recorder::network(now, Actor::Owner(owner.username.to_string()), from);
            let subject = Subject::new("owner", &owner.username);
            let detail = json!({ "sessions_ended": sessions });
            recorder.record(tx, Action::PasswordChanged, subject, detail)?;
            Ok(())
        })
    }
}
