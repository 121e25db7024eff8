//! Clients: applications that ask for authorization (RFC 6749 §2).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::consent::ConsentPolicy;
use crate::domain::identifier::Identifier;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::SecretHash;
use crate::domain::text::{Description, Name};

/// `client_id`: 1 to 255 printable ASCII characters (RFC 6749 appendix A.1), without space.
///
/// Resource servers have identifiers of the same form, and share the name space: both authenticate at the same
/// endpoints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An identifier made of the name and random characters, such as `orders-web-7k3m9q2x`.
    pub fn from_name(name: &Name, random: [u8; 8]) -> Self {
        let mut slug = String::new();
        for c in name.as_str().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= 40 {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        // A name without a Latin letter or digit leaves nothing to make an identifier of.
        let slug = if slug.is_empty() { "client" } else { slug };
        Self(format!(
            "{slug}-{}",
            crate::domain::identifier::readable_suffix(random)
        ))
    }
}

/// The text is not a client identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("1 to 255 printable ASCII characters without space are expected")]
pub struct NotAClientId;

impl FromStr for ClientId {
    type Err = NotAClientId;

    fn from_str(text: &str) -> Result<Self, NotAClientId> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAClientId)
        }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a client's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(pub i64);

/// How often a client may refresh one grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshPolicy {
    /// Never: it is given no refresh token.
    None,
    /// So many times for each grant; at least once.
    Limited(u32),
    /// As often as it likes, within the life of the grant.
    Unlimited,
}

impl RefreshPolicy {
    /// Whether a grant that was refreshed `refreshes` times may be refreshed once more.
    pub fn allows_another(self, refreshes: u32) -> bool {
        match self {
            Self::None => false,
            Self::Limited(limit) => refreshes < limit,
            Self::Unlimited => true,
        }
    }
}

/// The text is not a refresh policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`none`, `unlimited` or a number from 1 to {} is expected", u32::MAX)]
pub struct NotARefreshPolicy;

impl FromStr for RefreshPolicy {
    type Err = NotARefreshPolicy;

    fn from_str(text: &str) -> Result<Self, NotARefreshPolicy> {
        match text {
            "none" => Ok(Self::None),
            "unlimited" => Ok(Self::Unlimited),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => match number.parse() {
                Ok(0) => Ok(Self::None),
                Ok(limit) => Ok(Self::Limited(limit)),
                Err(_) => Err(NotARefreshPolicy),
            },
            _ => Err(NotARefreshPolicy),
        }
    }
}

impl fmt::Display for RefreshPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Limited(limit) => write!(f, "{limit}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// What is set for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// What people see.
    pub name: Name,
    /// A sentence more, for the approval page.
    pub description: Description,
    /// Where codes may be sent; never empty.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may ask for.
    pub scopes: ScopeSet,
    /// Life of its access tokens.
    pub access_token_lifetime: Duration,
    /// Life of its authorization codes.
    pub code_lifetime: Duration,
    /// How often it may refresh.
    pub refresh: RefreshPolicy,
    /// How long a grant may be refreshed at all, from the exchange of its code.
    pub refresh_token_lifetime: Duration,
    /// How long a refresh token lives unused.
    pub refresh_token_idle: Duration,
    /// Whether it must use PKCE (RFC 7636).
    pub require_pkce: bool,
    /// Whether the resource owner may have an approval remembered.
    pub consent: ConsentPolicy,
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Key of the row.
    pub key: ClientKey,
    /// What it is called in the protocol.
    pub id: ClientId,
    /// Whether it may do anything at all.
    pub enabled: bool,
    /// What is set for it.
    pub settings: ClientSettings,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A secret of a client or of a resource server, as it is stored.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    /// Key of the row.
    pub identifier: Identifier,
    /// Hash of the text.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if that is set.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as that has been written (see `LastUse`).
    pub last_used_at: Option<Timestamp>,
}

impl StoredSecret {
    /// A secret that does not end by itself and has not been used.
    pub fn new(identifier: Identifier, hash: SecretHash, created_at: Timestamp) -> Self {
        Self {
            identifier,
            hash,
            created_at,
            expires_at: None,
            last_used_at: None,
        }
    }
}

impl StoredSecret {
    /// Whether `presented` hashes to this secret and it has not ended.
    pub fn admits(&self, presented: &SecretHash, now: Timestamp) -> bool {
        let alive = self.expires_at.is_none_or(|end| now < end);
        self.hash.matches(presented) && alive
    }
}

