//! Client secrets whose text is needed again: sealed, and opened where a MAC is verified.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, EntropyError};
use crate::jose::MacAlg;
use crate::seal::{self, Sealed};
use crate::secret::{Secret, SecretId, SystemSecrets};
use crate::types::ClientId;

/// Bytes in a secret that makes MACs: at least those of the shortest hash.
pub(super) const LENGTHS: RangeInclusive<usize> = MacAlg::Hs256.key_bytes()..=1024;

/// Bytes that sealing adds: version, nonce and tag.
const OVERHEAD: usize = 1 + 24 + 16;

/// A secret of one client, sealed under a system secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SealedSecret {
    client: ClientId,
    secret: SecretId,
    #[serde(with = "base64url")]
    bytes: Vec<u8>,
}

impl SealedSecret {
    pub(super) fn seal(
        client: &ClientId,
        secrets: &SystemSecrets,
        entropy: &dyn Entropy,
        secret: &Secret,
    ) -> Result<Self, EntropyError> {
        let sealed = seal::seal(secrets, entropy, &place(client), secret.expose().as_bytes())?;
        Ok(Self { client: client.clone(), secret: sealed.secret(), bytes: sealed.as_bytes().to_vec() })
    }

    /// The text; `None` when the record was changed, or the secret that sealed it is no longer listed.
    pub(super) fn open(&self, secrets: &SystemSecrets) -> Option<Secret> {
        let sealed = Sealed::from_parts(self.secret, self.bytes.clone());
        let opened = seal::open(secrets, &place(&self.client), &sealed)?;
        std::str::from_utf8(&opened).ok().map(Secret::new)
    }

    /// The system secret that sealed it.
    pub(super) const fn sealed_under(&self) -> SecretId {
        self.secret
    }

    pub(super) const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Bytes in the text.
    pub(super) const fn length(&self) -> usize {
        self.bytes.len().saturating_sub(OVERHEAD)
    }
}

/// A client is known by one name wherever the deployment's secrets are, so no issuer is named.
fn place(client: &ClientId) -> seal::Context<'_> {
    seal::Context { kind: "client secret", issuer: "", key: client.as_str().as_bytes() }
}

mod base64url {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_URL_SAFE_NO_PAD.decode(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{
        Client, ClientAuthMethod, ClientMetadata, ClientSecret, SealSecretError, SecretCheck,
    };
    use crate::clock::Timestamp;
    use crate::entropy::OsEntropy;

    const NOW: Timestamp = Timestamp::from_unix(1_000);

    fn id(text: &str) -> ClientId {
        ClientId::new(text).unwrap()
    }

    fn secrets() -> SystemSecrets {
        SystemSecrets::generate(&OsEntropy).unwrap()
    }

    fn sealed(secrets: &SystemSecrets, length: usize) -> Result<ClientSecret, SealSecretError> {
        ClientSecret::seal(&id("mac"), secrets, &OsEntropy, &Secret::new("s".repeat(length)))
    }

    fn metadata() -> ClientMetadata {
        ClientMetadata::service().with_auth_method(ClientAuthMethod::ClientSecretJwt)
    }

    #[test]
    fn a_sealed_secret_opens_again_and_shows_nothing() {
        let secrets = secrets();
        let kept = sealed(&secrets, 40).unwrap().with_expiry(NOW);
        let written = serde_json::to_string(&kept).unwrap();
        assert!(!written.contains("ssss") && !format!("{kept:?}").contains("ssss"));
        let read: ClientSecret = serde_json::from_str(&written).unwrap();
        let before = NOW.minus(std::time::Duration::from_secs(1));
        assert_eq!(read.reveal(&secrets, before), Some(Secret::new("s".repeat(40))));
        assert_eq!(read.reveal(&secrets, NOW), None);
        assert_eq!(read.check(&secrets, &Secret::new("s".repeat(40)), before), SecretCheck::Match);
        assert_eq!(read.check(&secrets, &Secret::new("s".repeat(41)), before), SecretCheck::Mismatch);
        assert_eq!(read.check(&secrets, &Secret::new("s".repeat(40)), NOW), SecretCheck::Mismatch);
        assert_eq!(read.reveal(&super::tests::secrets(), before), None);
    }

    /// attack 100
    #[test]
    fn a_short_secret_is_not_sealed() {
        let secrets = secrets();
        for length in [0, 8, 31, 1025] {
            assert_eq!(sealed(&secrets, length), Err(SealSecretError::Length));
        }
        for length in [32, 1024] {
            assert!(sealed(&secrets, length).is_ok());
        }
    }

    /// attack 100: a pinned algorithm needs a secret as long as its hash.
    #[test]
    fn a_client_is_built_with_a_secret_of_its_own_that_is_long_enough() {
        let secrets = secrets();
        let built = |name: &str, metadata: ClientMetadata, length| {
            Client::builder(id(name), metadata).secret(sealed(&secrets, length).unwrap()).build()
        };
        assert!(built("mac", metadata(), 32).is_ok());
        assert!(built("mac", metadata().with_assertion_alg(MacAlg::Hs384), 48).is_ok());
        let refused = |outcome: Result<Client, crate::client::InvalidClient>| outcome.unwrap_err().member;
        let short = built("mac", metadata().with_assertion_alg(MacAlg::Hs384), 47);
        assert_eq!(refused(short), "token_endpoint_auth_signing_alg");
        assert_eq!(refused(built("other", metadata(), 32)), "client_secret");
        let basic = ClientMetadata::service();
        assert_eq!(refused(built("mac", basic, 32)), "token_endpoint_auth_method");
        let hashed = ClientSecret::hash(&secrets, &Secret::new("s".repeat(32)));
        let hashed = Client::builder(id("mac"), metadata()).secret(hashed).build();
        assert_eq!(refused(hashed), "token_endpoint_auth_method");
    }
}
