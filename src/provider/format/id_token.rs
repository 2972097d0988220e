//! ID tokens (OpenID Connect Core 1.0 section 2).

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::client::{Client, IdTokenAlg};
use crate::clock::Timestamp;
use crate::error::{Internal, Result};
use crate::jose::{self, Encrypter, Keyring, Signer, SigningAlg, SigningHeader};
use crate::provider::context::Context;
use crate::provider::encryption::{self, Answer, Recipients};
use crate::provider::hooks::ClaimsHook;
use crate::provider::{release, subject};
use crate::secret::Secret;
use crate::types::{Authentication, Claims};

/// What an ID token says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdToken<'a> {
    /// For whom it is.
    pub(crate) client: &'a Client,
    /// Who signed in, and how.
    pub(crate) authentication: &'a Authentication,
    /// The `nonce` of the authorization request; `None` at a refresh (OpenID Connect Core 1.0 section 12.2).
    pub(crate) nonce: Option<&'a str>,
    /// The access token that is issued beside it, for `at_hash`.
    pub(crate) access_token: Option<&'a Secret>,
    /// The code that is issued beside it, for `c_hash`.
    pub(crate) code: Option<&'a Secret>,
    /// The `state` of a response that it protects, for `s_hash`.
    pub(crate) state: Option<&'a str>,
    /// The push that it is a part of.
    pub(crate) pushed: Option<Pushed<'a>>,
    /// What it says of the person beyond the protocol's own claims.
    pub(crate) claims: &'a Claims,
}

/// What an ID token says of the push that brings it (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0
/// section 10.3.1): nothing else tells its client that all of it belongs together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed<'a> {
    /// The request that is answered.
    pub(crate) auth_req_id: &'a Secret,
    /// The refresh token that is issued beside it, for `rt_hash`.
    pub(crate) refresh_token: Option<&'a Secret>,
}

/// The claim of the request that a push answers.
pub(crate) const AUTH_REQ_ID: &str = "urn:openid:params:jwt:claim:auth_req_id";

/// The claim of the refresh token that is pushed beside an ID token.
pub(crate) const RT_HASH: &str = "urn:openid:params:jwt:claim:rt_hash";

/// By which way an ID token goes to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// Straight from the token endpoint.
    Back,
    /// Through the browser.
    Front,
}

/// Whether ID tokens may go out that nobody signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    Allowed,
    Refused,
}

/// Mints ID tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minter<'a> {
    pub(crate) keyring: &'a Keyring,
    pub(crate) hook: Option<&'a dyn ClaimsHook>,
    pub(crate) unsigned: Unsigned,
    pub(crate) recipients: Recipients<'a>,
    /// When every token ends at the latest.
    pub(crate) until: Timestamp,
}

impl Minter<'_> {
    /// Mints an ID token, signs it by the algorithm that the client registered, and encrypts it to the client
    /// where that registered encryption.
    ///
    /// Neither the person's claims nor those of the host's hook can replace one that the protocol defines.
    ///
    /// # Errors
    /// A fault of ours when no active key has the client's algorithm, the signer does not answer, or the hook
    /// fails; the refusals of [`Recipients::encrypter`].
    pub(crate) async fn mint(&self, cx: &Context<'_>, token: &IdToken<'_>) -> Result<Secret> {
        let encrypter = self.recipients.encrypter(cx, token.client, Answer::IdToken).await?;
        let form = self.form(token.client.metadata().id_token_signed_response_alg, encrypter)?;
        let mut told = token.claims.clone();
        if let Some(hook) = self.hook {
            let added = hook.id_token(token.client.id(), token.authentication).await;
            let added = added.map_err(|error| Internal::new("could not ask the claims hook", error))?;
            added.iter().for_each(|(name, value)| told.insert(name, value.clone()));
        }
        let mut claims = protocol_claims(cx, token, (form.alg(), self.ends(cx, token.client)));
        claims.extend(release::unreserved(&told).into_map());
        let payload = Value::Object(claims).to_string();
        let Form::Signed(signer, encrypter) = form else { return Ok(Secret::new(unsecured(&payload))) };
        let signed = jose::sign(&SigningHeader::new(), payload.as_bytes(), &*signer).await?;
        Ok(Secret::new(encryption::nested(cx, encrypter.as_ref(), signed)?))
    }

    /// When a token that is minted now for `client` ends.
    pub(crate) fn ends(&self, cx: &Context<'_>, client: &Client) -> Timestamp {
        let lifetime = client.settings().id_token_lifetime.unwrap_or(cx.config.id_token_lifetime);
        cx.now.plus(lifetime).min(self.until)
    }

    /// What is encrypted is signed first: OpenID Connect Core 1.0 section 2 knows no ID token that is
    /// encrypted alone.
    fn form(&self, alg: IdTokenAlg, encrypter: Option<Encrypter>) -> Result<Form, Internal> {
        let signer = match alg {
            IdTokenAlg::DangerousNone if self.unsigned == Unsigned::Allowed && encrypter.is_none() => {
                return Ok(Form::Unsigned);
            }
            IdTokenAlg::DangerousNone => None,
            IdTokenAlg::Signed(alg) => self.keyring.signer(alg),
        };
        let missing = || Internal::new("could not sign an id token", format!("no active {alg} key"));
        Ok(Form::Signed(signer.ok_or_else(missing)?, encrypter))
    }
}

