//! Randomness, as an argument.
//!
//! Only this file asks the operating system for random bytes; a lint and a test refuse it elsewhere.

use std::sync::Mutex;

use rand::{Rng, SeedableRng, TryRng};

/// Where random bytes come from.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes that nobody can predict.
    ///
    /// # Errors
    /// [`NoEntropy`] where the operating system gives none; nothing may then be issued.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoEntropy;

/// The random number generator of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        rand::rngs::SysRng.try_fill_bytes(bytes).map_err(|_| NoEntropy)
    }
}

/// The same bytes each time for the same seed: for tests that compare values, and for nothing else.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<rand::rngs::StdRng>);

impl SeededEntropy {
    /// A generator that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(rand::rngs::StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.lock().map_err(|_| NoEntropy)?.fill_bytes(bytes);
        Ok(())
    }
}

/// An array of random bytes.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let draw = |seed| random::<16>(&SeededEntropy::new(seed)).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(
            random::<16>(&OsEntropy).unwrap(),
            random::<16>(&OsEntropy).unwrap()
        );
    }
}
