//! What a resource owner sees of their own approvals, and takes back.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::audit::Recorder;
use super::counts::Mark;
use super::session::signed_in;
use super::{AuthorizationServer, FormError, Purpose, noted};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::client::ClientKey;
use crate::domain::coverage::Coverage;
use crate::domain::grant::{EndCause, Grant, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::session::SessionCookie;
use crate::domain::text::Name;
use crate::store::{ReadTransaction, StoreError, WriteTransaction};

/// The most approvals that the page shows.
const MOST_SHOWN: u32 = 200;

/// The approvals of one resource owner.
#[derive(Debug)]
pub struct Account {
    /// Whose.
    pub username: Username,
    /// The clients that can still act, the newest first.
    pub approved: Vec<ApprovedClient>,
    /// The clients that need not ask again, the newest first.
    pub remembered: Vec<RememberedClient>,
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
    /// The same, with what it opens at this moment; what is not in force any more opens nothing.
    pub opens: Vec<Scope>,
    /// Where tokens may be used; nowhere in particular where there is none.
    pub resources: ResourceSet,
    /// When.
    pub since: Timestamp,
    /// When the client last used it, as far as that has been written (see `LastUse`).
    pub last_used: Option<Timestamp>,
    /// When it ends by itself, at the latest.
    pub until: Timestamp,
}

/// One approval that is remembered.
#[derive(Debug)]
pub struct RememberedClient {
    /// Its identifier.
    pub approval: Identifier,
    /// The client's name.
    pub client_name: Name,
    /// What was approved.
    pub scope: ScopeSet,
    /// The same, with what each scope opens at this moment.
    pub opens: Vec<Scope>,
    /// Where tokens may be used; nowhere in particular where there is none.
    pub resources: ResourceSet,
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
            let owner = signed_in.owner;
            let grants = tx.live_grants_of_owner(owner.key, now, MOST_SHOWN)?;
            let approved = grants.into_iter().map(|overview| {
                Ok::<_, StoreError>(ApprovedClient {
                    grant: overview.grant.identifier,
                    client_name: overview.client_name,
                    opens: in_force(tx, overview.grant.client, &overview.grant.scope)?,
                    scope: overview.grant.scope,
                    resources: overview.grant.resources,
                    since: overview.grant.created_at,
                    last_used: overview.last_used_at,
                    until: overview.ends_at,
                })
            });
            let approved = approved.collect::<Result<_, _>>()?;
            let remembered = tx.remembered_approvals_of_owner(owner.key, MOST_SHOWN)?;
            let remembered = remembered.into_iter().map(|overview| {
                let scope = overview.approval.scope();
                Ok::<_, StoreError>(RememberedClient {
                    approval: overview.approval.identifier,
                    client_name: overview.client_name,
                    opens: in_force(tx, overview.client, &scope)?,
                    scope,
                    resources: overview.approval.resources,
                    since: overview.approval.approved_at,
                })
            });
            Ok(Some(Account {
                username: owner.username,
                approved,
                remembered: remembered.collect::<Result<_, _>>()?,
            }))
        })
    }

    /// Takes an approval back: the grant ends, and all its tokens with it, and the client has to ask again. One of
    /// somebody else is left alone.
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
            let owner = signed_in.owner;
            let recorder = Recorder::network(now, Actor::Owner(owner.username.to_string()), from);
            let own = tx.grant(grant)?.filter(|grant| grant.owner == owner.key);
            if let Some(grant) = own
                && end_for_owner(tx, &grant, &recorder, json!({ "by": "owner" }), now)?
            {
                has_ended.set();
            }
            Ok::<_, StoreError>(Ok(owner.username))
        })?;
        self.counts.grants_ended(EndCause::TakenBack).one_if(&ended);
        Ok(taken_back.map(|owner| {
            noted::owner(Some(&owner));
            noted::outcome("approval taken back");
        }))
    }

    /// Has a remembered approval forgotten: the client has to ask again. What it holds already, it keeps. An approval of
    /// somebody else is left alone.
    pub fn forget(
        &self,
        approval: &str,
        cookie: Option<&SessionCookie>,
        form_token: &str,
        from: IpAddr,
    ) -> Result<Result<(), FormError>, StoreError> {
        if let Err(error) = self.open_form(form_token, cookie, Purpose::Forget, approval) {
            return Ok(Err(error));
        }
        let (Some(cookie), Ok(approval)) = (cookie.cloned(), approval.parse::<Identifier>()) else {
            return Ok(Err(FormError::Forged));
        };
        let now = self.now();
        let forgotten = self.store.write(move |tx| {
            let Some(signed_in) = signed_in(tx, &cookie, now)? else {
                return Ok(Err(FormError::Expired));
            };
            let owner = signed_in.owner;
            if let Some(client) = tx.forget_approval(owner.key, approval)?
                && let Some(client) = tx.client_by_key(client)?
            {
                let recorder = Recorder::network(now, Actor::Owner(owner.username.to_string()), from);
                let subject = Subject::new("client", &client.id);
                recorder.record(tx, Action::ApprovalForgotten, subject, json!({ "approvals": 1 }))?;
            }
            Ok::<_, StoreError>(Ok(owner.username))
        })?;
        Ok(forgotten.map(|owner| {
            noted::owner(Some(&owner));
            noted::outcome("approval forgotten");
        }))
    }
}

/// Ends a grant that its resource owner takes back, and forgets what was remembered of the approval. Whether it had not
/// ended before.
pub(super) fn end_for_owner(
    tx: &WriteTransaction<'_>,
    grant: &Grant,
    recorder: &Recorder,
    detail: Value,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let end = GrantEnd {
        at: now,
        cause: EndCause::TakenBack,
    };
    let has_ended = tx.end_grant(grant.identifier, end)?;
    if has_ended {
        let subject = Subject::new("grant", grant.identifier);
        recorder.record(tx, Action::GrantRevoked, subject, detail)?;
    }
    let forgotten = tx.forget_approvals(grant.owner, grant.client)?;
    if forgotten > 0
        && let Some(client) = tx.client_by_key(grant.client)?
    {
        let subject = Subject::new("client", &client.id);
        let detail = json!({ "approvals": forgotten });
        recorder.record(tx, Action::ApprovalForgotten, subject, detail)?;
    }
    Ok(has_ended)
}

/// Scopes of a client as they are now. One that is not defined any more, or that the client may not have, opens nothing.
fn in_force(tx: &ReadTransaction<'_>, client: ClientKey, scope: &ScopeSet) -> Result<Vec<Scope>, StoreError> {
    let of_client = tx.scopes_of_client(client)?;
    let scopes = scope.iter().map(|token| {
        let found = of_client.iter().find(|scope| scope.token == *token);
        found.cloned().unwrap_or_else(|| Scope {
            token: token.clone(),
            description: crate::domain::text::Description::default(),
            coverage: Coverage::default(),
            created_at: Timestamp::from_millis(0),
        })
    });
    Ok(scopes.collect())
}
