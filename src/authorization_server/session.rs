//! Sessions: which resource owner a browser belongs to.

use super::{AuthorizationServer, Failure, FormError, Purpose, form};
use crate::clock::Timestamp;
use crate::domain::owner::ResourceOwner;
use crate::domain::secret::Secret;
use crate::domain::session::SessionCookie;
use crate::entropy::random;
use crate::store::{ReadTransaction, StoreError};

/// A browser with a resource owner who is signed in and enabled.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The resource owner.
    pub owner: ResourceOwner,
    /// When they signed in.
    pub since: Timestamp,
}

impl AuthorizationServer {
    /// A cookie for a browser that has none. Nothing is stored for it until somebody signs in.
    pub fn new_cookie(&self) -> Result<SessionCookie, Failure> {
        Ok(SessionCookie::new(
            self.new_identifier(self.now())?,
            Secret::generate(&*self.entropy)?,
        ))
    }

    /// Who is signed in with this cookie.
    pub fn signed_in(&self, cookie: Option<&SessionCookie>) -> Result<Option<SignedIn>, StoreError> {
        let now = self.now();
        let Some(cookie) = cookie else { return Ok(None) };
        self.store.read(|tx| signed_in(tx, cookie, now))
    }

    /// The token for a form that is shown in this browser.
    pub fn seal_form(
        &self,
        cookie: &SessionCookie,
        purpose: Purpose,
        about: &str,
    ) -> Result<String, Failure> {
        Ok(form::seal(
            cookie,
            purpose,
            about,
            random(&*self.entropy)?,
            self.now(),
        ))
    }

    /// Checks the token of a form that came back; its nonce, if it is right.
    pub fn open_form(
        &self,
        token: &str,
        cookie: Option<&SessionCookie>,
        purpose: Purpose,
        about: &str,
    ) -> Result<[u8; 16], FormError> {
        let cookie = cookie.ok_or(FormError::Forged)?;
        form::open(
            token,
            cookie,
            purpose,
            about,
            self.rules.form_lifetime,
            self.now(),
        )
    }
}

/// Within a transaction, so that an answer can rest on it.
pub(super) fn signed_in(
    tx: &ReadTransaction<'_>,
    cookie: &SessionCookie,
    now: Timestamp,
) -> Result<Option<SignedIn>, StoreError> {
    let Some(session) = tx.session(cookie.identifier())? else {
        return Ok(None);
    };
    if !session.secret_hash.matches(&cookie.secret().hash()) || now >= session.expires_at {
        return Ok(None);
    }
    let owner = tx.owner_by_key(session.owner)?;
    Ok(owner.filter(|owner| owner.enabled).map(|owner| SignedIn {
        owner,
        since: session.signed_in_at,
    }))
}
