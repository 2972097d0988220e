//! Proofs of possession, each of which counts once.

use super::{Key, Model, Place, Reason};
use crate::internal::fuzzing::protocol::operation::Proof;

/// How long a proof counts, how far ahead its time may lie, and how long it is remembered after it counted last.
const PROOF_AGE: i64 = 300;
const CLOCK_SKEW: i64 = 10;
const NODE_SKEW: i64 = 120;

/// The proof that was sent last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SentProof {
    key: Key,
    place: Place,
    issued_at: i64,
    remembered_until: Option<i64>,
}

impl Model {
    /// The key that a request proves; each proof counts once, at its place, for a while.
    pub(super) fn prove(
        &mut self,
        place: Place,
        proof: Proof,
        bound: Option<Key>,
    ) -> Result<Option<Key>, Reason> {
        if fresh_key(proof, bound).is_none() && proof != Proof::Replayed {
            return Ok(None);
        }
        let Some(sent) = self.proof else { return Ok(None) };
        if sent.place != place {
            return Err(Reason::DpopProofUri);
        }
        if sent.issued_at > self.now + CLOCK_SKEW || self.now > sent.issued_at + PROOF_AGE {
            return Err(Reason::DpopProofTimes);
        }
        let is_known = sent.remembered_until.is_some_and(|until| until > self.now);
        self.write(|model| {
            let until = sent.remembered_until.filter(|_| is_known);
            // It counts in its last second too.
            let until = until.unwrap_or(sent.issued_at + PROOF_AGE + NODE_SKEW + 1);
            model.proof = Some(SentProof { remembered_until: Some(until), ..sent });
        })?;
        if is_known { Err(Reason::DpopProofReplayed) } else { Ok(Some(sent.key)) }
    }

    /// Whoever sends a fresh proof can send it again, whatever came of it.
    pub(super) fn note_proof(&mut self, place: Place, proof: Proof, bound: Option<Key>) {
        if let Some(key) = fresh_key(proof, bound) {
            self.proof = Some(SentProof { key, place, issued_at: self.now, remembered_until: None });
        }
    }
}

impl SentProof {
    /// The same without what need not be remembered any more.
    pub(super) fn swept(self, now: i64) -> Self {
        Self { remembered_until: self.remembered_until.filter(|until| *until > now), ..self }
    }
}

/// The key of a proof that is made for the request.
const fn fresh_key(proof: Proof, bound: Option<Key>) -> Option<Key> {
    match proof {
        Proof::AsBound => bound,
        Proof::Fresh(key) => Some(key),
        Proof::None | Proof::Replayed => None,
    }
}
