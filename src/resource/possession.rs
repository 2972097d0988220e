//! What a request has to prove beside its token: RFC 9449 section 7, RFC 8705 section 3.

use std::sync::Arc;

use super::access::Known;
use super::presented::Presented;
use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::jose::{ProvedRequest, SigningAlg};
use crate::proof::dpop::{DpopProofs, SoundProof};
use crate::proof::dpop_nonce::NonceMint;
use crate::proof::possession::{Possession, check_certificate};
use crate::secret::SystemSecrets;
use crate::store::ReplayStore;
use crate::store::replay::use_proof;
use crate::types::{HttpUri, Thumbprint};

/// What happens to a proof when the store that remembers them cannot answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unremembered {
    /// It counts all the same.
    Accepted,
    /// The request is answered with 503 (attack 182).
    #[default]
    Refused,
}

/// What takes DPoP proofs.
#[derive(Debug)]
pub(super) struct Dpop {
    pub(super) proofs: DpopProofs,
    pub(super) replays: Arc<dyn ReplayStore>,
    pub(super) unremembered: Unremembered,
    pub(super) secrets: SystemSecrets,
    /// The name of the resource, under which its nonces are.
    pub(super) resource: Arc<str>,
    /// Scheme, host and port as clients know them.
    pub(super) origin: String,
    /// The same where the TLS layer asks for certificates.
    pub(super) alias: Option<String>,
}

/// What came of checking what a request proves.
pub(super) struct Checked {
    pub(super) outcome: Result<()>,
    /// The nonce that the client is to hear of.
    pub(super) nonce: Option<String>,
}

impl Checked {
    fn plain(outcome: Result<(), Reason>) -> Self {
        Self { outcome: outcome.map_err(Error::from), nonce: None }
    }
}

/// Checks that the request holds the key that its token is bound to; a token that is not bound needs nothing.
pub(super) async fn check(
    dpop: Option<&Dpop>,
    presented: &Presented,
    known: &Known,
    now: Timestamp,
) -> Checked {
    match (Possession::demanded(presented.presentation, known.confirmation.as_ref()), dpop) {
        (Err(reason), _) => Checked::plain(Err(reason)),
        (Ok(Possession::Nothing), _) => Checked::plain(Ok(())),
        (Ok(Possession::Key(thumbprint)), Some(dpop)) => dpop.check(presented, thumbprint, now).await,
        (Ok(Possession::Key(_)), None) => Checked::plain(Err(Reason::AccessTokenBound)),
        (Ok(Possession::Certificate(hash)), _) => {
            Checked::plain(check_certificate(presented.head.certificate.as_ref(), hash))
        }
    }
}

impl Dpop {
    pub(super) fn algorithms(&self) -> &[SigningAlg] {
        self.proofs.algorithms()
    }

    /// Checks that the request proves the key of `thumbprint`.
    async fn check(&self, presented: &Presented, thumbprint: Thumbprint, now: Timestamp) -> Checked {
        let mint = NonceMint::new(&self.secrets, &self.resource, now);
        let (uri, alias) = match self.places(&presented.path) {
            Ok(places) => places,
            Err(reason) => return Checked::plain(Err(reason)),
        };
        let request = ProvedRequest::new(presented.head.method.as_str(), &uri)
            .with_alias(alias.as_ref())
            .with_access_token(presented.token.expose());
        let sought = self.proofs.seek(presented.head.dpop.as_ref(), request, (mint, now));
        let outcome = match sought.proof {
            Err(reason) => Err(reason.into()),
            Ok(None) => {
                let nonce = self.proofs.offered_nonce(mint);
                return Checked { outcome: Err(Reason::AccessTokenProofMissing.into()), nonce };
            }
            Ok(Some(proof)) if proof.thumbprint != thumbprint => Err(Reason::AccessTokenKeyMismatch.into()),
            Ok(Some(proof)) => self.use_up(&proof, now).await,
        };
        Checked { outcome, nonce: sought.nonce }
    }

    /// The place that a proof must name, and its other name.
    fn places(&self, path: &str) -> Result<(HttpUri, Option<HttpUri>), Reason> {
        let place =
            |origin: &str| HttpUri::parse(&format!("{origin}{path}")).map_err(|_| Reason::DpopProofUri);
        Ok((place(&self.origin)?, self.alias.as_deref().map(place).transpose()?))
    }

    /// Of any number of requests with one proof, one goes on.
    async fn use_up(&self, proof: &SoundProof, now: Timestamp) -> Result<()> {
        match (use_proof(&*self.replays, proof, now).await, self.unremembered) {
            (Ok(true), _) | (Err(_), Unremembered::Accepted) => Ok(()),
            (Ok(false), _) => Err(Reason::DpopProofReplayed.into()),
            (Err(error), Unremembered::Refused) => Err(error.into()),
        }
    }
}
