//! What a scope opens as one value, to notice that it is not what it was.

use sha2::{Digest, Sha256};

use super::Coverage;

/// SHA-256 over everything that a [`Coverage`] opens. Two are equal where the openings are, however they came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageDigest([u8; 32]);

impl CoverageDigest {
    /// From the bytes of a row.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Coverage {
    /// Its digest.
    pub fn digest(&self) -> CoverageDigest {
        let mut hasher = Sha256::new();
        for opening in self.openings() {
            // Neither a kind nor a pattern holds a control character, so no two lists are written alike.
            for part in [opening.kind(), "\0", opening.pattern(), "\n"] {
                hasher.update(part.as_bytes());
            }
        }
        CoverageDigest(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(folders: &[&str], services: &[&str], routes: &[&str]) -> CoverageDigest {
        let coverage = Coverage {
            folders: folders.iter().map(|text| text.parse().unwrap()).collect(),
            services: services.iter().map(|text| text.parse().unwrap()).collect(),
            routes: routes.iter().map(|text| text.parse().unwrap()).collect(),
        };
        coverage.digest()
    }

    #[test]
    fn it_changes_with_each_opening_and_with_nothing_else() {
        let base = digest(&["a", "b"], &["a:b"], &["GET /a"]);
        assert_eq!(base, digest(&["b", "a"], &["a:b"], &["GET /a"]));
        for other in [
            digest(&[], &[], &[]),
            digest(&["a"], &["a:b"], &["GET /a"]),
            digest(&["a", "b", "c"], &["a:b"], &["GET /a"]),
            digest(&["a", "b"], &["a:c"], &["GET /a"]),
            digest(&["a", "b"], &["a:b"], &["/a"]),
            digest(&["a", "b"], &["a:b"], &["GET /a", "GET /b"]),
        ] {
            assert_ne!(base, other);
        }
        assert_ne!(digest(&["a"], &[], &[]), digest(&[], &[], &["/a"]));
    }
}