/// What becomes of the claims.
enum Form {
    Signed(Arc<dyn Signer>, Option<Encrypter>),
    Unsigned,
}

impl Form {
    fn alg(&self) -> Option<SigningAlg> {
        match self {
            Self::Signed(signer, _) => Some(signer.algorithm()),
            Self::Unsigned => None,
        }
    }
}

/// An unsecured JWS (RFC 7515 appendix A.5): its signature is empty.
fn unsecured(payload: &str) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(r#"{"alg":"none"}"#), part(payload))
}

/// Without an algorithm there is none to hash by, so that the hashes are left out.
fn protocol_claims(
    cx: &Context<'_>,
    token: &IdToken<'_>,
    (alg, ends): (Option<SigningAlg>, Timestamp),
) -> Map<String, Value> {
    let IdToken { client, authentication, .. } = token;
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), cx.issuer().into());
    claims.insert("sub".to_owned(), subject::of_person(cx, client, &authentication.subject).into());
    claims.insert("aud".to_owned(), client.id().as_str().into());
    claims.insert("azp".to_owned(), client.id().as_str().into());
    claims.insert("exp".to_owned(), ends.unix().into());
    claims.insert("iat".to_owned(), cx.now.unix().into());
    claims.insert("auth_time".to_owned(), authentication.auth_time.unix().into());
    if let Some(nonce) = token.nonce {
        claims.insert("nonce".to_owned(), nonce.into());
    }
    if let Some(acr) = authentication.acr.as_deref().filter(|acr| !acr.is_empty()) {
        claims.insert("acr".to_owned(), acr.into());
    }
    if !authentication.amr.is_empty() {
        claims.insert("amr".to_owned(), json!(authentication.amr));
    }
    let hashed = [
        ("at_hash", token.access_token.map(Secret::expose)),
        ("c_hash", token.code.map(Secret::expose)),
        ("s_hash", token.state),
        (RT_HASH, token.pushed.and_then(|pushed| pushed.refresh_token).map(Secret::expose)),
    ];
    for (name, value) in hashed {
        if let (Some(value), Some(alg)) = (value, alg) {
            claims.insert(name.to_owned(), half_hash(alg, value).into());
        }
    }
    if let Some(pushed) = token.pushed {
        claims.insert(AUTH_REQ_ID.to_owned(), pushed.auth_req_id.expose().into());
    }
    if let Some(session) = &authentication.session {
        claims.insert("sid".to_owned(), subject::sid(cx, client.id(), session).into());
    }
    claims
}

/// The left half of the hash that belongs to `alg`.
///
/// OpenID Connect Core 1.0 sections 3.1.3.6 and 3.3.2.11; for Ed25519 that is SHA-512, with which it signs
/// (RFC 8032 section 5.1).
fn half_hash(alg: SigningAlg, text: &str) -> String {
    let bytes = text.as_bytes();
    let half = |digest: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2]);
    match alg {
        SigningAlg::Es256 | SigningAlg::Ps256 | SigningAlg::Rs256 => half(&Sha256::digest(bytes)),
        SigningAlg::Es384 | SigningAlg::Ps384 | SigningAlg::Rs384 => half(&Sha384::digest(bytes)),
        SigningAlg::EdDsa | SigningAlg::Es512 | SigningAlg::Ps512 | SigningAlg::Rs512 => {
            half(&Sha512::digest(bytes))
        }
    }
}
