//! What is encrypted for clients, and what they may encrypt for the provider.

use serde_json::{Map, Value, json};

use super::client_keys::{self, Keyless};
use super::context::Context;
use super::core::Core;
use crate::client::{Client, EncryptionAlgs, RemoteKeys};
use crate::error::{Reason, Rejection, Result};
use crate::jose::{Content, ContentEnc, Decrypter, DecryptionKeys, Encrypter, KeyAlg};

/// Every algorithm, those of 128 bits last.
const ALL_ALGS: [KeyAlg; 4] =
    [KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw, KeyAlg::RsaOaep256, KeyAlg::EcdhEsA128Kw];

/// Every content encryption, those of 128 bits last.
const ALL_ENCS: [ContentEnc; 4] =
    [ContentEnc::A256Gcm, ContentEnc::A256CbcHs512, ContentEnc::A128Gcm, ContentEnc::A128CbcHs256];

/// What is encrypted, given to
/// [`ProviderBuilder::with_encryption`](super::ProviderBuilder::with_encryption).
///
/// As [`Encryption::new`] gives it, ID tokens and userinfo responses are encrypted for the clients that
/// registered that, by RSA-OAEP-256, ECDH-ES or ECDH-ES+A256KW and with A256GCM or A256CBC-HS512. What
/// clients encrypt for the provider is read where [`with_decryption_keys`] gives it keys.
///
/// ```
/// use vouchsafe::jose::{DecryptionKeys, KeyAlg};
/// use vouchsafe::provider::Encryption;
///
/// let keys = DecryptionKeys::generate(&[KeyAlg::EcdhEs])?;
/// let encryption = Encryption::new().with_decryption_keys(keys.clone()).with_128_bits();
/// # Ok::<(), vouchsafe::jose::KeyringError>(())
/// ```
///
/// [`with_decryption_keys`]: Encryption::with_decryption_keys
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Encryption {
    keys: Option<DecryptionKeys>,
    short: bool,
}

impl Encryption {
    /// Responses are encrypted for the clients that registered it; nothing that is encrypted is taken.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was encrypted to one of `keys`, whose public halves then are in the key set: request
    /// objects, where these are turned on, and ID tokens that come back as hints. The ring is shared, so that
    /// whoever keeps a clone of it can rotate it.
    pub fn with_decryption_keys(mut self, keys: DecryptionKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Allows AES of 128 bits too: A128GCM, A128CBC-HS256 and ECDH-ES+A128KW. Clients that register an
    /// algorithm and no `enc` mean A128CBC-HS256 (OpenID Connect Dynamic Client Registration 1.0 section 2),
    /// and are refused without this.
    pub const fn with_128_bits(mut self) -> Self {
        self.short = true;
        self
    }

    pub(crate) fn algs(&self) -> &'static [KeyAlg] {
        if self.short { &ALL_ALGS } else { KeyAlg::DEFAULT_INBOUND }
    }

    pub(crate) fn encs(&self) -> &'static [ContentEnc] {
        if self.short { &ALL_ENCS } else { ContentEnc::DEFAULT_INBOUND }
    }

    pub(crate) fn allows(&self, wanted: EncryptionAlgs) -> bool {
        self.algs().contains(&wanted.alg) && self.encs().contains(&wanted.enc)
    }

    /// What decrypts; `None` without keys.
    pub(crate) fn decrypter(&self) -> Option<Decrypter> {
        let keys = self.keys.clone()?;
        Some(Decrypter::new(keys, self.algs(), self.encs()))
    }
}

/// What of that which a client is told is encrypted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An ID token, or a logout token, which is signed and encrypted as ID tokens are (OpenID Connect
    /// Back-Channel Logout 1.0 section 2.4).
    IdToken,
    Userinfo,
    /// An authorization response (JARM section 2.2).
    Authorization,
    /// What a token is good for (RFC 9701 section 5).
    Introspection,
}

impl Answer {
    fn wanted(self, client: &Client) -> Option<EncryptionAlgs> {
        match self {
            Self::IdToken => client.metadata().id_token_encryption(),
            Self::Userinfo => client.metadata().userinfo_encryption(),
            Self::Authorization => client.metadata().authorization_encryption(),
            Self::Introspection => client.metadata().introspection_encryption(),
        }
    }

