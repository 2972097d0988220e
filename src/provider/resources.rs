//! What differs for the tokens of one resource (RFC 8707).

use std::time::Duration;

use super::config::Config;
use crate::client::AccessTokenFormatChoice;
use crate::error::{Internal, Reason};
use crate::jose::{ContentEnc, Encrypter, JoseError, Jwk, KeyAlg, SigningAlg};
use crate::types::{Scope, scope_claims};

/// What differs for tokens whose audience is one resource.
///
/// They are found by the resource's URI as it stands in `aud`, byte for byte. A token for several resources takes the
/// shortest lifetime of all, and the format of the first that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceSettings {
    /// The shape of its access tokens; the client's or provider's where `None`.
    pub access_token_format: Option<AccessTokenFormatChoice>,
    /// The lifetime of its access tokens: 1 minute to 24 hours; the client's or provider's where `None`.
    pub access_token_lifetime: Option<Duration>,
    /// The scope that means something there; all of it where `None`. What OpenID Connect defines is not bound by it.
    pub scopes: Option<Scope>,
    /// The algorithm that signs its JWTs; the provider's where `None`.
    pub access_token_signing_alg: Option<SigningAlg>,
    /// How its JWTs are encrypted; they are not where `None`.
    pub access_token_encryption: Option<ResourceEncryption>,
}

impl ResourceSettings {
    /// Nothing differs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The shape of its access tokens.
    #[must_use]
    pub fn with_access_token_format(mut self, format: AccessTokenFormatChoice) -> Self {
        self.access_token_format = Some(format);
        self
    }

    /// The lifetime of its access tokens: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = Some(lifetime);
        self
    }

    /// The scope that means something there: a token for it has no other, but what OpenID Connect defines.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Scope) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// The algorithm that signs its JWTs; `build()` demands an active key for it.
    #[must_use]
    pub const fn with_access_token_signing_alg(mut self, alg: SigningAlg) -> Self {
        self.access_token_signing_alg = Some(alg);
        self
    }

    /// Its access tokens are JWTs that only it can read: signed, then encrypted to its key. Other formats of it are
    /// refused by `build()`.
    ///
    /// Such a token is for this resource alone, is always recorded, and is introspected and revoked as it is sent,
    /// encrypted.
    #[must_use]
    pub fn with_access_token_encryption(mut self, encryption: ResourceEncryption) -> Self {
        self.access_token_encryption = Some(encryption);
        self.access_token_format.get_or_insert(AccessTokenFormatChoice::Jwt);
        self
    }
}

/// The key of a resource, to which its access tokens are encrypted.
#[derive(Clone, Debug)]
pub struct ResourceEncryption {
    encrypter: Encrypter,
    named: (KeyAlg, ContentEnc, String),
}

impl ResourceEncryption {
    /// Encrypts to `key` by these algorithms.
    ///
    /// # Errors
    /// [`JoseError::NoKey`] when the key is not for this algorithm.
    pub fn new(key: &Jwk, alg: KeyAlg, enc: ContentEnc) -> Result<Self, JoseError> {
        Ok(Self { encrypter: Encrypter::new(key, alg, enc)?, named: (alg, enc, key.thumbprint()) })
    }
}

/// By the key's thumbprint and the algorithms.
impl PartialEq for ResourceEncryption {
    fn eq(&self, other: &Self) -> bool {
        self.named == other.named
    }
}

impl Eq for ResourceEncryption {}

fn settings<'a>(config: &'a Config, audience: &'a [String]) -> impl Iterator<Item = &'a ResourceSettings> {
    audience.iter().filter_map(|resource| config.resources.get(resource))
}

/// Checks that a token is for a resource that was named, where every one has to be (RFC 8707 section 2).
pub(super) fn check_named(config: &Config, audience: &[String]) -> Result<(), Reason> {
    match config.requirements.resource && audience.is_empty() {
        true => Err(Reason::ResourceMissing),
        false => Ok(()),
    }
}

/// Checks that one token can be for all of `audience`, and is for a resource that was named where it has to be.
///
/// # Errors
/// [`Reason::ResourceMissing`], [`Reason::ResourcesNotCombined`].
pub(super) fn check_token(config: &Config, audience: &[String]) -> Result<(), Reason> {
    check_named(config, audience)?;
    match can_be_combined(config, audience) {
        true => Ok(()),
        false => Err(Reason::ResourcesNotCombined),
    }
}

/// The format of the first resource that has one.
pub(super) fn format<'a>(config: &'a Config, audience: &'a [String]) -> Option<&'a AccessTokenFormatChoice> {
    settings(config, audience).find_map(|settings| settings.access_token_format.as_ref())
}

/// The shortest lifetime of a resource that has one.
pub(super) fn lifetime(config: &Config, audience: &[String]) -> Option<Duration> {
    settings(config, audience).filter_map(|settings| settings.access_token_lifetime).min()
}

/// What of `scope` means something at one of the resources.
pub(super) fn scope_of(config: &Config, audience: &[String], scope: &Scope) -> Scope {
    let limits: Vec<_> = audience.iter().map(|of| config.resources.get(of)?.scopes.as_ref()).collect();
    if limits.is_empty() || limits.contains(&None) {
        return scope.clone();
    }
    let personal = |token: &str| {
        [Scope::OPENID, Scope::OFFLINE_ACCESS].contains(&token) || !scope_claims(token).is_empty()
    };
    let known = |token: &str| limits.iter().flatten().any(|limit| limit.contains(token));
    scope.filtered(|token| personal(token) || known(token))
}

/// Whether one token can be for all of them: they agree on who signs it, and it is encrypted for nobody else.
pub(super) fn can_be_combined(config: &Config, audience: &[String]) -> bool {
    let encrypted = is_encrypted(config, audience);
    let mut algs = settings(config, audience).filter_map(|settings| settings.access_token_signing_alg);
    let first = algs.next();
    audience.len() <= 1 || (!encrypted && algs.all(|alg| Some(alg) == first))
}

/// The resources of a token that asks for none by name: all that are granted, or the first where no token can be for
/// all (RFC 8707 section 2.2).
pub(super) fn by_default(config: &Config, granted: &[String]) -> Vec<String> {
    let count = if can_be_combined(config, granted) { granted.len() } else { 1 };
    granted.iter().take(count).cloned().collect()
}

/// The algorithm of the first resource that has one.
pub(super) fn signing_alg(config: &Config, audience: &[String]) -> Option<SigningAlg> {
    settings(config, audience).find_map(|settings| settings.access_token_signing_alg)
}

/// Whether a token for them is encrypted.
pub(super) fn is_encrypted(config: &Config, audience: &[String]) -> bool {
    settings(config, audience).any(|settings| settings.access_token_encryption.is_some())
}

/// Whether the tokens of any resource are encrypted.
pub(super) fn some_encrypted(config: &Config) -> bool {
    config.resources.values().any(|settings| settings.access_token_encryption.is_some())
}

/// What encrypts a token for them.
///
/// # Errors
/// A fault of ours: it would be for others too, who cannot read it.
pub(super) fn encrypter<'a>(
    config: &'a Config,
    audience: &'a [String],
) -> Result<Option<&'a Encrypter>, Internal> {
    if !can_be_combined(config, audience) {
        return Err(Internal::new("could not mint an access token", "its resources cannot share one"));
    }
    let found = settings(config, audience).find_map(|settings| settings.access_token_encryption.as_ref());
    Ok(found.map(|encryption| &encryption.encrypter))
}
