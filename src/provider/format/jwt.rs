//! Access tokens as JWTs (RFC 9068), recorded by the hash of their `jti`, or not at all.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::opaque::{self, TokenKind};
use super::{AccessTokenFormat, Minted, Presented};
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Internal, Result};
use crate::jose::{
    self, AccessTokenVerifier, ClaimsSet, Keyring, Signer, SigningAlg, SigningHeader, VerifiedAccessToken,
};
use crate::provider::authorization_details;
use crate::provider::config::Config;
use crate::provider::context::Context;
use crate::provider::subject;
use crate::secret::{Secret, TokenHash};
use crate::store::AccessToken;
use crate::types::{
    Actor, Actors, Authentication, AuthorizationDetails, Claims, ClientId, Confirmation, GrantId, Scope,
    Subject,
};

/// Claims that the provider alone sets in an access token or its introspection, or that mean something there.
const RESERVED: [&str; 23] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "sid",
    "nonce",
    "cnf",
    "act",
    "authorization_details",
    "active",
    "token_type",
    "username",
    "events",
    "typ",
];

/// Whether a host may not set the claim `name` in an access token.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether a JWT has a record, by which it is introspected and revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recording {
    Recorded,
    Stateless,
}

/// JWTs of `typ` `at+jwt`.
#[derive(Debug)]
pub(super) struct Jwt {
    keyring: Keyring,
    verifier: AccessTokenVerifier,
    alg: Option<SigningAlg>,
    recording: Recording,
}

impl Jwt {
    pub(super) fn new(config: &Config, keyring: &Keyring, recording: Recording) -> Self {
        let verifier = AccessTokenVerifier::new(config.issuer.as_str(), keyring.clone());
        Self { keyring: keyring.clone(), verifier, alg: config.access_token_signing_alg, recording }
    }

    fn signer(&self) -> Result<Arc<dyn Signer>> {
        let alg = self.alg.or_else(|| self.keyring.algorithms().first().copied());
        let signer = alg.and_then(|alg| self.keyring.signer(alg));
        signer.ok_or_else(|| Internal::new("could not sign an access token", "no active key").into())
    }
}

#[async_trait]
impl AccessTokenFormat for Jwt {
    async fn mint(&self, cx: &Context<'_>, client: &Client, token: &AccessToken) -> Result<Minted> {
        if token.audience.is_empty() {
            // RFC 9068 section 2.2 demands `aud`; without one any resource might take the token for its own.
            return Err(Internal::new("could not mint a jwt access token", "there is no audience").into());
        }
        let mut claims = claims(cx, client, token);
        let jti = Jti::new(cx, token.grant, self.recording)?.encode(cx, &claims);
        claims.insert("jti".to_owned(), jti.as_str().into());
        let payload = Value::Object(claims).to_string();
        let header = SigningHeader::typed("at+jwt");
        let token = Secret::new(jose::sign(&header, payload.as_bytes(), &*self.signer()?).await?);
        Ok(match self.recording {
            Recording::Recorded => Minted::recorded(token, TokenHash::of(&jti)),
            Recording::Stateless => Minted::stateless(token),
        })
    }

    async fn read(&self, cx: &Context<'_>, presented: &str) -> Option<Presented> {
        let verified = self.verifier.verify(presented, cx.now).ok()?;
        let key = TokenHash::of(verified.jti());
        let jti = Jti::decode(cx, &verified)?;
        match jti.recording {
            Recording::Recorded => Some(Presented::Recorded(key)),
            Recording::Stateless => {
                let token = access_token(verified.into_claims(), jti.grant)?;
                Some(Presented::Stateless(Box::new(token)))
            }
        }
    }
}

