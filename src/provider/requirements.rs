//! What a deployment demands of every client, whatever that registered and whatever its settings allow.

use crate::jose::SigningAlg;

/// Whose codes may do without PKCE: what is greater demands more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PkceExceptions {
    /// Those of clients whose settings say so. The default.
    #[default]
    OfSettings,
    /// Those of clients whose settings say so and whose request has the `nonce` of OpenID Connect (RFC 9700 section
    /// 2.1.1).
    WithNonce,
    /// Nobody's.
    Refused,
}

/// What is demanded of every client. [`Requirements::new`] demands nothing beyond what clients are registered with; a
/// [`Profile`](super::Profile) demands what its specification does.
///
/// What a request lacks is refused, not filled in: each has a [`Reason`](crate::error::Reason) of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirements {
    /// Client assertions are for the issuer, as a text and not a list, and for no endpoint (FAPI 2.0 Security Profile section
    /// 5.3.2.1). Default: for the issuer or the endpoint.
    pub issuer_as_audience: bool,
    /// Clients authenticate by `private_key_jwt`, `tls_client_auth` or `self_signed_tls_client_auth`: those with secrets are
    /// refused, and public ones (FAPI 2.0 Security Profile section 5.3.2.1). Default: as they are registered.
    pub asymmetric_authentication: bool,
    /// Responses go to `https` redirect URIs alone. Default: also to loopback addresses and private-use schemes.
    pub https_redirect_uris: bool,
    /// Whose codes may do without PKCE.
    pub pkce_exceptions: PkceExceptions,
    /// Every authorization request names its `redirect_uri` (FAPI 2.0 Security Profile section 5.3.2.2). Default: those of
    /// OpenID Connect, and of clients that registered several.
    pub redirect_uri: bool,
    /// Every access token is for resources that the request names (RFC 8707 section 2). Default: also for the default
    /// audience.
    pub resource: bool,
    /// Every access token is bound to a key: one that the request proves by DPoP, or else that of the connection's certificate
    /// (RFC 9700 section 2.2.1). Default: those of clients that registered for it.
    pub sender_constrained_tokens: bool,
    /// Every authorization request is a signed request object (RFC 9101 section 10.5). Default: those of clients with
    /// `require_signed_request_object`.
    pub signed_request_object: bool,
    /// Request objects say when they begin and end: `nbf` lies at most 60 minutes back, and `exp` at most 60 minutes after
    /// it (FAPI 2.0 Message Signing section 5.3.1). Default: they need not.
    pub bounded_request_objects: bool,
    /// The algorithms that sign here, and that sign what clients send. Default: of the keyring all, of clients those of
    /// [`SigningAlg::DEFAULT_INBOUND`].
    pub signing_algs: Option<Vec<SigningAlg>>,
}

impl Requirements {
    /// Nothing beyond what clients are registered with.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Client assertions are for the issuer alone.
    #[must_use]
    pub const fn with_issuer_as_audience(mut self) -> Self {
        self.issuer_as_audience = true;
        self
    }

    /// Clients authenticate by keys of their own.
    #[must_use]
    pub const fn with_asymmetric_authentication(mut self) -> Self {
        self.asymmetric_authentication = true;
        self
    }

    /// Responses go to `https` redirect URIs alone.
    #[must_use]
    pub const fn with_https_redirect_uris(mut self) -> Self {
        self.https_redirect_uris = true;
        self
    }

    /// Whose codes may do without PKCE.
    #[must_use]
    pub const fn with_pkce_exceptions(mut self, exceptions: PkceExceptions) -> Self {
        self.pkce_exceptions = exceptions;
        self
    }

    /// Every authorization request names its `redirect_uri`.
    #[must_use]
    pub const fn with_redirect_uri(mut self) -> Self {
        self.redirect_uri = true;
        self
    }

    /// Every access token is for resources that the request names.
    #[must_use]
    pub const fn with_resource(mut self) -> Self {
        self.resource = true;
        self
    }

    /// Every access token is bound to a key.
    #[must_use]
    pub const fn with_sender_constrained_tokens(mut self) -> Self {
        self.sender_constrained_tokens = true;
        self
    }

    /// Every authorization request is a signed request object.
    #[must_use]
    pub const fn with_signed_request_object(mut self) -> Self {
        self.signed_request_object = true;
        self
    }

    /// Request objects say when they begin and end.
    #[must_use]
    pub const fn with_bounded_request_objects(mut self) -> Self {
        self.bounded_request_objects = true;
        self
    }

    /// The algorithms that sign.
    #[must_use]
    pub fn with_signing_algs(mut self, algs: impl IntoIterator<Item = SigningAlg>) -> Self {
        self.signing_algs = Some(algs.into_iter().collect());
        self
    }

    /// What is demanded here or there.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            issuer_as_audience: self.issuer_as_audience || other.issuer_as_audience,
            asymmetric_authentication: self.asymmetric_authentication || other.asymmetric_authentication,
            https_redirect_uris: self.https_redirect_uris || other.https_redirect_uris,
            pkce_exceptions: self.pkce_exceptions.max(other.pkce_exceptions),
            redirect_uri: self.redirect_uri || other.redirect_uri,
            resource: self.resource || other.resource,
            sender_constrained_tokens: self.sender_constrained_tokens || other.sender_constrained_tokens,
            signed_request_object: self.signed_request_object || other.signed_request_object,
            bounded_request_objects: self.bounded_request_objects || other.bounded_request_objects,
            signing_algs: match (self.signing_algs, other.signing_algs) {
                (Some(here), Some(there)) => {
                    Some(here.into_iter().filter(|alg| there.contains(alg)).collect())
                }
                (here, there) => here.or(there),
            },
        }
    }

    /// What clients may sign by.
    pub(super) fn inbound_algs(&self) -> Vec<SigningAlg> {
        let inbound = SigningAlg::DEFAULT_INBOUND.iter().copied();
        inbound.filter(|alg| self.permits(*alg)).collect()
    }

    /// Whether something may be signed by `alg`.
    pub(super) fn permits(&self, alg: SigningAlg) -> bool {
        self.signing_algs.as_ref().is_none_or(|algs| algs.contains(&alg))
    }
}
