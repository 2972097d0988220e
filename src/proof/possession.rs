//! What a request has to prove beside its access token (RFC 7800, RFC 8705 section 3, RFC 9449 section 7).

use super::Certificate;
use crate::error::Reason;
use crate::types::{Confirmation, Thumbprint};
use crate::wire::ClientCertificate;

/// How a request presents its access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presentation {
    /// As one that whoever has it may use (RFC 6750 section 2).
    Bearer,
    /// As one that is bound to a key, by the scheme `DPoP` (RFC 9449 section 7.1).
    Dpop,
}

/// What has to be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Possession {
    /// The certificate of this hash, by the connection.
    Certificate(Thumbprint),
    /// The key of this thumbprint, by a proof.
    Key(Thumbprint),
    /// Nothing: the token is not bound.
    Nothing,
}

impl Possession {
    /// What is to be proved by a request that presents a token so, which is bound to that.
    ///
    /// # Errors
    /// [`Reason::AccessTokenBound`], so that nobody takes a bound token for one that is not (attack 167), and
    /// [`Reason::AccessTokenUnbound`].
    pub(crate) fn demanded(
        presentation: Presentation,
        confirmation: Option<&Confirmation>,
    ) -> Result<Self, Reason> {
        match (presentation, confirmation) {
            (Presentation::Bearer, None) => Ok(Self::Nothing),
            (Presentation::Bearer, Some(Confirmation::X5tS256(hash))) => Ok(Self::Certificate(*hash)),
            (Presentation::Dpop, Some(Confirmation::Jkt(thumbprint))) => Ok(Self::Key(*thumbprint)),
            (Presentation::Dpop, None) => Err(Reason::AccessTokenUnbound),
            (Presentation::Bearer | Presentation::Dpop, Some(_)) => Err(Reason::AccessTokenBound),
        }
    }
}

/// Checks that a token which is bound to the certificate of this hash came over a connection with it (RFC 8705
/// section 3).
///
/// # Errors
/// [`Reason::AccessTokenCertificate`].
pub(crate) fn check_certificate(
    certificate: Option<&ClientCertificate>,
    expected: Thumbprint,
) -> Result<(), Reason> {
    let presented = certificate.and_then(|certificate| Certificate::parse(certificate.der()).ok());
    match presented.is_some_and(|presented| presented.thumbprint() == expected) {
        true => Ok(()),
        false => Err(Reason::AccessTokenCertificate),
    }
}
