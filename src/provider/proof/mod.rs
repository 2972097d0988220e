//! Which key a request proves to hold, and whether that is the one that its access token is bound to.

mod dpop;

pub(crate) use dpop::Dpop;

use super::context::{Arrival, Context};
use super::core::Core;
use super::mutual_tls;
use super::token::AuthenticatedClient;
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::event::Endpoint;
use crate::proof::possession::{Possession, Presentation, check_certificate};
use crate::store::AccessToken;
use crate::types::Confirmation;
use crate::wire::{RequestHead, Response, reply};

/// The key that the tokens of this request are to be bound to; `None` where they are for whoever has them.
///
/// It is asked before anything is consumed, so that a proof that got lost on its way, or that needs a nonce, costs the
/// client no code (attack 117).
///
/// # Errors
/// Why the proof is refused; [`Reason::DpopProofMissing`] where the client's tokens have to be bound (RFC 9449
/// section 5.2), which holds where no proofs are taken, too; those of [`mutual_tls::confirm`].
pub(super) async fn confirm(
    core: &Core,
    cx: &Context<'_>,
    (head, client): (&RequestHead, &AuthenticatedClient),
) -> Result<Option<Confirmation>> {
    let proved = proved(core, cx, head).await?;
    if proved.is_none() && must_prove(core, (head, client.client())) {
        if let Some(dpop) = &core.dpop {
            dpop.offer_nonce(cx);
        }
        return Err(Reason::DpopProofMissing.into());
    }
    mutual_tls::confirm(core, (head, client.client()), proved)
}

/// Whether the tokens of a request have to be bound to the key of a proof: where the client registered for that, and where
/// there is no other key to bind them to, and they all have to be.
fn must_prove(core: &Core, (head, client): (&RequestHead, &Client)) -> bool {
    let by_certificate = core.mutual_tls.is_some()
        && (head.certificate.is_some() || client.metadata().tls_client_certificate_bound_access_tokens);
    let required = core.config.requirements.sender_constrained_tokens && core.dpop.is_some();
    client.metadata().dpop_bound_access_tokens || required && !by_certificate
}

/// The key that the request proves, whatever that is for. Where no proofs are taken nobody looks for one.
///
/// # Errors
/// Why the proof is refused.
pub(super) async fn proved(
    core: &Core,
    cx: &Context<'_>,
    head: &RequestHead,
) -> Result<Option<Confirmation>> {
    match &core.dpop {
        Some(dpop) => dpop.proved(cx, head).await,
        None => Ok(None),
    }
}

/// Checks that the request holds the key that its access token is bound to.
///
/// # Errors
/// [`Reason::AccessTokenBound`], so that nobody takes a bound token for one that is not (attack 167), and
/// [`Reason::AccessTokenUnbound`]; why the proof is refused; [`Reason::AccessTokenCertificate`].
pub(super) async fn check(
    core: &Core,
    cx: &Context<'_>,
    head: &RequestHead,
    (presentation, text, token): (Presentation, &str, &AccessToken),
) -> Result<()> {
    match (Possession::demanded(presentation, token.confirmation.as_ref())?, &core.dpop) {
        (Possession::Nothing, _) => Ok(()),
        (Possession::Key(thumbprint), Some(dpop)) => dpop.check(cx, head, (text, thumbprint)).await,
        (Possession::Key(_), None) => Err(Reason::AccessTokenBound.into()),
        (Possession::Certificate(hash), _) => {
            let certificate = head.certificate.as_ref().filter(|_| core.mutual_tls.is_some());
            Ok(check_certificate(certificate, hash)?)
        }
    }
}

/// Adds the nonce that the client is to use next, if it is to hear of one.
pub(super) fn answer_nonce(cx: &Context<'_>, response: &mut Response) {
    if let Some(nonce) = cx.noted_dpop_nonce() {
        reply::dpop_nonce(response.headers_mut(), nonce);
    }
}

/// The newest nonce, where proofs are taken.
pub(super) fn newest_nonce(core: &Core) -> Option<String> {
    let arrival = Arrival::at(Endpoint::Token, core);
    core.dpop.as_ref().map(|_| dpop::mint(&arrival.context()).newest())
}
