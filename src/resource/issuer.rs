//! Whose access tokens are taken, and by what they are checked.

use std::sync::Arc;
use std::time::Duration;

use super::introspection::TokenIntrospection;
use crate::client::keyed_token::IssuerKeys;
use crate::jose::{IssuedTokenVerifier, JwkSet, SigningAlg};
use crate::types::FetchUrl;

/// An issuer whose access tokens are taken: keys by which its JWTs are verified here, or somebody who is asked about its
/// tokens, or both. Everything in it is about this issuer alone.
#[derive(Clone, Debug)]
#[must_use]
pub struct TrustedIssuer {
    pub(super) issuer: Arc<str>,
    pub(super) audiences: Vec<String>,
    pub(super) algs: Vec<SigningAlg>,
    pub(super) leeway: Duration,
    pub(super) keys: Option<IssuerKeys>,
    pub(super) introspection: Option<Arc<dyn TokenIntrospection>>,
    pub(super) prefix: String,
}

impl TrustedIssuer {
    /// The issuer that tokens name in `iss`, byte for byte. Nothing of it is taken until keys or introspection are given.
    pub fn new(issuer: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: Vec::new(),
            algs: SigningAlg::DEFAULT_INBOUND.to_vec(),
            leeway: Duration::from_secs(10),
            keys: None,
            introspection: None,
            prefix: String::new(),
        }
    }

    /// Its JWTs (RFC 9068) are verified here by these keys. A token that was revoked is good until it expires.
    pub fn with_keys(mut self, keys: JwkSet) -> Self {
        self.keys = Some(IssuerKeys::Known(keys));
        self
    }

    /// The same, by the keys that are published at its `jwks_uri`; that needs an `HttpClient` and a `Runtime`.
    pub fn with_keys_at(mut self, jwks_uri: FetchUrl) -> Self {
        self.keys = Some(IssuerKeys::At(jwks_uri));
        self
    }

    /// Asks about its tokens (RFC 7662): those that are no JWTs, and where there are no keys the JWTs too.
    pub fn with_introspection(mut self, introspection: Arc<dyn TokenIntrospection>) -> Self {
        self.introspection = Some(introspection);
        self
    }

    /// The names of this resource server in `aud`. Default: the identifier of the resource.
    pub fn with_audiences<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.audiences = audiences.into_iter().map(Into::into).collect();
        self
    }

    /// The algorithms that it signs with. Default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.to_vec();
        self
    }

    /// By how much its clock may be ahead: default 10 s, at most 60 s. A token ends to the second.
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// What all of its tokens that are no JWTs begin with; needed where several issuers are asked about such tokens.
    pub fn with_opaque_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    pub(super) fn verifier(&self) -> IssuedTokenVerifier {
        IssuedTokenVerifier::new(Arc::clone(&self.issuer), self.audiences.iter().cloned())
            .with_algorithms(&self.algs)
            .with_leeway(self.leeway)
    }
}
