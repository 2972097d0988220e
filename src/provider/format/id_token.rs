//! ID tokens (OpenID Connect Core 1.0 section 2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::client::Client;
use crate::error::{Internal, Result};
use crate::jose::{self, Keyring, SigningAlg, SigningHeader};
use crate::provider::context::Context;
use crate::provider::hooks::ClaimsHook;
use crate::provider::subject;
use crate::secret::Secret;
use crate::types::{Authentication, ClaimRequest, Claims, Scope};

/// Claims that the provider alone sets in an ID token, or that mean something else in one.
const RESERVED: [&str; 22] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "cnf",
    "act",
    "may_act",
    "events",
    "client_id",
    "scope",
];

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
    /// What it says of the person beyond the protocol's own claims; see [`requested`].
    pub(crate) claims: &'a Claims,
}

/// Mints and signs an ID token by the algorithm that the client registered.
///
/// Neither the person's claims nor those of the host's hook can replace one that the protocol defines.
///
/// # Errors
/// A fault of ours when no active key has the client's algorithm, the signer does not answer, or the hook fails.
pub(crate) async fn mint(
    cx: &Context<'_>,
    keyring: &Keyring,
    hook: Option<&dyn ClaimsHook>,
    token: &IdToken<'_>,
) -> Result<Secret> {
    let alg = token.client.metadata().id_token_signed_response_alg;
    let signer = keyring
        .signer(alg)
        .ok_or_else(|| Internal::new("could not sign an id token", format!("no active {alg} key")))?;
    let added = match hook {
        Some(hook) => hook
            .id_token(token.client.id(), token.authentication)
            .await
            .map_err(|error| Internal::new("could not ask the claims hook", error))?,
        None => Claims::new(),
    };
    let mut claims = protocol_claims(cx, token, alg);
    for (name, value) in token.claims.iter().chain(added.iter()) {
        if !RESERVED.contains(&name) {
            claims.insert(name.to_owned(), value.clone());
        }
    }
    let payload = Value::Object(claims).to_string();
    let signed = jose::sign(&SigningHeader::new(), payload.as_bytes(), &*signer).await?;
    Ok(Secret::new(signed))
}

/// The claims of `account` that were asked for by name in the ID token (OpenID Connect Core 1.0 section 5.5).
///
/// The claims of the scope are not among them: with an access token at hand, the client gets those from userinfo
/// (section 5.4).
pub(crate) fn requested(asked: &[(String, ClaimRequest)], account: &Claims) -> Claims {
    let mut claims = Claims::new();
    for (name, request) in asked {
        let value = account.value(name).filter(|value| request.accepts(value));
        if let Some(value) = value.filter(|_| !RESERVED.contains(&name.as_str())) {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// The claims of `account` that the scope asks for: those that an ID token must bring where no access token is issued
/// that would fetch them from userinfo (OpenID Connect Core 1.0 section 5.4).
pub(crate) fn of_scope(scope: &Scope, account: &Claims) -> Claims {
    let mut claims = Claims::new();
    for (name, value) in account.iter().filter(|(name, _)| scope.asks_for(name)) {
        claims.insert(name, value.clone());
    }
    claims
}

fn protocol_claims(cx: &Context<'_>, token: &IdToken<'_>, alg: SigningAlg) -> Map<String, Value> {
    let IdToken { client, authentication, .. } = token;
    let lifetime = client.settings().id_token_lifetime.unwrap_or(cx.config.id_token_lifetime);
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), cx.issuer().into());
    claims.insert("sub".to_owned(), subject::of_person(cx, client, &authentication.subject).into());
    claims.insert("aud".to_owned(), client.id().as_str().into());
    claims.insert("azp".to_owned(), client.id().as_str().into());
    claims.insert("exp".to_owned(), cx.now.plus(lifetime).unix().into());
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
    ];
    for (name, value) in hashed {
        if let Some(value) = value {
            claims.insert(name.to_owned(), half_hash(alg, value).into());
        }
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
