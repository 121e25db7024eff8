//! Passwords of resource owners, hashed with Argon2id (RFC 9106).

use std::fmt;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::domain::identifier::readable_suffix;
use crate::entropy::{Entropy, NoEntropy, random};

/// The fewest characters of a new password (NIST SP 800-63B §5.1.1.2).
pub const SHORTEST_PASSWORD: usize = 8;

/// The most bytes of a password; hashing takes time that grows with it.
pub const LONGEST_PASSWORD: usize = 1024;

/// A password as somebody typed it. Never in `Debug`.
#[derive(Clone)]
pub struct Password(String);

/// The password cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer characters than [`SHORTEST_PASSWORD`].
    #[error("a password needs at least {SHORTEST_PASSWORD} characters")]
    TooShort,
    /// More bytes than [`LONGEST_PASSWORD`].
    #[error("a password may have {LONGEST_PASSWORD} bytes at most")]
    TooLong,
}

impl Password {
    /// A new password, for an owner who is added.
    pub fn choose(text: &str) -> Result<Self, PasswordError> {
        if text.chars().count() < SHORTEST_PASSWORD {
            return Err(PasswordError::TooShort);
        }
        if text.len() > LONGEST_PASSWORD {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// A password of 80 random bits that can be typed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let half = || random(entropy).map(readable_suffix);
        Ok(Self(format!("{}-{}", half()?, half()?)))
    }

    /// What somebody signs in with; `None` where it is longer than any password.
    pub fn presented(text: &str) -> Option<Self> {
        (text.len() <= LONGEST_PASSWORD).then(|| Self(text.to_owned()))
    }

    /// The password as text. Loud on purpose.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Hashes the password with a new salt. Takes some tens of milliseconds and 19 MiB of memory.
    pub fn hash(&self, entropy: &dyn Entropy) -> Result<PasswordHash, NoEntropy> {
        let salt: [u8; 16] = random(entropy)?;
        // It fails on lengths only, and these are bounded by the constructors. Were it to fail, an empty hash admits nobody.
        let hash = hasher().hash_password_with_salt(self.0.as_bytes(), &salt);
        Ok(PasswordHash(
            hash.map(|hash| hash.to_string()).unwrap_or_default(),
        ))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Argon2id with the parameters that OWASP names first: 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// A password hash in PHC string form, with its salt and parameters.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// From the text of a row.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `password` is the one. The same work as [`Password::hash`].
    pub fn admits(&self, password: &Password) -> bool {
        use argon2::password_hash::PasswordVerifier;
        hasher()
            .verify_password(password.0.as_bytes(), self.0.as_str())
            .is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn a_hash_admits_its_own_password_only() {
        let password = Password::choose("correct horse").unwrap();
        let hash = password.hash(&OsEntropy).unwrap();
        assert!(
            hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.as_str()
        );
        assert!(hash.admits(&password));
        assert!(!hash.admits(&Password::presented("correct horsf").unwrap()));
        assert!(!PasswordHash::from_stored("nonsense".into()).admits(&password));
        assert_ne!(hash.as_str(), password.hash(&OsEntropy).unwrap().as_str());
    }

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(Password::choose("1234567").unwrap_err(), PasswordError::TooShort);
        assert_eq!(
            Password::choose(&"x".repeat(1025)).unwrap_err(),
            PasswordError::TooLong
        );
        assert!(Password::presented(&"x".repeat(1025)).is_none());
        assert_eq!(
            format!("{:?}", Password::choose("12345678").unwrap()),
            "Password(…)"
        );
    }
}
