//! DPoP (RFC 9449): the proof in a request's header, verified and used once.

use std::sync::Arc;

use super::config::{DpopConfig, DpopNonces};
use crate::error::{Reason, Result};
use crate::event::Endpoint;
use crate::jose::{DpopProof, DpopProofVerifier, ProvedRequest, SigningAlg};
use crate::provider::config::{Config, EndpointPaths};
use crate::provider::context::Context;
use crate::provider::format::dpop_nonce::{self, KnownNonce};
use crate::provider::replay;
use crate::secret::TokenHash;
use crate::store::ReplayStore;
use crate::types::{Confirmation, HttpUri, InvalidHttpUri, Issuer, Thumbprint};
use crate::wire::{DpopHeader, RequestHead};

/// Where used `jti` values of proofs are kept.
const REPLAY_SPACE: &str = "dpop proof";

/// What takes proofs, where DPoP is turned on.
#[derive(Debug)]
pub(crate) struct Dpop {
    verifier: DpopProofVerifier,
    nonces: DpopNonces,
    replays: Arc<dyn ReplayStore>,
    places: Places,
    /// The same endpoints where the TLS layer asks for certificates (RFC 8705 section 5).
    aliases: Option<Places>,
}

/// The endpoints that take proofs, as `htu` must name them.
#[derive(Debug)]
struct Places {
    pushed_authorization: HttpUri,
    token: HttpUri,
    userinfo: HttpUri,
}

impl Dpop {
    pub(crate) fn new(
        config: &Config,
        (dpop, alias): (&DpopConfig, Option<&Issuer>),
        replays: Arc<dyn ReplayStore>,
    ) -> Result<Self, InvalidHttpUri> {
        let verifier = DpopProofVerifier::new()
            .with_algorithms(&dpop.algorithms)
            .with_max_age(dpop.max_age)
            .with_leeway(config.clock_skew);
        let verifier = match dpop.nonces {
            DpopNonces::Optional => verifier,
            DpopNonces::Required => verifier.with_nonce_required(),
        };
        let places = Places::below(&config.issuer, &config.paths)?;
        let aliases = alias.map(|alias| Places::below(alias, &config.paths)).transpose()?;
        Ok(Self { verifier, nonces: dpop.nonces, replays, places, aliases })
    }

    pub(crate) fn algorithms(&self) -> &[SigningAlg] {
        self.verifier.algorithms()
    }

    /// The key that the request proves; `None` without a proof.
    ///
    /// # Errors
    /// Why the proof is refused, or a store that fails: a proof that cannot be remembered is not accepted (attack 182).
    pub(super) async fn proved(&self, cx: &Context<'_>, head: &RequestHead) -> Result<Option<Confirmation>> {
        let Some(proof) = self.read(cx, head, None)? else { return Ok(None) };
        self.use_up(cx, &proof).await?;
        Ok(Some(Confirmation::Jkt(proof.thumbprint())))
    }

    /// Checks that the request proves the key of `thumbprint`, to which its access token is bound.
    ///
    /// # Errors
    /// As those of [`Dpop::proved`]; [`Reason::AccessTokenProofMissing`], [`Reason::AccessTokenKeyMismatch`].
    pub(super) async fn check(
        &self,
        cx: &Context<'_>,
        head: &RequestHead,
        (access_token, thumbprint): (&str, Thumbprint),
    ) -> Result<()> {
        let proof = self.read(cx, head, Some(access_token))?.ok_or(Reason::AccessTokenProofMissing)?;
        if proof.thumbprint() != thumbprint {
            return Err(Reason::AccessTokenKeyMismatch.into());
        }
        self.use_up(cx, &proof).await
    }

    /// The one proof of the request, verified.
    fn read(
        &self,
        cx: &Context<'_>,
        head: &RequestHead,
        access_token: Option<&str>,
    ) -> Result<Option<DpopProof>, Reason> {
        let proof = match &head.dpop {
            None => return Ok(None),
            Some(DpopHeader::Proof(proof)) => proof,
            // Which of them was meant is nobody's to guess (RFC 9449 section 4.3, attack 168).
            Some(DpopHeader::Repeated) => return Err(Reason::DpopHeaderRepeated),
        };
        let is_nonce = |nonce: &str| KnownNonce::read(cx, nonce).is_some();
        let mut request =
            ProvedRequest::new(head.method.as_str(), self.places.at(cx.endpoint)).with_nonces(&is_nonce);
        request = request.with_alias(self.aliases.as_ref().map(|aliases| aliases.at(cx.endpoint)));
        if let Some(access_token) = access_token {
            request = request.with_access_token(access_token);
        }
        let verified = self.verifier.verify(proof.expose(), &request, cx.now).map_err(Reason::from);
        self.note_nonce(cx, &verified);
        verified.map(Some)
    }

    /// Sees to it that the client hears of a new nonce where it needs one, or will soon.
    fn note_nonce(&self, cx: &Context<'_>, verified: &Result<DpopProof, Reason>) {
        let needs = match verified {
            Ok(proof) => {
                let known = proof.nonce().and_then(|nonce| KnownNonce::read(cx, nonce));
                known.is_some_and(|known| known.is_old(cx.now))
            }
            Err(Reason::DpopNonceMissing | Reason::DpopNonceStale) => true,
            Err(_) => false,
        };
        if needs {
            cx.note_dpop_nonce(dpop_nonce::newest(cx));
        }
    }

    /// Of any number of requests with one proof, one goes on. The key is part of its name, so that nobody can use up
    /// the names of another, and nothing that has several spellings is (attack 176, attack 177).
    async fn use_up(&self, cx: &Context<'_>, proof: &DpopProof) -> Result<()> {
        let by_nonce = proof.nonce().and_then(|nonce| KnownNonce::read(cx, nonce)).map(KnownNonce::ends_at);
        let accepted_until = proof.accepted_until().or(by_nonce).ok_or(Reason::DpopNonceStale)?;
        let id = TokenHash::of(&format!("{}\0{}", proof.thumbprint(), proof.jti()));
        let until = accepted_until.plus(replay::NODE_SKEW);
        match self.replays.first_use(REPLAY_SPACE, &id, until, cx.now).await? {
            true => Ok(()),
            false => Err(Reason::DpopProofReplayed.into()),
        }
    }

    /// What a request that sent no proof is told, where nonces are required: the one that its proof will need.
    pub(super) fn offer_nonce(&self, cx: &Context<'_>) {
        if self.nonces == DpopNonces::Required {
            cx.note_dpop_nonce(dpop_nonce::newest(cx));
        }
    }
}

impl Places {
    fn below(base: &Issuer, paths: &EndpointPaths) -> Result<Self, InvalidHttpUri> {
        let place = |path: &str| HttpUri::parse(&base.endpoint(path));
        Ok(Self {
            pushed_authorization: place(&paths.pushed_authorization)?,
            token: place(&paths.token)?,
            userinfo: place(&paths.userinfo)?,
        })
    }

    fn at(&self, endpoint: Endpoint) -> &HttpUri {
        match endpoint {
            Endpoint::PushedAuthorization => &self.pushed_authorization,
            Endpoint::Userinfo => &self.userinfo,
            _ => &self.token,
        }
    }
}
