//! Security profiles: what communities whose services are worth attacking demand of every provider among them.

use std::fmt;
use std::time::Duration;

use super::requirements::{PkceExceptions, Requirements};
use crate::jose::SigningAlg;

/// How long an access token lives at most where FAPI 2.0 holds, unless a client's settings or the
/// policy say otherwise.
pub(super) const FAPI2_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A security profile, turned on by
/// [`ProviderBuilder::with_profile`](super::ProviderBuilder::with_profile).
///
/// A profile only tightens: it turns on what its specification demands, forbids what that forbids, and is seen in discovery
/// by what is left. Several can hold at once; then all of their demands do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// FAPI 2.0 Message Signing: all of [`Profile::Fapi2Security`], requests that are signed request objects, and responses
    /// that can be JWTs (JARM), of introspection too.
    Fapi2MessageSigning,
    /// FAPI 2.0 Security Profile: requests are pushed, with PKCE and without exception; clients authenticate by keys; every
    /// access token is bound to a key; the algorithms are ES256, PS256 and EdDSA.
    Fapi2Security,
    /// FAPI Client Initiated Backchannel Authentication Profile: authentication requests are signed; clients authenticate by
    /// keys; every access token is bound to a certificate; the algorithms are ES256 and PS256; tokens are never pushed.
    FapiCiba,
    /// The authorization of the Model Context Protocol: OAuth 2.1 with PKCE without exception, and tokens that are each for
    /// the servers which the request names by `resource`.
    Mcp,
    /// OAuth 2.1: no token through the browser, and PKCE but for confidential clients with a `nonce`.
    OAuth21,
}

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Self] =
        &[Self::Fapi2MessageSigning, Self::Fapi2Security, Self::FapiCiba, Self::Mcp, Self::OAuth21];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fapi2MessageSigning => "fapi2-message-signing",
            Self::Fapi2Security => "fapi2-security",
            Self::FapiCiba => "fapi-ciba",
            Self::Mcp => "mcp",
            Self::OAuth21 => "oauth21",
        }
    }

    /// What it demands of every client.
    #[must_use]
    pub fn requirements(self) -> Requirements {
        let fapi2 = [SigningAlg::Es256, SigningAlg::Ps256, SigningAlg::EdDsa];
        match self {
            Self::Fapi2MessageSigning => Self::Fapi2Security.requirements().with_signed_request_object(),
            Self::Fapi2Security => Requirements::new()
                .with_asymmetric_authentication()
                .with_bounded_request_objects()
                .with_https_redirect_uris()
                .with_issuer_as_audience()
                .with_pkce_exceptions(PkceExceptions::Refused)
                .with_redirect_uri()
                .with_sender_constrained_tokens()
                .with_signing_algs(fapi2),
            Self::FapiCiba => Requirements::new()
                .with_asymmetric_authentication()
                .with_bounded_request_objects()
                .with_https_redirect_uris()
                .with_pkce_exceptions(PkceExceptions::Refused)
                .with_sender_constrained_tokens()
                .with_signing_algs([SigningAlg::Es256, SigningAlg::Ps256]),
            Self::Mcp => Requirements::new().with_pkce_exceptions(PkceExceptions::Refused).with_resource(),
            Self::OAuth21 => Requirements::new().with_pkce_exceptions(PkceExceptions::WithNonce),
        }
    }

    /// Whether it is FAPI 2.0.
    pub(super) const fn is_fapi2(self) -> bool {
        matches!(self, Self::Fapi2MessageSigning | Self::Fapi2Security)
    }

    /// Whether it is one of FAPI.
    pub(super) const fn is_fapi(self) -> bool {
        self.is_fapi2() || matches!(self, Self::FapiCiba)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
