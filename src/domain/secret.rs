//! Secrets of 256 random bits, and what may be stored of them.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::entropy::{Entropy, NoEntropy, random};

/// How many characters 256 bits take in base64url without padding.
pub const SECRET_CHARS: usize = 43;

/// 256 bits that open a door. Never stored, never in `Debug`.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A new random secret.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        random(entropy).map(Self)
    }

    /// Reads what [`reveal`](Self::reveal) wrote; `None` for anything else, also for another spelling of the same bits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != SECRET_CHARS {
            return None;
        }
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .ok()?
            .try_into()
            .ok()
            .map(Self)
    }

    /// The secret as text. Loud on purpose: each use is a place where a secret leaves the program.
    pub fn reveal(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// What may be stored. A fast hash is right here: 256 random bits cannot be guessed.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }

    /// The secret of the successor: HMAC-SHA-256 keyed with this secret over a random value that the store keeps.
    ///
    /// Whoever holds this secret gets the same successor each time; the store alone yields nothing.
    #[must_use]
    pub fn successor(&self, salt: &[u8; 32]) -> Self {
        Self(self.sign(&[salt]))
    }

    /// HMAC-SHA-256 keyed with this secret over `parts`, each with its length before it.
    pub fn sign_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let lengths: Vec<[u8; 8]> = parts
            .iter()
            .map(|part| (part.len() as u64).to_be_bytes())
            .collect();
        let framed: Vec<&[u8]> = lengths
            .iter()
            .zip(parts)
            .flat_map(|(length, part)| [&length[..], part])
            .collect();
        self.sign(&framed)
    }

    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        // A key as long as the block, which RFC 2104 §2 makes by appending zeros, cannot have a wrong length.
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        key[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&key);
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret: what the store keeps.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret that somebody else made, as its characters stand.
    pub fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// From the bytes of a row.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are of the same secret, in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Whether two values are equal, in constant time for values of equal length.
pub fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn secret(seed: u64) -> Secret {
        Secret::generate(&SeededEntropy::new(seed)).unwrap()
    }

    #[test]
    fn a_secret_reads_back_and_has_one_spelling() {
        let text = secret(1).reveal();
        assert_eq!(text.len(), SECRET_CHARS);
        assert!(Secret::parse(&text).unwrap().hash().matches(&secret(1).hash()));
        // The last character carries four bits; with others set below them it is another spelling of the same bytes.
        let respelled = format!("{}{}", &text[..42], if text.ends_with('A') { 'B' } else { '_' });
        assert!(Secret::parse(&respelled).is_none(), "{respelled}");
        assert!(Secret::parse("").is_none());
    }

    #[test]
    fn a_successor_needs_both_the_secret_and_the_salt() {
        let successor = |seed, salt| secret(seed).successor(&[salt; 32]).reveal();
        assert_eq!(successor(1, 7), successor(1, 7));
        assert_ne!(successor(1, 7), successor(2, 7));
        assert_ne!(successor(1, 7), successor(1, 8));
    }

    /// RFC 4231 gives HMAC-SHA-256 vectors for other key lengths only; this one was made with Python's `hmac`.
    #[test]
    fn the_successor_is_plain_hmac_sha_256() {
        let key = Secret([0x0b; 32]);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&key.successor(&[0xcd; 32]).0),
            "64260fd5863f65a1583a4be50fce0df246ba23ce8eb630948739449a95987f11"
        );
    }

    #[test]
    fn parts_are_framed_so_that_moving_a_border_changes_the_signature() {
        assert_ne!(
            secret(1).sign_parts(&[b"ab", b"c"]),
            secret(1).sign_parts(&[b"a", b"bc"])
        );
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(
            format!("{:?} {:?}", secret(1), secret(1).hash()),
            "Secret(…) SecretHash(…)"
        );
    }
}
