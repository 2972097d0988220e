//! DPoP (RFC 9449): the proof in a request's header, verified and used once.

use std::sync::Arc;

use crate::error::{Reason, Result};
use crate::event::Endpoint;
use crate::jose::{ProvedRequest, SigningAlg};
use crate::proof::DpopConfig;
use crate::proof::dpop::{DpopProofs, SoundProof};
use crate::proof::dpop_nonce::NonceMint;
use crate::provider::config::{Config, EndpointPaths};
use crate::provider::context::Context;
use crate::store::ReplayStore;
use crate::store::replay::use_proof;
use crate::types::{Confirmation, HttpUri, InvalidHttpUri, Issuer, Thumbprint};
use crate::wire::RequestHead;

/// What takes proofs, where DPoP is turned on.
#[derive(Debug)]
pub(crate) struct Dpop {
    proofs: DpopProofs,
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
        let places = Places::below(&config.issuer, &config.paths)?;
        let aliases = alias.map(|alias| Places::below(alias, &config.paths)).transpose()?;
        Ok(Self { proofs: DpopProofs::new(dpop, config.clock_skew), replays, places, aliases })
    }

    pub(crate) fn algorithms(&self) -> &[SigningAlg] {
        self.proofs.algorithms()
    }

    /// The key that the request proves; `None` without a proof.
    ///
    /// # Errors
    /// Why the proof is refused, or a store that fails: a proof that cannot be remembered is not accepted (attack 182).
    pub(super) async fn proved(&self, cx: &Context<'_>, head: &RequestHead) -> Result<Option<Confirmation>> {
        let Some(proof) = self.read(cx, head, None)? else { return Ok(None) };
        self.use_up(cx, &proof).await?;
        Ok(Some(Confirmation::Jkt(proof.thumbprint)))
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
        if proof.thumbprint != thumbprint {
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
    ) -> Result<Option<SoundProof>, Reason> {
        let alias = self.aliases.as_ref().map(|aliases| aliases.at(cx.endpoint));
        let mut request =
            ProvedRequest::new(head.method.as_str(), self.places.at(cx.endpoint)).with_alias(alias);
        if let Some(access_token) = access_token {
            request = request.with_access_token(access_token);
        }
        let sought = self.proofs.seek(head.dpop.as_ref(), request, (mint(cx), cx.now));
        if let Some(nonce) = sought.nonce {
            cx.note_dpop_nonce(nonce);
        }
        sought.proof
    }

    /// Of any number of requests with one proof, one goes on.
    async fn use_up(&self, cx: &Context<'_>, proof: &SoundProof) -> Result<()> {
        match use_proof(&*self.replays, proof, cx.now).await? {
            true => Ok(()),
            false => Err(Reason::DpopProofReplayed.into()),
        }
    }

    /// What a request that sent no proof is told, where nonces are required: the one that its proof will need.
    pub(super) fn offer_nonce(&self, cx: &Context<'_>) {
        if let Some(nonce) = self.proofs.offered_nonce(mint(cx)) {
            cx.note_dpop_nonce(nonce);
        }
    }
}

/// The nonces of this provider.
pub(super) fn mint<'a>(cx: &Context<'a>) -> NonceMint<'a> {
    NonceMint::new(cx.secrets, cx.issuer(), cx.now)
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
