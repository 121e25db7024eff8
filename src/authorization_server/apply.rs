//! `apply` and `export`: scopes, clients and resource servers as they are declared in one file.
//!
//! [`AuthorizationServer::plan`] says what is to be done, on a snapshot and without changing anything.
//! [`AuthorizationServer::apply`] does it in one transaction, if that is still what is to be done: what was shown and
//! agreed to is what happens.

mod carry_out;
mod decide;

use crate::domain::client::{ClientId, ClientSecret};
use crate::domain::declaration::{Change, Declaration, Thing};
use crate::domain::identifier::Identifier;
use crate::entropy::random;
use crate::store::StoreError;

use super::{AdministrationError, AuthorizationServer, Failure};

/// What is to be done, and the secrets of what is new.
#[derive(Debug)]
pub struct Plan {
    wanted: Declaration,
    prune: bool,
    changes: Vec<Change>,
    credentials: Vec<NewCredential>,
}

impl Plan {
    /// What is to be done: scopes, then clients, then resource servers, each by name.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What new clients and resource servers will authenticate with, in the order of the changes.
    pub fn credentials(&self) -> &[NewCredential] {
        &self.credentials
    }

    /// Has a new thing authenticate with this instead of with what was made for it. Not a new thing: nothing happens.
    pub fn bring(&mut self, thing: &Thing, id: Option<ClientId>, secret: Option<ClientSecret>) {
        let mut new = self.credentials.iter_mut();
        let Some(credential) = new.find(|new| new.thing == *thing) else {
            return;
        };
        if let Some(id) = id {
            credential.id = id;
        }
        if let Some(secret) = secret {
            credential.secret = secret;
        }
    }
}

/// What a new client or a new resource server authenticates with. The secret is to be shown once.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// What it belongs to.
    pub thing: Thing,
    /// The identifier to authenticate with; that of a resource server is made from its name.
    pub id: ClientId,
    /// The secret.
    pub secret: ClientSecret,
    key: Identifier,
}

/// Why a declaration is not applied. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// One of the things cannot be as it is wanted.
    #[error("{thing}: {cause}")]
    Thing {
        /// Which.
        thing: Thing,
        /// Why.
        cause: AdministrationError,
    },
    /// Something was changed since the plan was made.
    #[error("what is defined was changed meanwhile; nothing was done, so look at the changes again")]
    Outdated,
    /// The server failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl ApplyError {
    /// The error, with the thing that it is about.
    fn about(thing: Thing) -> impl FnOnce(AdministrationError) -> Self {
        move |cause| match cause {
            AdministrationError::Failed(failure) => Self::Failed(failure),
            cause => Self::Thing { thing, cause },
        }
    }
}

impl AuthorizationServer {
    /// Scopes, clients and resource servers as they are, without their secrets.
    pub fn export(&self) -> Result<Declaration, StoreError> {
        self.store.read(decide::current)
    }

    /// What is to be done so that things are as they are wanted. What is not wanted is removed with `prune`, and left
    /// alone without.
    ///
    /// # Errors
    /// `Thing` where one of them cannot be: `NotFound` for a scope of a client that is neither declared nor defined,
    /// `InUse` for one that would be removed, and for a client that would be removed and has too many tokens for that,
    /// `Exists` for a client whose identifier a resource server has, `Refused` for what is out of bounds.
    pub fn plan(&self, wanted: Declaration, prune: bool) -> Result<Plan, ApplyError> {
        let changes = self.store.read(|tx| decide::decide(tx, &wanted, prune))?;
        let credentials = changes
            .iter()
            .filter_map(|change| match change {
                Change::Added(thing) => self.credential(thing).transpose(),
                Change::Changed(..) | Change::Removed(_) => None,
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Plan {
            wanted,
            prune,
            changes,
            credentials,
        })
    }

    /// Does what a plan says, in one transaction.
    ///
    /// # Errors
    /// `Outdated` where something else is to be done by now.
    pub fn apply(&self, plan: Plan) -> Result<(), ApplyError> {
        if plan.changes.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if decide::decide(tx, &plan.wanted, plan.prune)? != plan.changes {
                return Err(ApplyError::Outdated);
            }
            carry_out::carry_out(tx, &plan, &operator, now)
        })
    }

    /// A secret for a new thing, if it is one that has a secret.
    fn credential(&self, thing: &Thing) -> Result<Option<NewCredential>, Failure> {
        let id = match thing {
            Thing::Scope(_) => return Ok(None),
            Thing::Client(id) => id.clone(),
            Thing::ResourceServer(name) => ClientId::from_name(name, random(&*self.entropy)?),
        };
        Ok(Some(NewCredential {
            thing: thing.clone(),
            id,
            secret: ClientSecret::generate(&*self.entropy)?,
            key: self.new_identifier(self.now())?,
        }))
    }
}
