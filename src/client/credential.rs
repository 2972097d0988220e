//! How this side, as a client of somebody else's server, proves who it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::clock::Timestamp;
use crate::entropy::{Entropy, EntropyError};
use crate::jose::{self, SignError, Signer, SigningHeader};
use crate::secret::{Secret, generate};
use crate::types::ClientId;

/// How long an assertion is good.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);

/// The `client_assertion_type` of RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A `client_id`, and what proves that it is ours.
#[derive(Clone)]
pub struct ClientCredential {
    client_id: ClientId,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    /// `client_secret_basic`.
    Basic(Secret),
    /// `private_key_jwt`, for this audience.
    PrivateKey(Arc<str>, Arc<dyn Signer>),
}

/// Why a request could not be authenticated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The random source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The client's name or secret cannot stand in a header.
    #[error("could not write the authorization header")]
    Unwritable,
}

impl ClientCredential {
    /// A secret, which is sent by `client_secret_basic` (RFC 6749 section 2.3.1).
    #[must_use]
    pub const fn secret(client_id: ClientId, secret: Secret) -> Self {
        Self { client_id, proof: Proof::Basic(secret) }
    }

    /// A private key, by which assertions are signed for `issuer`, the server that is asked: `private_key_jwt` (OpenID
    /// Connect Core 1.0 section 9, RFC 7523 section 2.2).
    #[must_use]
    pub fn private_key(client_id: ClientId, issuer: impl Into<Arc<str>>, signer: Arc<dyn Signer>) -> Self {
        Self { client_id, proof: Proof::PrivateKey(issuer.into(), signer) }
    }

    /// Who it is.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Adds the credential to the headers and the form of a request.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn authenticate(
        &self,
        (headers, form): (&mut HeaderMap, &mut Vec<(&'static str, String)>),
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<(), CredentialError> {
        match &self.proof {
            Proof::Basic(secret) => {
                headers.insert(AUTHORIZATION, self.basic(secret)?);
            }
            Proof::PrivateKey(issuer, signer) => {
                let assertion = self.assertion(issuer, &**signer, (entropy, now)).await?;
                form.push(("client_assertion_type", JWT_BEARER.to_owned()));
                form.push(("client_assertion", assertion));
            }
        }
        Ok(())
    }

    /// Both halves are form-urlencoded before they are joined (RFC 6749 section 2.3.1).
    fn basic(&self, secret: &Secret) -> Result<HeaderValue, CredentialError> {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(self.client_id.as_str()), encoded(secret.expose()));
        let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
        let mut value = HeaderValue::try_from(value).map_err(|_| CredentialError::Unwritable)?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn assertion(
        &self,
        issuer: &str,
        signer: &dyn Signer,
        (entropy, now): (&dyn Entropy, Timestamp),
    ) -> Result<String, CredentialError> {
        let jti = generate(entropy, 128)?;
        let claims = json!({
            "iss": self.client_id.as_str(),
            "sub": self.client_id.as_str(),
            "aud": issuer,
            "jti": jti.expose(),
            "iat": now.unix(),
            "exp": now.plus(ASSERTION_LIFETIME).unix(),
        });
        Ok(jose::sign(&SigningHeader::typed("JWT"), claims.to_string().as_bytes(), signer).await?)
    }
}

/// Tells the method, never the secret.
impl fmt::Debug for ClientCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.proof {
            Proof::Basic(_) => "client_secret_basic",
            Proof::PrivateKey(..) => "private_key_jwt",
        };
        write!(f, "ClientCredential({}, {method})", self.client_id)
    }
}
