//! The library's key management, given only what has been checked: how a content encryption key reaches the
//! recipient (RFC 7518 section 4).

use std::borrow::Cow;

use josekit::JoseError as LibraryError;
use josekit::jwe::{
    ECDH_ES, ECDH_ES_A128KW, ECDH_ES_A256KW, JweContentEncryption, JweDecrypter, JweEncrypter, JweHeader,
    RSA_OAEP_256,
};
use josekit::jwk::Jwk;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::jose::engine::{EngineError, guarded, wipe};
use crate::jose::{ContentEnc, KeyAlg};

/// A public key, ready to be encrypted to.
pub(in crate::jose) struct KeyEncrypter {
    alg: KeyAlg,
    engine: Box<dyn JweEncrypter>,
}

/// A content encryption key, and what lets the recipient find it.
pub(in crate::jose) struct SentKey {
    pub(in crate::jose) key: Zeroizing<Vec<u8>>,
    pub(in crate::jose) encrypted_key: Vec<u8>,
    /// The sender's half of a key agreement.
    pub(in crate::jose) epk: Option<Value>,
}

impl KeyEncrypter {
    /// `members` are those of a checked public key, without `use`, `alg` and `key_ops`.
    pub(in crate::jose) fn new(members: Map<String, Value>, alg: KeyAlg) -> Result<Self, EngineError> {
        guarded(|| {
            let jwk = &Jwk::from_map(members)?;
            let engine: Box<dyn JweEncrypter> = match alg {
                KeyAlg::EcdhEs => Box::new(ECDH_ES.encrypter_from_jwk(jwk)?),
                KeyAlg::EcdhEsA128Kw => Box::new(ECDH_ES_A128KW.encrypter_from_jwk(jwk)?),
                KeyAlg::EcdhEsA256Kw => Box::new(ECDH_ES_A256KW.encrypter_from_jwk(jwk)?),
                KeyAlg::RsaOaep256 => Box::new(RSA_OAEP_256.encrypter_from_jwk(jwk)?),
            };
            Ok(Self { alg, engine })
        })
    }

    /// Sends `drawn`, a fresh random key for `enc`; direct agreement makes a key of its own and leaves it.
    pub(in crate::jose) fn send(
        &self,
        enc: ContentEnc,
        drawn: Zeroizing<Vec<u8>>,
    ) -> Result<SentKey, EngineError> {
        guarded(|| {
            let (given, mut header) = (JweHeader::new(), JweHeader::new());
            let (key, encrypted_key) = if self.alg == KeyAlg::EcdhEs {
                let agreed = self.engine.compute_content_encryption_key(&Named(enc), &given, &mut header)?;
                let agreed = agreed.map(Cow::into_owned).ok_or_else(unavailable)?;
                (Zeroizing::new(agreed), Vec::new())
            } else {
                let encrypted_key = self.engine.encrypt(&drawn, &given, &mut header)?;
                (drawn, encrypted_key.ok_or_else(unavailable)?)
            };
            Ok(SentKey { key, encrypted_key, epk: header.claim("epk").cloned() })
        })
    }
}

/// A private key, ready to find content encryption keys.
pub(in crate::jose) struct KeyDecrypter(Box<dyn JweDecrypter>);

impl KeyDecrypter {
    /// `members` are those of a private key whose public half is checked, without `use`, `alg` and `key_ops`.
    pub(in crate::jose) fn new(members: Map<String, Value>, alg: KeyAlg) -> Result<Self, EngineError> {
        guarded(|| {
            let jwk = Jwk::from_map(members)?;
            let engine: Result<Box<dyn JweDecrypter>, LibraryError> = match alg {
                KeyAlg::EcdhEs => ECDH_ES.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
                KeyAlg::EcdhEsA128Kw => ECDH_ES_A128KW.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
                KeyAlg::EcdhEsA256Kw => ECDH_ES_A256KW.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
                KeyAlg::RsaOaep256 => RSA_OAEP_256.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
            };
            wipe(&mut jwk.into());
            engine.map(Self)
        })
    }

    /// The content encryption key. `encrypted_key` has the length that the algorithm asks for, and `header` has an
    /// `epk` that is a checked key of this key's curve, or nothing for RSA.
    pub(in crate::jose) fn receive(
        &self,
        enc: ContentEnc,
        encrypted_key: &[u8],
        header: Map<String, Value>,
    ) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        guarded(|| {
            let header = JweHeader::from_map(header)?;
            let encrypted_key = (!encrypted_key.is_empty()).then_some(encrypted_key);
            let key = self.0.decrypt(encrypted_key, &Named(enc), &header)?;
            Ok(Zeroizing::new(key.into_owned()))
        })
    }
}

/// Says of a content encryption what goes into the derivation of its key, and does nothing else: the library's own
/// ones are not reached even if it should come to call them.
#[derive(Clone, Debug)]
struct Named(ContentEnc);

impl JweContentEncryption for Named {
    fn name(&self) -> &str {
        self.0.as_str()
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn iv_len(&self) -> usize {
        self.0.iv_len()
    }

    fn encrypt(
        &self,
        _key: &[u8],
        _iv: Option<&[u8]>,
        _message: &[u8],
        _aad: &[u8],
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), LibraryError> {
        Err(unavailable())
    }

    fn decrypt(
        &self,
        _key: &[u8],
        _iv: Option<&[u8]>,
        _encrypted_message: &[u8],
        _aad: &[u8],
        _tag: Option<&[u8]>,
    ) -> Result<Vec<u8>, LibraryError> {
        Err(unavailable())
    }

    fn box_clone(&self) -> Box<dyn JweContentEncryption> {
        Box::new(self.clone())
    }
}

fn unavailable() -> LibraryError {
    LibraryError::InvalidJweFormat(std::fmt::Error.into())
}
