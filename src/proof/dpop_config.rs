//! How DPoP proofs are taken.

use std::time::Duration;

use crate::jose::SigningAlg;

/// How DPoP proofs are taken (RFC 9449).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct DpopConfig {
    pub(crate) algorithms: Vec<SigningAlg>,
    pub(crate) max_age: Duration,
    pub(crate) nonces: DpopNonces,
}

/// Whether proofs must carry a nonce of the server (RFC 9449 section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DpopNonces {
    /// They may; without one their `iat` must be of now. The default.
    #[default]
    Optional,
    /// They must: proofs that somebody made beforehand are worth nothing, and clients need no clock. It costs a client
    /// one more request each time that its nonce has got old.
    Required,
}

impl Default for DpopConfig {
    fn default() -> Self {
        Self {
            algorithms: SigningAlg::DEFAULT_INBOUND.to_vec(),
            max_age: Duration::from_secs(300),
            nonces: DpopNonces::default(),
        }
    }
}

impl DpopConfig {
    /// Proofs by ES256, PS256, EdDSA or RS256, up to 300 seconds old, with a nonce or without.
    pub fn new() -> Self {
        Self::default()
    }

    /// The algorithms that are accepted: at least one. FAPI 2.0 has no RS256.
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = SigningAlg>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How old a proof without a nonce may be: 60 to 300 s, default 300 s.
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Whether proofs must carry a nonce.
    pub const fn with_nonces(mut self, nonces: DpopNonces) -> Self {
        self.nonces = nonces;
        self
    }

    /// The same for those of its algorithms that are among `algs`.
    pub(crate) fn limited_to(mut self, algs: &[SigningAlg]) -> Self {
        self.algorithms.retain(|alg| algs.contains(alg));
        self
    }

    /// What is out of bounds, and what it must be.
    pub(crate) fn out_of_bounds(&self) -> Option<(&'static str, &'static str)> {
        if !(Duration::from_secs(60)..=Duration::from_secs(300)).contains(&self.max_age) {
            return Some(("dpop max_age", "60 to 300 seconds"));
        }
        self.algorithms.is_empty().then_some(("dpop algorithms", "at least one"))
    }
}
