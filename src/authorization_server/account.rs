//! What a resource owner sees of their own approvals, and takes back.

use std::net::IpAddr;

use serde_json::json;

use super::audit::Recorder;
use super::counts::Mark;
use super::session::signed_in;
use super::{AuthorizationServer, FormError, Purpose, noted};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::scope::ScopeSet;
use crate::domain::session::SessionCookie;
use crate::domain::text::Name;
use crate::store::StoreError;

/// The most approvals that the page shows.
const MOST_SHOWN: u32 = 200;

/// The approvals of one resource owner.
#[derive(Debug)]
pub struct Account {
    /// Whose.
    pub username: Username,
    /// The clients that can still act, the newest first.
    pub approved: Vec<ApprovedClient>,
}

/// One approval.
#[derive(Debug)]
pub struct ApprovedClient {
    /// The grant.
    pub grant: Identifier,
    /// The client's name.
    pub client_name: Name,
    /// What was approved.
    pub scope: ScopeSet,
    /// When.
    pub since: Timestamp,
}

impl AuthorizationServer {
    /// What the signed-in resource owner has approved; `None` where nobody is signed in.
    pub fn account(&self, cookie: Option<&SessionCookie>) -> Result<Option<Account>, StoreError> {
        let now = self.now();
        let Some(cookie) = cookie else { return Ok(None) };
        self.store.read(|tx| {
            let Some(signed_in) = signed_in(tx, cookie, now)? else {
                return Ok(None);
            };
            let grants = tx.live_grants_of_owner(signed_in.owner.key, now, MOST_SHOWN)?;
            let approved = grants.into_iter().map(|overview| ApprovedClient {
                grant: overview.grant.identifier,
                client_name: overview.client_name,
                scope: overview.grant.scope,
                since: overview.grant.created_at,
            });
            Ok(Some(Account {
                username: signed_in.owner.username,
                approved: approved.collect(),
            }))
        })
    }

    /// Takes an approval back: the grant ends, and all its tokens with it. One of somebody else is left alone.
    pub fn take_back(
        &self,
        grant: &str,
        cookie: Option<&SessionCookie>,
        form_token: &str,
        from: IpAddr,
    ) -> Result<Result<(), FormError>, StoreError> {
        if let Err(error) = self.open_form(form_token, cookie, Purpose::TakeBack, grant) {
            return Ok(Err(error));
        }
        let (Some(cookie), Ok(grant)) = (cookie.cloned(), grant.parse::<Identifier>()) else {
            return Ok(Err(FormError::Forged));
        };
        let now = self.now();
        let ended = Mark::default();
        let has_ended = ended.clone();
        let taken_back = self.store.write(move |tx| {
            let Some(signed_in) = signed_in(tx, &cookie, now)? else {
                return Ok(Err(FormError::Expired));
            };
            let own = tx
                .grant(grant)?
                .filter(|grant| grant.owner == signed_in.owner.key);
            let end = GrantEnd {
                at: now,
                cause: EndCause::TakenBack,
            };
            if let Some(grant) = own
                && tx.end_grant(grant.identifier, end)?
            {
                has_ended.set();
                let owner = Actor::Owner(signed_in.owner.username.to_string());
                let subject = Subject::new("grant", grant.identifier);
                let detail = json!({ "by": "owner" });
                Recorder::network(now, owner, from).record(tx, Action::GrantRevoked, subject, detail)?;
            }
            Ok::<_, StoreError>(Ok(signed_in.owner.username))
        })?;
        self.counts.grants_ended(EndCause::TakenBack).one_if(&ended);
        Ok(taken_back.map(|owner| {
            noted::owner(Some(&owner));
            noted::outcome("approval taken back");
        }))
    }
}