/// The prefix of the secrets that we make.
pub const CLIENT_SECRET_PREFIX: &str = "ocs_";

/// The fewest characters of a secret that is brought along.
pub const SHORTEST_IMPORTED_SECRET: usize = 32;

/// The fewest different characters of a secret that is brought along.
const FEWEST_DISTINCT: usize = 8;

/// The text of a client secret or resource server secret. Never in `Debug`.
#[derive(Clone)]
pub struct ClientSecret(String);

/// A secret that is brought along cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret that is brought along needs {SHORTEST_IMPORTED_SECRET} to 255 printable ASCII characters without space, \
     {FEWEST_DISTINCT} of them different"
)]
pub struct UnfitSecret;

impl ClientSecret {
    /// A new random secret.
    pub fn generate(entropy: &dyn crate::entropy::Entropy) -> Result<Self, crate::entropy::NoEntropy> {
        let secret = crate::domain::secret::Secret::generate(entropy)?;
        Ok(Self(format!("{CLIENT_SECRET_PREFIX}{}", secret.reveal())))
    }

    /// An existing secret, for clients that move over.
    pub fn import(text: &str) -> Result<Self, UnfitSecret> {
        let distinct: std::collections::BTreeSet<u8> = text.bytes().collect();
        let fits = (SHORTEST_IMPORTED_SECRET..=255).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && distinct.len() >= FEWEST_DISTINCT;
        fits.then(|| Self(text.to_owned())).ok_or(UnfitSecret)
    }

    /// What somebody presents as a secret: anything; it only has to hash to the right value.
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What may be stored.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of_text(&self.0)
    }

    /// The secret as text. Loud on purpose.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_made_of_names() {
        for (name, start) in [
            ("Orders Web", "orders-web-"),
            ("  --Orders/Web!! ", "orders-web-"),
            ("東京", "client-"),
            (&"x".repeat(100), &format!("{}-", "x".repeat(40))),
        ] {
            let id = ClientId::from_name(&name.parse().unwrap(), [1, 2, 3, 4, 5, 6, 7, 255]);
            assert_eq!(id.as_str(), format!("{start}1234567z"));
            assert!(id.as_str().parse::<ClientId>().is_ok());
        }
    }

    #[test]
    fn identifiers_are_printable_ascii() {
        for bad in ["", "a b", "é", "a\n", &"x".repeat(256)] {
            assert_eq!(bad.parse::<ClientId>(), Err(NotAClientId), "{bad}");
        }
        assert!("x".repeat(255).parse::<ClientId>().is_ok());
    }

    #[test]
    fn refresh_policies_read_back() {
        for text in ["none", "unlimited", "1", "4294967295"] {
            assert_eq!(text.parse::<RefreshPolicy>().unwrap().to_string(), text);
        }
        for never in ["0", "00"] {
            assert_eq!(never.parse(), Ok(RefreshPolicy::None));
        }
        for bad in ["", "-1", "+1", "4294967296", "forever"] {
            assert_eq!(bad.parse::<RefreshPolicy>(), Err(NotARefreshPolicy), "{bad}");
        }
        assert!(RefreshPolicy::Limited(2).allows_another(1) && !RefreshPolicy::Limited(2).allows_another(2));
        assert!(!RefreshPolicy::None.allows_another(0) && RefreshPolicy::Unlimited.allows_another(u32::MAX));
    }

    #[test]
    fn a_secret_that_is_brought_along_must_be_long_and_varied() {
        assert!(ClientSecret::import("correct-horse-battery-staple-0001").is_ok());
        for bad in [
            &"a".repeat(64),
            "short",
            "correct horse battery staple 0001",
            &"abcdefgh".repeat(32),
        ] {
            assert!(ClientSecret::import(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_that_has_ended_admits_nobody() {
        let secret = ClientSecret::presented("s");
        let at = Timestamp::from_millis;
        let identifier = Identifier::at(at(0), 0);
        let mut stored = StoredSecret::new(identifier, secret.hash(), at(0));
        stored.expires_at = Some(at(10));
        assert!(stored.admits(&secret.hash(), at(9)));
        assert!(!stored.admits(&secret.hash(), at(10)));
        assert!(!stored.admits(&ClientSecret::presented("t").hash(), at(9)));
        assert_eq!(format!("{secret:?}"), "ClientSecret(…)");
    }
}
