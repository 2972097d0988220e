//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 section 2): the certificate of the
//! connection.
//!
//! A certificate says neither which client sent it nor by which method, so there is nothing to extract: a
//! request that has nothing but a `client_id` is of the method that its client registered.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAuthMethod, RemoteKeys};
use crate::error::{Reason, Rejection, Result};
use crate::jose::{Jwk, JwkSet, SigningAlg};
use crate::provider::client_keys::{self, ClientToken, Unverified};
use crate::provider::context::Context;
use crate::provider::mutual_tls::parsed;
use crate::types::Params;
use crate::wire::{CertificateChain, ClientCertificate, RequestHead};

/// A certificate of an authority that the host trusts, of the subject that the client registered.
#[derive(Debug)]
pub(crate) struct TlsClientAuth;

/// A certificate of anybody, with a key that the client registered.
#[derive(Debug)]
pub(crate) struct SelfSignedTlsClientAuth(pub(crate) Option<Arc<RemoteKeys>>);

#[async_trait]
impl ClientAuthenticator for TlsClientAuth {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::TlsClientAuth
    }

    fn extract(&self, _: &RequestHead, _: &Params) -> Result<Option<Credentials>> {
        Ok(None)
    }

    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        let presented = presented(credentials)?;
        let certificate = parsed(presented)?;
        if presented.chain() != CertificateChain::Verified {
            return Err(Reason::ClientCertificateUnverified.into());
        }
        // The TLS layer should have seen to it; this costs nothing, and a session may be resumed for long.
        if !certificate.is_valid_at(cx.now) {
            return Err(Reason::ClientCertificateTimes.into());
        }
        match client.metadata().is_subject_of(&certificate) {
            true => Ok(()),
            false => Err(Reason::ClientCertificateSubject.into()),
        }
    }
}

#[async_trait]
impl ClientAuthenticator for SelfSignedTlsClientAuth {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::SelfSignedTlsClientAuth
    }

    fn extract(&self, _: &RequestHead, _: &Params) -> Result<Option<Credentials>> {
        Ok(None)
    }

    /// Nobody vouches for such a certificate, so nothing that it says counts, not even its times: it is there
    /// for its key.
    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        let certificate = parsed(presented(credentials)?)?;
        let key = certificate.key().ok_or(Reason::ClientCertificateKey)?;
        let verified = client_keys::verify(cx, self.0.as_deref(), client, &Registered(key)).await;
        Ok(verified.map_err(unverified)?)
    }
}

/// The key of a certificate, which is to be one of those that the client registered.
struct Registered<'a>(&'a Jwk);

impl ClientToken for Registered<'_> {
    type Verified = ();
    type Refusal = Reason;

    fn is_keyed_by(&self, _: &JwkSet) -> bool {
        false
    }

    fn verify(&self, keys: &JwkSet) -> Result<(), Reason> {
        let thumbprint = self.0.thumbprint();
        // The key of a handshake signs: one that its owner says is to encrypt to is none.
        let signs = |key: &Jwk| SigningAlg::ALL.iter().any(|alg| key.fits(*alg));
        match keys.keys().iter().any(|key| key.thumbprint() == thumbprint && signs(key)) {
            true => Ok(()),
            false => Err(Reason::ClientCertificateKey),
        }
    }

    fn is_of_keys(_: &Reason) -> bool {
        true
    }
}

fn unverified(error: Unverified<Reason>) -> Rejection {
    match error {
        Unverified::NoKeys => Reason::ClientCertificateKey.into(),
        Unverified::NotFetched => Reason::ClientKeysNotFetched.into(),
        Unverified::Refused(reason) => reason.into(),
        Unverified::Unfetched(error) => Rejection::caused(error.kind().of_client_keys(), error),
    }
}

fn presented(credentials: &Credentials) -> Result<&ClientCertificate, Reason> {
    credentials.certificate.as_ref().ok_or(Reason::ClientCertificateMissing)
}
