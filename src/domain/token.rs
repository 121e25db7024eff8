//! Authorization codes, access tokens and refresh tokens: their values, and the rows behind them.

use std::fmt;

use crate::clock::Timestamp;
use crate::domain::identifier::{IDENTIFIER_CHARS, Identifier};
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::{SECRET_CHARS, Secret, SecretHash};

/// What a token value is good for. The prefix says it, so that secret scanners can find a leaked one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// `oac_`: RFC 6749 §1.3.1.
    AuthorizationCode,
    /// `oat_`: RFC 6749 §1.4.
    AccessToken,
    /// `ort_`: RFC 6749 §1.5.
    RefreshToken,
}

impl TokenKind {
    /// The four characters that each value of this kind begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "oac_",
            Self::AccessToken => "oat_",
            Self::RefreshToken => "ort_",
        }
    }

    /// `code`, `access` or `refresh`, as options and JSON name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "code",
            Self::AccessToken => "access",
            Self::RefreshToken => "refresh",
        }
    }
}

/// A token as it travels: prefix, identifier of its row, secret.
#[derive(Clone)]
pub struct TokenValue {
    kind: TokenKind,
    identifier: Identifier,
    secret: Secret,
}

impl TokenValue {
    /// The value of the row `identifier` whose secret is `secret`.
    pub fn new(kind: TokenKind, identifier: Identifier, secret: Secret) -> Self {
        Self {
            kind,
            identifier,
            secret,
        }
    }

    /// Reads a value; `None` where it cannot be one of ours, whatever is wrong with it.
    pub fn parse(text: &str) -> Option<Self> {
        // All are ASCII; a cut inside a character would panic.
        if !text.is_ascii() || text.len() != 4 + IDENTIFIER_CHARS + SECRET_CHARS {
            return None;
        }
        let kind = [
            TokenKind::AuthorizationCode,
            TokenKind::AccessToken,
            TokenKind::RefreshToken,
        ]
        .into_iter()
        .find(|kind| text.starts_with(kind.prefix()))?;
        let (identifier, secret) = text[4..].split_at(IDENTIFIER_CHARS);
        Some(Self {
            kind,
            identifier: identifier.parse().ok()?,
            secret: Secret::parse(secret)?,
        })
    }

    /// As [`parse`](Self::parse), for one kind only.
    pub fn parse_as(kind: TokenKind, text: &str) -> Option<Self> {
        Self::parse(text).filter(|value| value.kind == kind)
    }

    /// The kind, as the prefix says.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The key of the row.
    pub fn identifier(&self) -> Identifier {
        self.identifier
    }

    /// The part that proves possession.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The value as it travels. Loud on purpose, like [`Secret::reveal`].
    pub fn reveal(&self) -> String {
        format!(
            "{}{}{}",
            self.kind.prefix(),
            self.identifier,
            self.secret.reveal()
        )
    }
}

impl fmt::Debug for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}…", self.kind.prefix(), self.identifier)
    }
}

/// An authorization code as it is stored (RFC 6749 §4.1.2).
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// Key of the row.
    pub identifier: Identifier,
    /// The grant that the approval made.
    pub grant: Identifier,
    /// Hash of the value's secret.
    pub secret_hash: SecretHash,
    /// Where the code was sent; the exchange must name the same (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// Whether the authorization request named the redirect URI; if it did, the exchange must too.
    pub redirect_uri_was_sent: bool,
    /// The PKCE challenge, if one was sent (RFC 7636 §4.3).
    pub code_challenge: Option<crate::domain::pkce::CodeChallenge>,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it was exchanged; a code is exchanged once.
    pub exchanged_at: Option<Timestamp>,
}

/// An access token as it is stored.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// Key of the row.
    pub identifier: Identifier,
    /// The grant that it came of.
    pub grant: Identifier,
    /// Hash of the value's secret.
    pub secret_hash: SecretHash,
    /// What it was issued for; no more than the grant's.
    pub scope: ScopeSet,
    /// Where it may be used; no more than the grant's.
    pub resources: ResourceSet,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it was revoked by itself, if it was. (Its grant may end it too.)
    pub revoked_at: Option<Timestamp>,
}

/// A refresh token as it is stored: one link of a grant's chain.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// Key of the row.
    pub identifier: Identifier,
    /// The grant that it came of; its scope is the token's.
    pub grant: Identifier,
    /// Hash of the value's secret.
    pub secret_hash: SecretHash,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// End of its life: by disuse, or the end of the grant.
    pub expires_at: Timestamp,
    /// The rotation that used it up, if there was one.
    pub rotation: Option<Rotation>,
}

/// What a refresh token left behind when it was first used.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// When it was first used.
    pub rotated_at: Timestamp,
    /// The refresh token that took its place.
    pub successor: Identifier,
    /// The random value from which, with the predecessor's secret, the successor's secret is derived.
    pub successor_salt: [u8; 32],
    /// Whether the successor has been used, which ends the time in which this token may be repeated.
    pub successor_used: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn value(kind: TokenKind) -> TokenValue {
        let identifier = Identifier::at(Timestamp::from_millis(1_700_000_000_000), 7);
        TokenValue::new(
            kind,
            identifier,
            Secret::generate(&SeededEntropy::new(1)).unwrap(),
        )
    }

    #[test]
    fn a_value_reads_back_as_its_own_kind_only() {
        for kind in [
            TokenKind::AuthorizationCode,
            TokenKind::AccessToken,
            TokenKind::RefreshToken,
        ] {
            let text = value(kind).reveal();
            let read = TokenValue::parse(&text).unwrap();
            assert_eq!((read.kind(), read.identifier()), (kind, value(kind).identifier()));
            assert!(read.secret().hash().matches(&value(kind).secret().hash()));
        }
        let access = value(TokenKind::AccessToken).reveal();
        assert!(TokenValue::parse_as(TokenKind::RefreshToken, &access).is_none());
    }

    #[test]
    fn anything_else_is_no_value() {
        let good = value(TokenKind::AccessToken).reveal();
        for bad in [
            String::new(),
            "oat_".into(),
            good[1..].into(),
            format!("{good} "),
            format!(" {}", &good[1..]),
            good.replace("oat_", "oxt_"),
            good.to_uppercase(),
            "é".repeat(30),
        ] {
            assert!(TokenValue::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_the_identifier_and_no_secret() {
        let value = value(TokenKind::AccessToken);
        assert_eq!(format!("{value:?}"), format!("oat_{}…", value.identifier()));
    }
}