/// The claims of RFC 9068 section 2.2 but for `jti`, and what the host added.
fn claims(cx: &Context<'_>, client: &Client, token: &AccessToken) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), cx.issuer().into());
    claims.insert("sub".to_owned(), subject_of(cx, client, token).into());
    claims.insert("aud".to_owned(), audience(&token.audience));
    claims.insert("exp".to_owned(), token.expires_at.unix().into());
    claims.insert("iat".to_owned(), token.issued_at.unix().into());
    claims.insert("client_id".to_owned(), token.client.as_str().into());
    if !token.scope.is_empty() {
        claims.insert("scope".to_owned(), token.scope.to_string().into());
    }
    if authorization_details::fit_a_jwt(&token.authorization_details) {
        insert_details(&mut claims, &token.authorization_details);
    }
    insert_authentication(&mut claims, token.authentication.as_ref());
    insert_confirmation(&mut claims, token.confirmation.as_ref());
    insert_actors(&mut claims, (cx, client), &token.actors);
    for (name, value) in token.extra.iter() {
        claims.entry(name).or_insert_with(|| value.clone());
    }
    claims
}

/// The `sub` of a token: the person, or the client that acts for itself.
pub(crate) fn subject_of(cx: &Context<'_>, client: &Client, token: &AccessToken) -> String {
    match &token.authentication {
        Some(authentication) => subject::of_person(cx, client, &authentication.subject),
        None => subject::of_client(&token.client),
    }
}

/// `aud`: one audience as a text, several as a list.
pub(crate) fn audience(audience: &[String]) -> Value {
    match audience {
        [one] => one.as_str().into(),
        many => json!(many),
    }
}

/// `authorization_details` (RFC 9396 section 9).
pub(crate) fn insert_details(claims: &mut Map<String, Value>, details: &AuthorizationDetails) {
    if !details.is_empty() {
        claims.insert("authorization_details".to_owned(), details.to_value());
    }
}

/// `auth_time`, `acr` and `amr` (RFC 9068 section 2.2.1, RFC 9470 section 6).
pub(crate) fn insert_authentication(
    claims: &mut Map<String, Value>,
    authentication: Option<&Authentication>,
) {
    let Some(authentication) = authentication else { return };
    claims.insert("auth_time".to_owned(), authentication.auth_time.unix().into());
    if let Some(acr) = &authentication.acr {
        claims.insert("acr".to_owned(), acr.as_str().into());
    }
    if !authentication.amr.is_empty() {
        claims.insert("amr".to_owned(), json!(authentication.amr));
    }
}

/// `cnf` (RFC 7800 section 3.1).
pub(crate) fn insert_confirmation(claims: &mut Map<String, Value>, confirmation: Option<&Confirmation>) {
    if let Some(confirmation) = confirmation {
        claims.insert("cnf".to_owned(), json!(confirmation));
    }
}