    const fn unavailable(self) -> Reason {
        match self {
            Self::IdToken => Reason::IdTokenEncryptionUnavailable,
            Self::Userinfo => Reason::UserinfoEncryptionUnavailable,
            Self::Authorization => Reason::AuthorizationEncryptionUnavailable,
            Self::Introspection => Reason::IntrospectionEncryptionUnavailable,
        }
    }
}

/// Finds the keys that answers are encrypted to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipients<'a> {
    pub(crate) encryption: Option<&'a Encryption>,
    pub(crate) remote: Option<&'a RemoteKeys>,
}

impl Recipients<'_> {
    /// What encrypts `answer` for `client`; `None` where it registered nothing of the kind.
    ///
    /// A client that asked for encryption never gets a plain answer instead.
    ///
    /// # Errors
    /// [`Reason::IdTokenEncryptionUnavailable`], [`Reason::UserinfoEncryptionUnavailable`],
    /// [`Reason::AuthorizationEncryptionUnavailable`], [`Reason::IntrospectionEncryptionUnavailable`],
    /// [`Reason::EncryptionKeyMissing`], [`Reason::EncryptionKeysNotFetched`],
    /// [`Reason::EncryptionKeysUnfetched`].
    pub(crate) async fn encrypter(
        &self,
        cx: &Context<'_>,
        client: &Client,
        answer: Answer,
    ) -> Result<Option<Encrypter>> {
        let Some(wanted) = answer.wanted(client) else { return Ok(None) };
        if !self.encryption.is_some_and(|on| on.allows(wanted)) {
            return Err(answer.unavailable().into());
        }
        // Boxed, since most clients do without.
        let found = Box::pin(client_keys::encrypter(cx, self.remote, client, wanted)).await;
        found.map(Some).map_err(|keyless| unencryptable(keyless).into())
    }

    /// Whether what `client` registered for its answers can be done now: noticed later, it would cost the
    /// code.
    ///
    /// # Errors
    /// As those of [`Recipients::encrypter`].
    pub(crate) async fn check(&self, cx: &Context<'_>, client: &Client) -> Result<()> {
        for answer in [Answer::IdToken, Answer::Userinfo] {
            self.encrypter(cx, client, answer).await?;
        }
        Ok(())
    }
}

/// The signed token `signed` as it goes out: encrypted where there is an encrypter.
///
/// # Errors
/// A fault of ours when the random source or the library fails.
pub(crate) fn nested(cx: &Context<'_>, encrypter: Option<&Encrypter>, signed: String) -> Result<String> {
    match encrypter {
        Some(encrypter) => Ok(encrypter.encrypt(Content::Jws(&signed), cx.entropy)?),
        None => Ok(signed),
    }
}

fn unencryptable(keyless: Keyless) -> Rejection {
    match keyless {
        Keyless::Missing => Reason::EncryptionKeyMissing.into(),
        Keyless::NotFetched => Reason::EncryptionKeysNotFetched.into(),
        Keyless::Unfetched(error) => Rejection::caused(Reason::EncryptionKeysUnfetched, error),
    }
}

/// What the metadata says of encryption: nothing that is off.
pub(crate) fn describe(core: &Core, metadata: &mut Map<String, Value>) {
    let Some(encryption) = &core.encryption else { return };
    let mut say = |what: &str, algs: Value, encs: Value| {
        metadata.insert(format!("{what}_encryption_alg_values_supported"), algs);
        metadata.insert(format!("{what}_encryption_enc_values_supported"), encs);
    };
    let jarm = core.switches.jarm.then_some("authorization");
    let introspection = core.switches.introspection_jwt.then_some("introspection");
    for answer in ["id_token", "userinfo"].into_iter().chain(jarm).chain(introspection) {
        say(answer, json!(encryption.algs()), json!(encryption.encs()));
    }
    let objects = core.switches.request_parameter || core.request_uris.is_some();
    if let Some(decrypter) = core.decrypter.as_ref().filter(|_| objects) {
        let algs = decrypter.algorithms();
        if !algs.is_empty() {
            say("request_object", json!(algs), json!(decrypter.content_encryptions()));
        }
    }
}
