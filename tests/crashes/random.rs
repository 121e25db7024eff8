//! Numbers from a seed, and how many rounds a test takes.

use std::hash::{BuildHasher, Hasher, RandomState};

/// `SplitMix64`: small, and good enough to choose where to cut.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let drawn = self.next() % u64::try_from(bound).unwrap();
        usize::try_from(drawn).unwrap()
    }

    /// One time in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value}")))
}

/// The seed of this run: the one that is set, or one of its own.
pub(crate) fn seed() -> u64 {
    // What the standard library draws for its maps; short enough to be typed.
    let drawn = || RandomState::new().build_hasher().finish() % 1_000_000_000;
    number("OAUTHCTL_CRASH_SEED").unwrap_or_else(drawn)
}

/// How many rounds: as many as are set, or those of an ordinary run.
pub(crate) fn rounds(ordinary: usize) -> usize {
    number("OAUTHCTL_CRASH_ROUNDS").map_or(ordinary, |rounds| usize::try_from(rounds).unwrap())
}

/// Of the numbers 1 to `all`, as many as there are rounds, spread evenly; their first is drawn.
pub(crate) fn sample(all: u64, ordinary: usize, random: &mut Random) -> Vec<u64> {
    let step = (all / u64::try_from(rounds(ordinary).max(1)).unwrap()).max(1);
    let first = 1 + random.next() % step;
    (first..=all).step_by(usize::try_from(step).unwrap()).collect()
}
