//! Randomness, read from an injected [`Entropy`].

use std::fmt::Debug;

use rand::TryRng as _;
#[expect(clippy::disallowed_types, reason = "the one place where the operating system is asked")]
use rand::rngs::SysRng;

/// Where unpredictable bytes come from.
///
/// An implementation must fill the whole buffer with bytes of cryptographic quality, or fail. It must never
/// fall back to a weaker source: on an error the request that asked is refused and nothing is issued.
pub trait Entropy: Debug + Send + Sync {
    /// Fills `dest` with random bytes.
    ///
    /// # Errors
    /// [`EntropyError`] when the source cannot deliver; `dest` must then not be used.
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError>;
}

/// The random source failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not read random bytes")]
pub struct EntropyError;

/// The random source of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        SysRng.try_fill_bytes(dest).map_err(|_| EntropyError)
    }
}

/// `N` random bytes.
///
/// # Errors
/// [`EntropyError`] when the source fails.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

const _: fn(&dyn Entropy) = |_| ();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operating_system_gives_different_bytes_each_time() {
        let (a, b) = (random::<32>(&OsEntropy).unwrap(), random::<32>(&OsEntropy).unwrap());
        assert_ne!(a, b);
    }
}