/// `act`: who acts, named as `client` knows them (RFC 8693 section 4.1).
pub(crate) fn insert_actors(
    claims: &mut Map<String, Value>,
    (cx, client): (&Context<'_>, &Client),
    actors: &Actors,
) {
    let chain = actors.iter().rev().fold(None, |before, actor| {
        let mut named = match actor {
            Actor::Client(id) => json!({ "sub": subject::of_client(id), "client_id": id.as_str() }),
            Actor::Foreign { iss, sub } => json!({ "iss": iss, "sub": sub }),
            Actor::Person(person) => json!({ "sub": subject::of_person(cx, client, person) }),
        };
        if let Some(before) = before {
            named["act"] = before;
        }
        Some(named)
    });
    claims.extend(chain.map(|chain| ("act".to_owned(), chain)));
}

/// What a verified token that is not recorded says.
fn access_token(claims: ClaimsSet, grant: GrantId) -> Option<AccessToken> {
    let time = |name| claims.time(name).ok().flatten();
    let sub = claims.str("sub")?;
    let client = ClientId::new(claims.str("client_id")?).ok()?;
    let authentication = match sub == subject::of_client(&client) {
        true => None,
        false => Some(authentication(&claims, sub, time("auth_time")?)?),
    };
    let mut token = AccessToken::new(grant, client, time("iat")?, time("exp")?);
    token.authentication = authentication;
    token.scope = Scope::parse(claims.str("scope").unwrap_or_default()).ok()?;
    token.audience = claims.audience()?.into_iter().map(str::to_owned).collect();
    // Delegated tokens are recorded: this is none of ours.
    if claims.value("act").is_some() {
        return None;
    }
    // One that is bound in a way that is not known here is no token.
    token.confirmation = match claims.value("cnf") {
        Some(bound) => Some(Confirmation::deserialize(bound).ok()?),
        None => None,
    };
    if let Some(details) = claims.value("authorization_details") {
        token.authorization_details = AuthorizationDetails::from_value(details.clone()).ok()?;
    }
    let others = claims.into_map().into_iter().filter(|(name, _)| !is_reserved(name));
    token.extra = Claims::from(others.collect::<Map<_, _>>());
    Some(token)
}

fn authentication(claims: &ClaimsSet, sub: &str, auth_time: Timestamp) -> Option<Authentication> {
    let mut authentication = Authentication::new(Subject::new(sub).ok()?, auth_time);
    authentication.acr = claims.str("acr").map(str::to_owned);
    if let Some(Value::Array(amr)) = claims.value("amr") {
        authentication.amr = amr.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    Some(authentication)
}

/// What a `jti` is made of: whether there is a record, the grant, 32 random bytes, and a MAC under a system secret.
///
/// Where there is no record the MAC is over the other claims as well, so that a stolen signing key alone makes no token
/// that this provider itself takes. What a record stands for is in the record, whatever the claims say.
struct Jti {
    recording: Recording,
    grant: GrantId,
    random: [u8; 32],
}

/// Bytes before the MAC.
const JTI_BYTES: usize = 1 + 16 + 32;

impl Jti {
    fn new(cx: &Context<'_>, grant: GrantId, recording: Recording) -> Result<Self> {
        Ok(Self { recording, grant, random: crate::entropy::random(cx.entropy)? })
    }

    /// The text for a token with these claims, which do not have it yet.
    fn encode(&self, cx: &Context<'_>, claims: &Map<String, Value>) -> String {
        let mut bytes = [0; JTI_BYTES];
        bytes[0] = match self.recording {
            Recording::Recorded => 1,
            Recording::Stateless => 2,
        };
        bytes[1..17].copy_from_slice(self.grant.as_bytes());
        bytes[17..].copy_from_slice(&self.random);
        let vouched = vouched(self.recording, &bytes, claims);
        let tag = opaque::tag(&cx.secrets.writer().token, TokenKind::AccessToken, cx.issuer(), &vouched);
        BASE64_URL_SAFE_NO_PAD.encode([&bytes[..], &tag].concat())
    }

    /// `None` unless one of our secrets made it, for a token with these claims where there is no record.
    fn decode(cx: &Context<'_>, token: &VerifiedAccessToken) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.jti()).ok()?;
        let (body, presented) = bytes.split_first_chunk::<JTI_BYTES>()?;
        let (kind, rest) = body.split_first()?;
        let (grant, random) = rest.split_first_chunk::<16>()?;
        let recording = match kind {
            1 => Recording::Recorded,
            2 => Recording::Stateless,
            _ => return None,
        };
        let vouched = vouched(recording, body, token.claims().as_map());
        let ours = opaque::is_tagged(cx.secrets, TokenKind::AccessToken, cx.issuer(), (&vouched, presented));
        let jti = Self { recording, grant: GrantId::from_bytes(*grant), random: random.try_into().ok()? };
        ours.then_some(jti)
    }
}

/// What the MAC is over. It is longer than what an opaque token's is over, so neither passes for the other.
fn vouched(recording: Recording, body: &[u8], claims: &Map<String, Value>) -> Vec<u8> {
    let mut vouched = body.to_vec();
    if recording == Recording::Stateless {
        // In an order of ours, whatever the map's is.
        let mut claims: Vec<_> = claims.iter().filter(|(name, _)| *name != "jti").collect();
        claims.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in claims {
            vouched.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
            vouched.extend_from_slice(value.to_string().as_bytes());
        }
    }
    vouched
}
