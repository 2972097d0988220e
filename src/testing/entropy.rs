//! Randomness that repeats from run to run, and fails or repeats within one when told to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::entropy::{Entropy, EntropyError};

/// Bytes of a block of the stream: one SHA-256 digest.
const BLOCK: usize = 32;

/// A deterministic random source: SHA-256 over a seed and a counter.
///
/// # Security
/// Who knows the seed knows every byte. It is for tests alone.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: [u8; 8],
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    position: Position,
    failing: bool,
}

/// A place in the stream of a [`SeededEntropy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

impl SeededEntropy {
    /// A source whose bytes depend on nothing but `seed` and how often it was asked.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed: seed.to_be_bytes(), state: Mutex::default() }
    }

    /// Where the stream is.
    #[must_use]
    pub fn position(&self) -> Position {
        self.state().position
    }

    /// Goes back, so that what was drawn since `position` is drawn again.
    pub fn rewind(&self, position: Position) {
        self.state().position = position;
    }

    /// Lets every draw fail until [`SeededEntropy::recover`] is called.
    pub fn fail(&self) {
        self.state().failing = true;
    }

    /// Delivers again.
    pub fn recover(&self) {
        self.state().failing = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        let mut state = self.state();
        if state.failing {
            return Err(EntropyError);
        }
        for chunk in dest.chunks_mut(BLOCK) {
            let block = Sha256::new().chain_update(self.seed).chain_update(state.position.0.to_be_bytes());
            chunk.copy_from_slice(&block.finalize()[..chunk.len()]);
            state.position.0 += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::random;

    #[test]
    fn one_seed_gives_one_stream_and_another_seed_another() {
        let draw = |seed| {
            let entropy = SeededEntropy::new(seed);
            (random::<40>(&entropy).unwrap(), random::<40>(&entropy).unwrap())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let (first, second) = draw(1);
        assert_ne!(first, second);
    }

    #[test]
    fn it_repeats_and_fails_on_demand() {
        let entropy = SeededEntropy::new(7);
        let start = entropy.position();
        let first = random::<32>(&entropy).unwrap();
        entropy.rewind(start);
        assert_eq!(random::<32>(&entropy).unwrap(), first);
        entropy.fail();
        assert_eq!(random::<32>(&entropy), Err(EntropyError));
        entropy.recover();
        assert_ne!(random::<32>(&entropy).unwrap(), first);
    }
}
