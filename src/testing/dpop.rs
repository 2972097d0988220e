//! Proofs that a client holds a key (RFC 9449), in every shape.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::jwt_form::bare;
use super::{Harness, HarnessBuilder, JwtForm, Outcome, TokenForm};
use crate::jose::{JoseSigner, Signer, SigningAlg};
use crate::provider::DpopConfig;
use crate::secret::TokenHash;

/// The key of a client, or that of a thief: two ES256 keys that are the same for every test of a process.
///
/// # Panics
/// When OpenSSL cannot make a key.
#[must_use]
pub fn dpop_keys() -> [Arc<dyn Signer>; 2] {
    static KEYS: OnceLock<[Arc<dyn Signer>; 2]> = OnceLock::new();
    let key = || -> Arc<dyn Signer> {
        Arc::new(JoseSigner::generate(SigningAlg::Es256).expect("OpenSSL makes a key"))
    };
    KEYS.get_or_init(|| [key(), key()]).clone()
}

impl JwtForm {
    /// A proof by `key` with these claims, and no others.
    pub fn proof(key: &Arc<dyn Signer>, claims: Value) -> Self {
        Self::new("dpop+jwt", key, claims).header("jwk", bare(&key.public_key().to_value()))
    }

    /// Is for a request with this access token.
    pub fn presenting(self, access_token: &str) -> Self {
        let hash = TokenHash::of(access_token);
        self.claim("ath", BASE64_URL_SAFE_NO_PAD.encode(hash.as_bytes()))
    }
}

impl TokenForm {
    /// Sends this proof along.
    pub fn proved(self, proof: &JwtForm) -> Self {
        self.header("dpop", proof.sign())
    }
}

impl HarnessBuilder {
    /// Turns DPoP on.
    pub fn dpop(self, config: DpopConfig) -> Self {
        self.provider(|builder| builder.with_dpop(config))
    }
}

impl Harness {
    /// A sound proof by the first of [`dpop_keys`], made now for a request of this method to this path.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    pub fn dpop_proof(&self, method: &str, path: &str) -> JwtForm {
        let [key, _] = dpop_keys();
        let jti = crate::secret::generate(self.entropy(), 128).expect("the entropy delivers");
        let claims = json!({
            "jti": jti.expose(),
            "htm": method,
            "htu": self.provider().config().issuer.endpoint(path),
            "iat": self.now().unix(),
        });
        JwtForm::proof(&key, claims)
    }

    /// A sound proof for the token endpoint.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    pub fn token_proof(&self) -> JwtForm {
        self.dpop_proof("POST", &self.provider().config().paths.token)
    }

    /// A sound proof for userinfo with this access token.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    pub fn userinfo_proof(&self, access_token: &str) -> JwtForm {
        self.dpop_proof("GET", &self.provider().config().paths.userinfo).presenting(access_token)
    }

    /// Asks for the claims of an access token of this scheme, with these further headers.
    ///
    /// # Panics
    /// When the texts cannot stand in headers.
    #[track_caller]
    pub fn userinfo_with(&self, scheme: &str, access_token: &str, headers: &[(&str, &str)]) -> Outcome {
        let issuer = &self.provider().config().issuer;
        let mut request = http::Request::get(issuer.endpoint(&self.provider().config().paths.userinfo))
            .header(AUTHORIZATION, format!("{scheme} {access_token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Bytes::new()).expect("the texts can stand in headers"))
    }
}
