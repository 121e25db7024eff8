//! Sessions: a browser in which a resource owner is signed in.

use std::fmt;

use crate::clock::Timestamp;
use crate::domain::identifier::{IDENTIFIER_CHARS, Identifier};
use crate::domain::owner::OwnerKey;
use crate::domain::secret::{Secret, SecretHash};

/// What the session cookie holds: the identifier of a row that may or may not exist yet, and a secret.
///
/// Before sign-in there is no row; the secret then only ties forms to the browser that they were shown in.
#[derive(Clone)]
pub struct SessionCookie {
    identifier: Identifier,
    secret: Secret,
}

impl SessionCookie {
    /// A cookie for the row `identifier`.
    pub fn new(identifier: Identifier, secret: Secret) -> Self {
        Self { identifier, secret }
    }

    /// Reads a cookie's value; `None` where it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (identifier, secret) = text.split_at_checked(IDENTIFIER_CHARS)?;
        Some(Self {
            identifier: identifier.parse().ok()?,
            secret: Secret::parse(secret)?,
        })
    }

    /// The key of the row.
    pub fn identifier(&self) -> Identifier {
        self.identifier
    }

    /// The part that proves that this is the browser.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The value of the cookie. Loud on purpose.
    pub fn reveal(&self) -> String {
        format!("{}{}", self.identifier, self.secret.reveal())
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionCookie({}…)", self.identifier)
    }
}

/// A signed-in session as it is stored.
#[derive(Debug, Clone)]
pub struct Session {
    /// Key of the row.
    pub identifier: Identifier,
    /// Hash of the cookie's secret.
    pub secret_hash: SecretHash,
    /// Who signed in.
    pub owner: OwnerKey,
    /// When they did.
    pub signed_in_at: Timestamp,
    /// End of its life.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_cookie_reads_back_and_nothing_else_does() {
        let secret = Secret::generate(&SeededEntropy::new(1)).unwrap();
        let cookie = SessionCookie::new(Identifier::at(Timestamp::from_millis(1), 2), secret);
        let read = SessionCookie::parse(&cookie.reveal()).unwrap();
        assert_eq!(read.identifier(), cookie.identifier());
        assert!(read.secret().hash().matches(&cookie.secret().hash()));
        for bad in [
            "",
            "é",
            &cookie.reveal()[1..],
            &format!("{}x", cookie.reveal()),
            &"é".repeat(28),
        ] {
            assert!(SessionCookie::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(
            format!("{cookie:?}"),
            format!("SessionCookie({}…)", cookie.identifier())
        );
    }
}
