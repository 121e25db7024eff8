//! Stage 2: a resource owner signs in.

use std::net::IpAddr;

use serde_json::Value;

use super::audit::Recorder;
use super::{AuthorizationServer, Failure, noted};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::owner::{ResourceOwner, Username};
use crate::domain::password::{Password, PasswordHash};
use crate::domain::secret::Secret;
use crate::domain::session::{Session, SessionCookie};
use crate::store::StoreError;

/// Compared where there is no such resource owner, so that an unknown one costs the same work. It is the hash of
/// random bytes that nobody kept.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$EI1YJ889c5vnjHKwfj7Vsg$83hSR1NLjvrdgNLMsRKdw1w3FI42pM3SjXWE4Lao5ko";

/// Why a sign-in is refused.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown, or the password is wrong: one answer, so that nobody learns who exists.
    #[error("the username or the password is wrong")]
    Wrong,
    /// The password is right, and the resource owner is disabled.
    #[error("the resource owner is disabled")]
    Disabled,
    /// Too many failures of this name from this address.
    #[error("too many failures; wait {0} seconds")]
    Throttled(u64),
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once; try again")]
    Busy,
    /// The server failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl AuthorizationServer {
    /// Signs a resource owner in: a session with a new cookie. The session of the old cookie ends.
    pub fn sign_in(
        &self,
        username: &str,
        password: &str,
        old: Option<&SessionCookie>,
        from: IpAddr,
    ) -> Result<SessionCookie, SignInError> {
        let result = self.try_sign_in(username, password, old, from);
        self.count_sign_in(&result);
        result
    }

    /// Counts a sign-in and notes what came of it.
    pub(super) fn count_sign_in(&self, result: &Result<SessionCookie, SignInError>) {
        let counts = &self.counts;
        let (count, outcome) = match result {
            Ok(_) => (&counts.sign_ins, "signed in"),
            Err(SignInError::Wrong) => (&counts.failed_sign_ins, "sign-in failed"),
            Err(SignInError::Disabled) => (&counts.failed_sign_ins, "sign-in of a disabled resource owner"),
            Err(SignInError::Throttled(_)) => (&counts.throttled_sign_ins, "sign-in throttled"),
            Err(SignInError::Busy) => (&counts.crowded_out_sign_ins, "too many sign-ins at once"),
            Err(SignInError::Failed(_)) => return,
        };
        count.one();
        noted::outcome(outcome);
    }

    fn try_sign_in(
        &self,
        username: &str,
        password: &str,
        old: Option<&SessionCookie>,
        from: IpAddr,
    ) -> Result<SessionCookie, SignInError> {
        let now = self.now();
        // Only a possible name is worth remembering for its failures.
        let Ok(name) = username.parse::<Username>() else {
            return Err(SignInError::Wrong);
        };
        let Some(password) = Password::presented(password) else {
            return Err(SignInError::Wrong);
        };
        let attempt = self
            .throttle
            .try_begin(username, from, now)
            .map_err(SignInError::Throttled)?;
        let owner = self.store.read(|tx| tx.owner(&name))?;
        noted::owner(owner.as_ref().map(|owner| &owner.username));
        let nobody = PasswordHash::from_stored(NOBODY.to_owned());
        let hash = owner.as_ref().map_or(&nobody, |owner| &owner.password_hash);
        let is_known = self.throttle.knows(username, from, now);
        let admitted = self
            .password_gate
            .enter(from, is_known, || hash.admits(&password))
            .ok_or(SignInError::Busy)?;
        let owner = match owner {
            Some(owner) if admitted => owner,
            owner => {
                let is_throttled = attempt.failed();
                if let Some(owner) = owner {
                    self.record_failure(
                        Actor::Owner(owner.username.to_string()),
                        from,
                        Action::WrongPassword,
                        is_throttled,
                    );
                }
                return Err(SignInError::Wrong);
            }
        };
        drop(attempt);
        self.throttle.succeeded(username, from, now);
        if !owner.enabled {
            return Err(SignInError::Disabled);
        }
        self.begin_session(&owner, old, from, Value::Null, now)
    }

    /// Begins the session of `owner`, who is who they say. The session of the old cookie ends.
    ///
    /// # Errors
    /// `Wrong` where the password was changed meanwhile, or the owner was disabled.
    pub(super) fn begin_session(
        &self,
        owner: &ResourceOwner,
        old: Option<&SessionCookie>,
        from: IpAddr,
        detail: Value,
        now: Timestamp,
    ) -> Result<SessionCookie, SignInError> {
        let secret = Secret::generate(&*self.entropy).map_err(Failure::from)?;
        let cookie = SessionCookie::new(self.new_identifier(now)?, secret);
        let session = Session {
            identifier: cookie.identifier(),
            secret_hash: cookie.secret().hash(),
            owner: owner.key,
            signed_in_at: now,
            expires_at: now.after(self.rules.session_lifetime),
        };
        let old = old.cloned();
        let recorder = Recorder::network(now, Actor::Owner(owner.username.to_string()), from);
        let owner = owner.clone();
        self.store.write(move |tx| {
            // Hashing takes a while: a password that was changed, or an owner who was disabled meanwhile, opens nothing.
            let is_unchanged = tx
                .owner_by_key(owner.key)?
                .is_some_and(|now| now.enabled && now.password_hash.as_str() == owner.password_hash.as_str());
            if !is_unchanged {
                return Err(SignInError::Wrong);
            }
            if let Some(old) = old
                && let Some(ended) = tx.session(old.identifier())?
                && ended.secret_hash.matches(&old.secret().hash())
            {
                tx.delete_session(old.identifier())?;
            }
            tx.insert_session(&session)?;
            let subject = Subject::new("owner", &owner.username);
            recorder.record(tx, Action::SignedIn, subject, detail)?;
            Ok(())
        })?;
        Ok(cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_hash_that_costs_as_much_as_any_other() {
        let real = Password::choose("12345678")
            .unwrap()
            .hash(&crate::entropy::OsEntropy)
            .unwrap();
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(parameters(NOBODY), parameters(real.as_str()));
        assert_eq!(NOBODY.len(), real.as_str().len());
    }
}
