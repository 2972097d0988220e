//! DPoP (RFC 9449): the proof in a request's header, read and verified.

use std::time::Duration;

use super::dpop_config::{DpopConfig, DpopNonces};
use super::dpop_nonce::{KnownNonce, NonceMint};
use crate::clock::{NODE_SKEW, Timestamp};
use crate::error::Reason;
use crate::jose::{DpopProof, DpopProofVerifier, ProvedRequest, SigningAlg};
use crate::secret::TokenHash;
use crate::types::Thumbprint;
use crate::wire::DpopHeader;

/// What takes the proofs of the requests to one server.
#[derive(Clone, Debug)]
pub(crate) struct DpopProofs {
    verifier: DpopProofVerifier,
    nonces: DpopNonces,
}

/// What came of looking for a proof.
#[derive(Debug)]
pub(crate) struct SoughtProof {
    /// The proof, if there is one; or why it is refused.
    pub(crate) proof: Result<Option<SoundProof>, Reason>,
    /// The nonce that the client is to hear of, since it needs one, or will soon.
    pub(crate) nonce: Option<String>,
}

/// A proof that was verified. It counts once it is used up, which is for a store to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SoundProof {
    /// The key that the sender holds.
    pub(crate) thumbprint: Thumbprint,
    /// The name by which its use is remembered. The key is part of it, so that nobody can use up the names of another,
    /// and nothing that has several spellings is (attack 176, attack 177).
    pub(crate) id: TokenHash,
    /// How long its use has to be remembered.
    pub(crate) remember_until: Timestamp,
}

impl DpopProofs {
    /// Proofs as `config` has them, of senders whose clocks may be ahead by `leeway`.
    pub(crate) fn new(config: &DpopConfig, leeway: Duration) -> Self {
        let verifier = DpopProofVerifier::new()
            .with_algorithms(&config.algorithms)
            .with_max_age(config.max_age)
            .with_leeway(leeway);
        let verifier = match config.nonces {
            DpopNonces::Optional => verifier,
            DpopNonces::Required => verifier.with_nonce_required(),
        };
        Self { verifier, nonces: config.nonces }
    }

    pub(crate) fn algorithms(&self) -> &[SigningAlg] {
        self.verifier.algorithms()
    }

    /// The one proof in the `header` of `request`, verified; `mint` says which nonces are known.
    pub(crate) fn seek(
        &self,
        header: Option<&DpopHeader>,
        request: ProvedRequest<'_>,
        (mint, now): (NonceMint<'_>, Timestamp),
    ) -> SoughtProof {
        let proof = match header {
            None => return SoughtProof { proof: Ok(None), nonce: None },
            Some(DpopHeader::Proof(proof)) => proof,
            // Which of them was meant is nobody's to guess (RFC 9449 section 4.3, attack 168).
            Some(DpopHeader::Repeated) => {
                return SoughtProof { proof: Err(Reason::DpopHeaderRepeated), nonce: None };
            }
        };
        let is_nonce = |nonce: &str| mint.read(nonce).is_some();
        let verified = self.verifier.verify(proof.expose(), &request.with_nonces(&is_nonce), now);
        let verified = verified.map_err(Reason::from);
        let nonce = needs_nonce(mint, &verified).then(|| mint.newest());
        SoughtProof { proof: verified.and_then(|proof| sound(mint, &proof)).map(Some), nonce }
    }

    /// What a request that sent no proof is told, where nonces are required: the one that its proof will need.
    pub(crate) fn offered_nonce(&self, mint: NonceMint<'_>) -> Option<String> {
        (self.nonces == DpopNonces::Required).then(|| mint.newest())
    }
}

fn needs_nonce(mint: NonceMint<'_>, verified: &Result<DpopProof, Reason>) -> bool {
    match verified {
        Ok(proof) => known(mint, proof).is_some_and(|known| mint.is_old(known)),
        Err(reason) => matches!(reason, Reason::DpopNonceMissing | Reason::DpopNonceStale),
    }
}

fn known(mint: NonceMint<'_>, proof: &DpopProof) -> Option<KnownNonce> {
    mint.read(proof.nonce()?)
}

fn sound(mint: NonceMint<'_>, proof: &DpopProof) -> Result<SoundProof, Reason> {
    let by_nonce = known(mint, proof).map(KnownNonce::ends_at);
    let accepted_until = proof.accepted_until().or(by_nonce).ok_or(Reason::DpopNonceStale)?;
    Ok(SoundProof {
        thumbprint: proof.thumbprint(),
        id: TokenHash::of(&format!("{}\0{}", proof.thumbprint(), proof.jti())),
        remember_until: accepted_until.plus(NODE_SKEW),
    })
}
