//! How a client wants its answers encrypted, and encrypts what it sends.

use super::{ClientMetadata, RequestObjectAlg};
use crate::client::{IdTokenAlg, InvalidClient};
use crate::jose::{ContentEnc, KeyAlg};

/// The two algorithms by which a token is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EncryptionAlgs {
    /// How the content's key reaches the recipient.
    pub alg: KeyAlg,
    /// How the content is encrypted.
    pub enc: ContentEnc,
}

/// A pair of members: their names, and what they say.
struct Pair {
    names: (&'static str, &'static str),
    alg: Option<KeyAlg>,
    enc: Option<ContentEnc>,
}

impl EncryptionAlgs {
    /// Where `enc` is absent it is A128CBC-HS256 (OpenID Connect Dynamic Client Registration 1.0 section 2).
    fn registered(alg: Option<KeyAlg>, enc: Option<ContentEnc>) -> Option<Self> {
        Some(Self { alg: alg?, enc: enc.unwrap_or(ContentEnc::A128CbcHs256) })
    }
}

impl ClientMetadata {
    /// How its ID tokens are encrypted, if they are; `enc` is A128CBC-HS256 where it registered none.
    #[must_use]
    pub fn id_token_encryption(&self) -> Option<EncryptionAlgs> {
        EncryptionAlgs::registered(self.id_token_encrypted_response_alg, self.id_token_encrypted_response_enc)
    }

    /// How its userinfo responses are encrypted, if they are; `enc` is A128CBC-HS256 where it registered
    /// none.
    #[must_use]
    pub fn userinfo_encryption(&self) -> Option<EncryptionAlgs> {
        EncryptionAlgs::registered(self.userinfo_encrypted_response_alg, self.userinfo_encrypted_response_enc)
    }

    /// How its authorization responses are encrypted in the modes of JARM, if they are; `enc` is A128CBC-HS256 where it
    /// registered none (JARM section 3).
    #[must_use]
    pub fn authorization_encryption(&self) -> Option<EncryptionAlgs> {
        let (alg, enc) =
            (self.authorization_encrypted_response_alg, self.authorization_encrypted_response_enc);
        EncryptionAlgs::registered(alg, enc)
    }

    /// How its introspection responses are encrypted, if they are; `enc` is A128CBC-HS256 where it registered none
    /// (RFC 9701 section 6).
    #[must_use]
    pub fn introspection_encryption(&self) -> Option<EncryptionAlgs> {
        let (alg, enc) =
            (self.introspection_encrypted_response_alg, self.introspection_encrypted_response_enc);
        EncryptionAlgs::registered(alg, enc)
    }

    /// How it encrypts its request objects, if it has to; `enc` is A128CBC-HS256 where it registered none.
    #[must_use]
    pub fn request_object_encryption(&self) -> Option<EncryptionAlgs> {
        EncryptionAlgs::registered(self.request_object_encryption_alg, self.request_object_encryption_enc)
    }

    /// Its ID tokens are encrypted to a key of its `jwks` or `jwks_uri`, after they were signed.
    #[must_use]
    pub const fn with_id_token_encryption(mut self, alg: KeyAlg, enc: ContentEnc) -> Self {
        self.id_token_encrypted_response_alg = Some(alg);
        self.id_token_encrypted_response_enc = Some(enc);
        self
    }

    /// Its userinfo responses are encrypted to a key of its `jwks` or `jwks_uri`, after they were signed if
    /// they are.
    #[must_use]
    pub const fn with_userinfo_encryption(mut self, alg: KeyAlg, enc: ContentEnc) -> Self {
        self.userinfo_encrypted_response_alg = Some(alg);
        self.userinfo_encrypted_response_enc = Some(enc);
        self
    }

    /// Its authorization responses are encrypted to a key of its `jwks` or `jwks_uri` in the modes of JARM, after they
    /// were signed.
    #[must_use]
    pub const fn with_authorization_encryption(mut self, alg: KeyAlg, enc: ContentEnc) -> Self {
        self.authorization_encrypted_response_alg = Some(alg);
        self.authorization_encrypted_response_enc = Some(enc);
        self
    }

    /// Its introspection responses are encrypted to a key of its `jwks` or `jwks_uri`, after they were signed.
    #[must_use]
    pub const fn with_introspection_encryption(mut self, alg: KeyAlg, enc: ContentEnc) -> Self {
        self.introspection_encrypted_response_alg = Some(alg);
        self.introspection_encrypted_response_enc = Some(enc);
        self
    }

    /// It encrypts its request objects, after it signed them: others of its are refused.
    #[must_use]
    pub const fn with_request_object_encryption(mut self, alg: KeyAlg, enc: ContentEnc) -> Self {
        self.request_object_encryption_alg = Some(alg);
        self.request_object_encryption_enc = Some(enc);
        self
    }

    pub(super) fn check_encryption(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let objects = Pair {
            names: ("request_object_encryption_alg", "request_object_encryption_enc"),
            alg: self.request_object_encryption_alg,
            enc: self.request_object_encryption_enc,
        };
        for pair in self.encrypted_responses().iter().chain([&objects]) {
            if pair.enc.is_some() && pair.alg.is_none() {
                return refuse(pair.names.1, "not without the alg beside it");
            }
        }
        for pair in self.encrypted_responses() {
            let Some(alg) = pair.alg else { continue };
            match &self.jwks {
                None if self.jwks_uri.is_none() => {
                    return refuse("jwks", "needed by encrypted responses, or else jwks_uri");
                }
                Some(keys) if keys.encryption_key(alg).is_none() => {
                    return refuse("jwks", "no key is for the alg of encrypted responses");
                }
                _ => {}
            }
        }
        // What nobody signed could be from anybody, since everybody can encrypt to a public key (OpenID
        // Connect Core 1.0 section 2 wants ID tokens signed before they are encrypted).
        if objects.alg.is_some() && self.request_object_signing_alg == Some(RequestObjectAlg::None) {
            return refuse("request_object_encryption_alg", "not beside request_object_signing_alg none");
        }
        if objects.alg.is_some() && self.jwks.is_none() && self.jwks_uri.is_none() {
            return refuse("jwks", "needed by request_object_encryption_alg, or else jwks_uri");
        }
        let unsigned = self.id_token_signed_response_alg == IdTokenAlg::DangerousNone;
        if unsigned && self.id_token_encrypted_response_alg.is_some() {
            return refuse("id_token_encrypted_response_alg", "not beside id_token_signed_response_alg none");
        }
        Ok(())
    }

    const fn encrypted_responses(&self) -> [Pair; 4] {
        [
            Pair {
                names: ("introspection_encrypted_response_alg", "introspection_encrypted_response_enc"),
                alg: self.introspection_encrypted_response_alg,
                enc: self.introspection_encrypted_response_enc,
            },
            Pair {
                names: ("authorization_encrypted_response_alg", "authorization_encrypted_response_enc"),
                alg: self.authorization_encrypted_response_alg,
                enc: self.authorization_encrypted_response_enc,
            },
            Pair {
                names: ("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
                alg: self.id_token_encrypted_response_alg,
                enc: self.id_token_encrypted_response_enc,
            },
            Pair {
                names: ("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
                alg: self.userinfo_encrypted_response_alg,
                enc: self.userinfo_encrypted_response_enc,
            },
        ]
    }
}
