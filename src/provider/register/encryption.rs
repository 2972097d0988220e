//! What a client registers about encryption (OpenID Connect Dynamic Client Registration 1.0 section 2).

use crate::client::ClientMetadata;
use crate::error::Reason;
use crate::jose::Decrypter;
use crate::provider::core::Core;
use crate::provider::encryption::Encryption;

/// What is encrypted for clients and by them, and in which answers.
#[derive(Debug)]
pub(super) struct Encrypting {
    encryption: Option<Encryption>,
    decrypter: Option<Decrypter>,
    jarm: bool,
    introspection_jwt: bool,
}

impl Encrypting {
    pub(super) fn of(core: &Core) -> Self {
        Self {
            encryption: core.encryption.clone(),
            decrypter: core.decrypter.clone(),
            jarm: core.switches.jarm,
            introspection_jwt: core.switches.introspection_jwt,
        }
    }

    /// Whoever asks for what is not turned on must hear of it, since their answers would go out in the clear; where
    /// they leave `enc` out, they are told which one they got.
    ///
    /// # Errors
    /// [`Reason::MetadataEncryption`].
    pub(super) fn hold(&self, metadata: &mut ClientMetadata) -> Result<(), Reason> {
        let from_client = metadata.request_object_encryption();
        let has_key = |alg| self.decrypter.as_ref().is_some_and(|keys| keys.algorithms().contains(&alg));
        let readable = from_client.is_none_or(|algs| has_key(algs.alg));
        let (id_token, userinfo) = (metadata.id_token_encryption(), metadata.userinfo_encryption());
        let authorization = metadata.authorization_encryption();
        let introspection = metadata.introspection_encryption();
        for (there, algs, enc) in [
            (true, id_token, &mut metadata.id_token_encrypted_response_enc),
            (true, userinfo, &mut metadata.userinfo_encrypted_response_enc),
            (self.jarm, authorization, &mut metadata.authorization_encrypted_response_enc),
            (self.introspection_jwt, introspection, &mut metadata.introspection_encrypted_response_enc),
            (readable, from_client, &mut metadata.request_object_encryption_enc),
        ] {
            let offered = match algs {
                None => enc.is_none(),
                Some(algs) => there && self.encryption.as_ref().is_some_and(|on| on.allows(algs)),
            };
            if !offered {
                return Err(Reason::MetadataEncryption);
            }
            *enc = algs.map(|algs| algs.enc);
        }
        Ok(())
    }
}
