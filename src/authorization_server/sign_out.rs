//! A resource owner signs out: of this browser, or of all of them.

use std::net::IpAddr;

use serde_json::json;

use super::audit::Recorder;
use super::session::signed_in;
use super::{AuthorizationServer, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::session::SessionCookie;
use crate::store::StoreError;

impl AuthorizationServer {
    /// Ends the session of this cookie, if there is one.
    pub fn sign_out(&self, cookie: &SessionCookie) -> Result<(), StoreError> {
        let cookie = cookie.clone();
        self.store.write(move |tx| {
            let session = tx.session(cookie.identifier())?;
            if session.is_some_and(|session| session.secret_hash.matches(&cookie.secret().hash())) {
                tx.delete_session(cookie.identifier())?;
            }
            Ok(())
        })
    }

    /// Ends every session of the resource owner who is signed in with this cookie. Approvals stay, and so does what is
    /// remembered of them.
    pub fn sign_out_everywhere(&self, cookie: &SessionCookie, from: IpAddr) -> Result<(), StoreError> {
        let now = self.now();
        let cookie = cookie.clone();
        let owner = self.store.write(move |tx| {
            let Some(signed_in) = signed_in(tx, &cookie, now)? else {
                return Ok::<_, StoreError>(None);
            };
            let username = signed_in.owner.username;
            let sessions = tx.delete_sessions_of(signed_in.owner.key)?;
            let recorder = Recorder::network(now, Actor::Owner(username.to_string()), from);
            let subject = Subject::new("owner", &username);
            let detail = json!({ "sessions_ended": sessions });
            recorder.record(tx, Action::SignedOutEverywhere, subject, detail)?;
            Ok(Some(username))
        })?;
        if owner.is_some() {
            noted::owner(owner.as_ref());
        }
        Ok(())
    }
}
