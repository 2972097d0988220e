//! Mutual TLS (RFC 8705): clients that authenticate by their certificates, and access tokens that are bound
//! to them.

use serde_json::{Map, Value};

use super::core::Core;
use crate::client::Client;
use crate::error::{Reason, Rejection, Result};
use crate::proof::Certificate;
use crate::types::{Confirmation, Issuer};
use crate::wire::{ClientCertificate, RequestHead};

/// What of mutual TLS is turned on. On its own it binds the access tokens of clients that registered
/// `tls_client_certificate_bound_access_tokens` to the certificates of their connections (RFC 8705 section
/// 3).
///
/// The host's TLS layer asks for certificates and hands them on: see [`ClientCertificate`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MutualTls {
    tls_client_auth: bool,
    self_signed: bool,
    alias: Option<Issuer>,
}

impl MutualTls {
    /// Bound access tokens, for the clients that registered them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Client authentication by `tls_client_auth` (RFC 8705 section 2.1): by a certificate of an authority
    /// that the host trusts, which is [verified](ClientCertificate::verified), and of the subject that the
    /// client registered.
    pub const fn with_tls_client_auth(mut self) -> Self {
        self.tls_client_auth = true;
        self
    }

    /// Client authentication by `self_signed_tls_client_auth` (RFC 8705 section 2.2): by a certificate,
    /// verified or not, whose key is in the client's `jwks` or at its `jwks_uri`.
    pub const fn with_self_signed_tls_client_auth(mut self) -> Self {
        self.self_signed = true;
        self
    }

    /// The endpoints are at `base` too, where the TLS layer asks for certificates; discovery lists them as
    /// `mtls_endpoint_aliases` (RFC 8705 section 5). `base` stands for the whole issuer, path included, so
    /// that `https://mtls.op.example/a` has the aliases of the issuer `https://op.example/a`.
    ///
    /// Without it, the endpoints themselves must be where certificates are asked for.
    pub fn with_aliases_at(mut self, base: Issuer) -> Self {
        self.alias = Some(base);
        self
    }

    pub(crate) const fn has_tls_client_auth(&self) -> bool {
        self.tls_client_auth
    }

    pub(crate) const fn has_self_signed(&self) -> bool {
        self.self_signed
    }

    /// Whether clients can authenticate by certificates.
    pub(crate) const fn authenticates(&self) -> bool {
        self.tls_client_auth || self.self_signed
    }

    pub(crate) const fn alias(&self) -> Option<&Issuer> {
        self.alias.as_ref()
    }
}

/// What the tokens of a request are bound to: to its certificate where the client or the provider demands
/// that, else to what it `proved` besides.
///
/// # Errors
/// [`Reason::CertificateNeeded`] where they have to be bound and the connection has no certificate, or mutual
/// TLS is off: no token goes out unbound without its client knowing (attack 190).
pub(super) fn confirm(
    core: &Core,
    (head, client): (&RequestHead, &Client),
    proved: Option<Confirmation>,
) -> Result<Option<Confirmation>> {
    let asked = client.metadata().tls_client_certificate_bound_access_tokens;
    let required = core.config.requirements.sender_constrained_tokens;
    match (asked, required, proved) {
        (false, false, proved) | (false, true, proved @ Some(_)) => return Ok(proved),
        // A token says of one key that it is bound to it.
        (true, _, Some(_)) => return Err(Reason::ConfirmationsCombined.into()),
        (_, _, None) => {}
    }
    let certificate = head.certificate.as_ref().filter(|_| core.mutual_tls.is_some());
    let certificate = parsed(certificate.ok_or(Reason::CertificateNeeded)?)?;
    Ok(Some(Confirmation::X5tS256(certificate.thumbprint())))
}

/// The certificate of a connection, taken apart.
pub(super) fn parsed(certificate: &ClientCertificate) -> Result<Certificate, Rejection> {
    Certificate::parse(certificate.der())
        .map_err(|error| Rejection::caused(Reason::ClientCertificateMalformed, error))
}

/// Endpoints that browsers are sent to, or that no client authenticates at by a certificate.
const WITHOUT_ALIAS: [&str; 3] = ["authorization_endpoint", "end_session_endpoint", "registration_endpoint"];

/// The members of metadata about mutual TLS; `endpoints` are the members that name endpoints, with the paths
/// of these below the issuer's.
pub(super) fn describe<'a>(
    mutual_tls: &MutualTls,
    endpoints: impl Iterator<Item = (&'static str, &'a str)>,
    metadata: &mut Map<String, Value>,
) {
    metadata.insert("tls_client_certificate_bound_access_tokens".to_owned(), true.into());
    let Some(alias) = mutual_tls.alias() else { return };
    let aliased = endpoints.filter(|(name, _)| name.ends_with("_endpoint") && !WITHOUT_ALIAS.contains(name));
    let aliases: Map<_, _> =
        aliased.map(|(name, path)| (name.to_owned(), alias.endpoint(path).into())).collect();
    metadata.insert("mtls_endpoint_aliases".to_owned(), aliases.into());
}
